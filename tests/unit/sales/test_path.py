"""The path of leads and deals, what a conversion carries over, exact amounts: the rules alone."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhub.errors import Conflict, InvalidInput
from taskhub.events.model import RecordRef, Version
from taskhub.events.own import instant
from taskhub.policy.currencies import DECIMALS
from taskhub.policy.policies import Pipeline, Policies, Stage
from taskhub.policy.text import LocalText
from taskhub.sales import conversion, path
from taskhub.sales.conversion import Asked
from taskhub.sales.matching import key_of
from taskhub.sales.model import RecordState
from taskhub.sales.money import amount, exact, too_fine, total
from taskhub.sales.native import Said, difference, event_of
from taskhub.sales.projection import project

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
STAGES = tuple(
    Stage(key, LocalText(key.title()), required_fields=asked)
    for key, asked in (("a", ()), ("b", ("company", "phone")), ("c", ("phone", "email")), ("d", ("amount",)))
)
LEADS = Pipeline("leads", LocalText("Leads"), "lead", STAGES, ("price",), "EUR")
DEALS = Pipeline("sales", LocalText("Sales"), "deal", STAGES[2:], (), "EUR")
POLICIES = Policies(hash="x", pipelines={"leads": LEADS, "sales": DEALS})


def record(noun: str = "lead", **fields: Any) -> RecordState:
    told = {"status": "open", "stage": "a", "pipeline": {"lead": "leads", "deal": "sales"}[noun], **fields}
    return RecordState(RecordRef(noun, "1"), told, dict.fromkeys(told, Version(AT, "x")), AT, AT)


@pytest.mark.parametrize(
    ("at", "to", "filled", "missing"),
    [
        ("a", "b", (), []),
        ("a", "c", (), ["company", "phone"]),
        ("a", "d", ("phone",), ["company", "email"]),
        ("b", "c", ("company", "phone"), []),
        ("d", "a", (), []),
        ("c", "b", (), []),
        ("gone", "c", ("company",), ["phone"]),
    ],
)
def test_what_is_missing_on_the_way(at: str, to: str, filled: tuple[str, ...], missing: list[str]) -> None:
    state = record(stage=at, **dict.fromkeys(filled, "x"))
    if not missing:
        assert path.moved(state, to, POLICIES) == {"stage": to, "pipeline": "leads"}
        return
    with pytest.raises(InvalidInput) as refused:
        path.moved(state, to, POLICIES)
    assert refused.value.stable_code == "fields_missing"
    assert sorted(refused.value.fields["missing"]) == sorted(missing)


def test_ended_records_say_why_they_do_not_move() -> None:
    for status, code in (("lost", "already_lost"), ("converted", "already_converted")):
        with pytest.raises(Conflict) as refused:
            path.moved(record(status=status), "b", POLICIES)
        assert refused.value.stable_code == code


def test_without_a_pipeline_there_is_no_stage() -> None:
    bare = Policies(hash="x")
    assert path.begun("lead", {"name": "Ann"}, bare) == {"name": "Ann", "status": "open"}
    for wanted, code in (({"stage": "a"}, "unknown_stage"), ({"pipeline": "leads"}, "unknown_pipeline"),
                         ({"amount": 1}, "unknown_currency")):  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            path.begun("lead", wanted, bare)
        assert refused.value.stable_code == code


def test_a_conversion_keeps_the_stage_where_deals_have_it() -> None:
    lead = record(stage="c", company="Roux", amount=5, currency="CHF", own_field="x", lost_reason="old")
    made = conversion.drafted(lead, Asked(deal={}), POLICIES)
    assert made.deal is not None
    assert (made.deal["stage"], made.deal["currency"], made.deal["own_field"]) == ("c", "CHF", "x")
    assert "lost_reason" not in made.deal
    first = conversion.drafted(record(stage="b", company="Roux"), Asked(deal={}), POLICIES)
    assert first.deal is not None
    assert first.deal["stage"] == "c"
    assert conversion.drafted(lead, Asked(), POLICIES).deal is None


def test_what_a_pipeline_insists_on() -> None:
    strict = Pipeline("leads", LocalText("Leads"), "lead", STAGES, required_to_convert=("company", "email"))
    policies = Policies(hash="x", pipelines={"leads": strict})
    with pytest.raises(InvalidInput) as refused:
        conversion.drafted(record(), Asked(), policies)
    assert refused.value.fields["missing"] == ["company", "email"]
    asked = Asked(account={"name": "Roux"}, contact={"email": "a@b.example"})
    assert conversion.drafted(record(), asked, policies).account["name"] == "Roux"


def test_an_act_is_newer_than_what_is_known_and_projecting_it_again_changes_nothing() -> None:
    ahead = record()
    at = instant(AT.replace(hour=8), ahead.newest.at)
    assert at > AT
    said = Said(ahead.ref, ahead, {"stage": "b", "phone": "1"})
    event = event_of(said, at, "id", "rob")
    assert event.types == ("lead.stage_changed", "lead.updated")
    assert difference(said) == {"stage": ["a", "b"], "phone": [None, "1"]}
    once, changes = project(ahead, event)
    twice, again = project(once, event)
    assert once.fields["stage"] == "b"
    assert (twice, again) == (once, changes)


def test_names_are_found_again_whatever_their_case_width_and_spaces() -> None:
    assert key_of("account", {"name": "ＡＣＭＥ  Ltd"}) == key_of("account", {"company": "acme ltd "})
    assert key_of("contact", {"name": "Ann", "company": "X"}) != key_of("contact", {"name": "Ann"})
    assert [key_of(noun, {}) for noun in ("account", "contact", "lead")] == [None, None, None]


CENTS = st.integers(0, 10**15 - 1)


@given(CENTS, st.integers(0, 6))
def test_every_amount_of_fifteen_digits_comes_back_as_it_was(digits: int, places: int) -> None:
    meant = Decimal(digits).scaleb(-places)
    kept = amount(f"{meant:f}")
    assert Decimal(repr(kept)) == meant
    assert exact(kept if places < 5 else f"{meant:f}") == meant


@given(st.lists(CENTS, max_size=50))
def test_sums_are_exact(cents: list[int]) -> None:
    values = [amount(f"{Decimal(one).scaleb(-2):f}") for one in cents]
    assert Decimal(total(values, "EUR")) == Decimal(sum(cents)).scaleb(-2)


@pytest.mark.parametrize(
    "value", ["1e3", "1,5", "", "١", "0x1", "NaN", True, None, [1], "1.2345678", "1" * 16, -1, "-0.5"]
)
def test_what_is_no_amount(value: Any) -> None:
    with pytest.raises(ValueError, match=r"must|digits|decimals"):
        amount(value)


def test_currencies_have_their_decimals() -> None:
    assert [DECIMALS[code] for code in ("EUR", "JPY", "KWD", "CLF")] == [2, 0, 3, 4]
    assert len(DECIMALS) > 150
    assert too_fine(1.005, "KWD") is None
    assert too_fine(1e-7, "EUR") is not None


def test_of_many_names_it_is_said_that_there_are_more() -> None:
    names = [f"person{number:02}" for number in range(14)]
    said = str(path.unknown("owner", "zzz", names, "unknown_owner"))
    assert "person11 and 2 more" in said
    assert "more" not in str(path.unknown("owner", "zzz", names[:12], "unknown_owner"))
    assert said.count("person12") == 0
    assert "did you mean person12?" in str(path.unknown("owner", "persn12", names, "unknown_owner"))
