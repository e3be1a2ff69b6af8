"""The plan of a merge: who stays, which value wins, what is refused, what undo gives back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.errors import Conflict, InvalidInput
from taskhub.events.model import RecordRef, Version
from taskhub.sales.duplicates.merging import Side, final, plan, survivor, undone
from taskhub.sales.duplicates.several import plans
from taskhub.sales.model import RecordState

T0 = datetime(2026, 5, 4, 9, tzinfo=UTC)


def side(id_: str, hour: int = 0, *, noun: str = "lead", at: dict[str, int] | None = None, **fields: Any) -> Side:
    """A record first seen at that hour; each field said then, or at its own hour."""
    when = {name: T0 + timedelta(hours=(at or {}).get(name, hour)) for name in fields}
    versions = {name: Version(one, "") for name, one in when.items()}
    state = RecordState(RecordRef(noun, id_), fields, versions, T0 + timedelta(hours=hour), T0 + timedelta(hours=hour))
    return Side(state)


def ids(*sides: Side) -> list[str]:
    return [one.state.ref.id for one in sides]


def test_the_converted_stays_then_the_crms_own_then_work_then_the_fuller_then_the_older() -> None:
    old, new = side("old", 0, name="A"), side("new", 1, name="A")
    assert ids(*survivor(new, old)) == ["old", "new"]
    fuller = side("full", 1, name="A", phone="1")
    assert ids(*survivor(old, fuller)) == ["full", "old"]
    busy = replace(new, open_tasks=1)
    assert ids(*survivor(fuller, busy)) == ["new", "full"]
    foreign = replace(new, owned_elsewhere=True)
    assert ids(*survivor(foreign, replace(fuller, open_tasks=3))) == ["new", "full"]
    converted, lost = side("won", 2, status="converted"), side("lost", 0, status="lost", name="A", phone="1")
    assert ids(*survivor(foreign, converted)) == ["won", "new"]
    assert ids(*survivor(lost, old)) == ["old", "lost"]


def test_two_that_are_equal_are_told_apart_by_their_ids_whoever_comes_first() -> None:
    one, two = side("a", name="A"), side("b", name="A")
    assert ids(*survivor(one, two)) == ids(*survivor(two, one)) == ["a", "b"]


def test_what_is_empty_gives_way_then_the_newer_statement_wins_and_the_way_stays() -> None:
    stays = side("s", 1, name="Jane", phone=None, email="old@x.org", status="open", owner="ann", company="Acme")
    goes = side("g", 2, name="Jane", phone="1", email="new@x.org", status="lost", owner="bob", company="Beta",
                at={"company": 0}, lost_reason="other")  # fmt: skip
    made = plan(stays, goes, {})
    assert dict(made.fields) == {"phone": "1", "email": "new@x.org"}
    assert dict(made.conflicts) == {
        "email": ("new@x.org", "old@x.org"), "status": ("open", "lost"), "owner": ("ann", "bob"),
        "company": ("Acme", "Beta"),
    }  # fmt: skip
    assert dict(made.before) == {"phone": None, "email": "old@x.org"}


def test_a_choice_wins_over_every_rule() -> None:
    stays, goes = side("s", 1, owner="ann", email="old@x.org"), side("g", 2, owner="bob", email="new@x.org")
    made = plan(stays, goes, {}, chosen={"owner": "g", "email": "s"})
    assert dict(made.fields) == {"owner": "bob"}
    with pytest.raises(InvalidInput, match="choose the value of s or of g"):
        plan(stays, goes, {}, chosen={"email": "x"})


def test_links_of_others_follow_the_record_that_goes() -> None:
    deals = [RecordRef("deal", "2"), RecordRef("deal", "1")]
    assert plan(side("s"), side("g"), {}, links=deals).moves == tuple(sorted(deals))


def test_a_link_of_the_survivor_is_never_overwritten_by_a_newer_one() -> None:
    made = plan(side("s", 1, account="a1"), side("g", 2, account="a2"), {})
    assert dict(made.fields) == {}
    assert dict(made.conflicts) == {"account": ("a1", "a2")}


LEAD = {letter: RecordRef("lead", letter) for letter in "abc"}


@pytest.mark.parametrize(
    ("stays", "goes", "merged", "code"),
    [
        ("a", "a", {}, "same_record"),
        ("a", "b", {"b": "c"}, "already_merged"),
        ("a", "b", {"a": "b"}, "merge_cycle"),
        ("a", "b", {"a": "c", "c": "b"}, "merge_cycle"),
        ("a", "b", {"a": "c"}, "already_merged"),
    ],
)
def test_circles_and_records_that_went_before_are_refused(stays: str, goes: str, merged: Any, code: str) -> None:
    pointers = {LEAD[one]: LEAD[two] for one, two in merged.items()}
    with pytest.raises((Conflict, InvalidInput)) as refused:
        plan(side(stays), side(goes), pointers)
    assert refused.value.stable_code == code


def test_two_nouns_are_never_merged() -> None:
    with pytest.raises(InvalidInput, match="cannot go into"):
        plan(side("a"), side("b", noun="account"), {})


def test_pointers_are_followed_to_the_end_and_a_circle_is_told() -> None:
    chain = {LEAD["a"]: LEAD["b"], LEAD["b"]: LEAD["c"]}
    assert final(LEAD["a"], chain) == LEAD["c"]
    with pytest.raises(Conflict, match="circle"):
        final(LEAD["a"], {**chain, LEAD["c"]: LEAD["a"]})


def test_undo_gives_back_what_nobody_changed_since() -> None:
    stays, goes = side("s", 1, email="old@x.org"), side("g", 2, email="new@x.org", phone="1")
    made = plan(stays, goes, {})
    merged = replace(stays.state, fields={**stays.state.fields, **made.fields})
    assert undone(made, merged) == ({"email": "old@x.org", "phone": None}, ())
    later = replace(merged, fields={**merged.fields, "phone": "2"})
    assert undone(made, later) == ({"email": "old@x.org"}, ("phone",))


def test_nothing_is_no_choice_but_to_keep_nothing_is() -> None:
    stays, goes = side("s", 1, email="old@x.org", phone=None), side("g", 2, email=None, phone="1")
    with pytest.raises(InvalidInput, match="says nothing about email"):
        plans(stays, [goes], {"email": "g"})
    assert [dict(step.fields) for step in plans(stays, [goes], {"phone": "s"})] == [{}]
    assert [dict(step.fields) for step in plans(stays, [goes], {})] == [{"phone": "1"}]


def test_of_several_the_choice_holds_whatever_comes_later() -> None:
    stays, first, last = side("s", 1, email="s@x.org"), side("a", 2, email="a@x.org"), side("b", 3, email="b@x.org")
    for chosen, wins in (({}, "b@x.org"), ({"email": "a"}, "a@x.org"), ({"email": "s"}, "s@x.org")):
        kept = "s@x.org"
        for step in plans(stays, [first, last], chosen):
            kept = step.fields.get("email", kept)
        assert kept == wins
