"""A conversion and a loss of a CRM's record are asked for here and done there, once, and make one set of tasks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from taskhub.acts import crm_asking, undo
from taskhub.connectors.asking import model
from taskhub.db.tables import notification
from taskhub.db.tables_crm import crm_act
from taskhub.errors import Conflict, InvalidInput
from taskhub.events import service as events
from taskhub.events.model import Delivery, Event, RecordRef
from taskhub.policy.policies import WriteBack
from taskhub.sales.conversion import Asked
from taskhub.tasks.model import NewTask
from tests.crm.floor import SYSTEMS, Floor, floor
from tests.crm.ledger import SEEDS

DEAL = Asked(deal={})
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=SYSTEMS)
def house(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Floor]:
    with floor(sqlite_url, request.param) as made:
        yield made


def ask(house: Floor, ref: RecordRef, follow_up: NewTask | None = None) -> model.CrmAct:
    return house.desk.do("sue", crm_asking.convert, ref, DEAL, follow_up)


def states(house: Floor) -> list[str]:
    return [row.state for row in house.desk.rows(crm_act)]


def one_of_each(house: Floor, ref: RecordRef) -> RecordRef:
    """One deal there, known here as theirs, and the work of one conversion."""
    [id] = house.deals_there()
    deal = RecordRef("deal", f"crm:{id}")
    assert house.known(ref).fields["status"] == "converted"
    assert house.known(ref).fields["deal"] == deal.id
    assert house.known(deal).connection == "crm"
    assert house.count("welcome", "onboard") == {"welcome": 1, "onboard": 1}
    assert not house.rows()
    return deal


def test_a_conversion_is_asked_for_once_and_bound_to_what_came_of_it(house: Floor) -> None:
    ref = house.lead()
    ask(house, ref, NewTask("call", "Call them"))
    assert states(house) == ["pending"]
    assert not house.fake.gate.calls
    house.pass_time()
    deal = one_of_each(house, ref)
    assert states(house) == ["done"]
    [call] = house.desk.rows_of("call")
    assert (call.deal, call.title) == (deal.id, "Call them")


@pytest.mark.parametrize("system", ["salesforce", "dynamics"])  # which say what account came of a lead
def test_the_account_of_a_conversion_is_a_customer_since_then(sqlite_url: str, system: str) -> None:
    with floor(sqlite_url, system) as house:
        ref = house.lead()
        ask(house, ref)
        house.pass_time()
        lead = house.known(ref).fields
        account = house.known(RecordRef("account", lead["account"]))
        assert (account.connection, account.fields["customer_since"]) == ("crm", lead["converted_at"])


@pytest.mark.parametrize("system", SYSTEMS)
def test_without_their_user_of_ours_known_it_is_one_conversion_all_the_same(sqlite_url: str, system: str) -> None:
    with floor(sqlite_url, system, own_user=False) as house:
        ref = house.lead()
        ask(house, ref)
        house.pass_time()
        one_of_each(house, ref)


def test_while_it_waits_nobody_asks_again(house: Floor) -> None:
    ref = house.lead()
    first = ask(house, ref)
    with pytest.raises(Conflict) as caught:
        house.desk.do("bob", crm_asking.convert, ref, DEAL)
    assert (caught.value.stable_code, caught.value.fields["by"], caught.value.fields["act"]) == (
        "already_asked",
        "sue",
        first.id,
    )
    with pytest.raises(Conflict):
        house.desk.do("bob", crm_asking.lose, ref, "no_need")
    house.pass_time()
    with pytest.raises(Conflict) as caught:
        ask(house, ref)
    assert caught.value.stable_code == "already_converted"
    one_of_each(house, ref)


def test_taken_back_within_ten_seconds_nothing_was_asked(house: Floor) -> None:
    ref = house.lead()
    act = ask(house, ref)
    house.fake.clock.forward(seconds=9)
    house.run()
    house.desk.do("sue", undo.undo, act.id)
    house.pass_time()
    assert not house.fake.gate.calls
    assert states(house) == ["withdrawn"]
    assert house.known(ref).fields["status"] == "open"
    ask(house, ref)
    house.pass_time()
    one_of_each(house, ref)


@pytest.mark.parametrize("system", SYSTEMS)
def test_later_the_reverse_is_asked_for_where_there_is_one(sqlite_url: str, system: str) -> None:
    with floor(sqlite_url, system) as house:
        ref = house.lead()
        act = ask(house, ref)
        house.pass_time()
        deal = one_of_each(house, ref)
        if system != "pipedrive":
            with pytest.raises(Conflict) as caught:
                house.desk.do("sue", undo.undo, act.id)
            assert caught.value.stable_code == "no_reverse_there"
            return
        house.desk.do("sue", undo.undo, act.id)
        house.pass_time()
        assert not house.deals_there()
        assert len(house.fake.state.records["lead"]) == 1
        assert house.known(deal).fields["deleted"] is True
        assert house.known(ref).fields["status"] == "open"
        assert states(house) == ["done", "done"]
        assert not house.rows()


def test_at_the_lead_it_is_undone_by_whoever_may_once(sqlite_url: str) -> None:
    with floor(sqlite_url, "pipedrive") as house:
        ref = house.lead()
        ask(house, ref)
        house.pass_time()
        deal = one_of_each(house, ref)
        back = house.desk.do("bob", crm_asking.undo_conversion, ref)
        assert (back.kind, back.state, back.deal) == ("unconvert", "pending", deal.id)
        with pytest.raises(Conflict) as caught:
            house.desk.do("bob", crm_asking.undo_conversion, ref)
        assert caught.value.stable_code == "already_asked"
        house.pass_time()
        assert not house.deals_there()
        assert house.known(ref).fields["status"] == "open"
        with pytest.raises(Conflict) as caught:
            house.desk.do("sue", crm_asking.undo_conversion, ref)
        assert caught.value.stable_code == "not_converted"
        assert states(house) == ["done", "done"]


def test_a_deal_that_has_ended_since_is_not_taken_away(sqlite_url: str) -> None:
    with floor(sqlite_url, "pipedrive") as house:
        ref = house.lead()
        ask(house, ref)
        house.pass_time()
        deal = one_of_each(house, ref)
        house.fake.state.change("deal", deal.id.removeprefix("crm:"), {"status": "won"})
        house.pass_time()
        assert house.known(deal).fields["status"] == "won"
        with pytest.raises(Conflict) as caught:
            house.desk.do("sue", crm_asking.undo_conversion, ref)
        assert caught.value.stable_code == "deal_changed"


@pytest.mark.parametrize(
    ("type_", "now", "was"),
    [
        ("lead.reopened", {"status": "open"}, {"status": "converted"}),
        ("lead.updated", {"deal": "crm:999"}, {"deal": None}),
    ],
    ids=["open again", "another deal"],
)
def test_what_is_no_conversion_any_more_is_not_taken_back(
    sqlite_url: str, type_: str, now: dict[str, Any], was: dict[str, Any]
) -> None:
    with floor(sqlite_url, "pipedrive") as house:
        ref = house.lead()
        act = ask(house, ref)
        house.pass_time()
        deal = one_of_each(house, ref)
        at, data = house.fake.clock.now + MINUTE, {"lead": {"id": ref.id, **now}}
        event = Event("crm", "e", (type_,), at, ref, data, previous={"lead": was}, connection="crm")
        with house.desk.db.begin() as tx:
            told = Delivery("crm", "e", type_, str(ref), at, "k", "h", "accepted", event)
            events.ingest(tx, [told], b"{}", {}, "application/json", connection="crm")
        house.run()
        for undone in (partial(crm_asking.undo_conversion, ref=ref), partial(undo.undo, act_id=act.id)):
            with pytest.raises(Conflict) as caught:
                house.desk.do("sue", undone)
            assert caught.value.stable_code == "not_converted"
        house.pass_time()
        assert house.deals_there() == [deal.id.removeprefix("crm:")]


def test_whoever_asked_hears_of_a_follow_up_whose_kind_has_gone(house: Floor) -> None:
    ref = house.lead()
    ask(house, ref, NewTask("call", "Call them"))
    with house.desk.db.read() as tx:
        old = tx.policies
    fewer = replace(old, kinds={key: kind for key, kind in old.kinds.items() if key != "call"})
    house.desk.db._accepted.update(dict.fromkeys(house.desk.db._accepted, fewer))
    house.pass_time()
    one_of_each(house, ref)
    assert not house.desk.rows_of("call")
    [told] = [row for row in house.desk.rows(notification) if row.topic == "crm_no_follow_up"]
    assert (told.agent, "Call them" in told.body) == ("sue", True)


def test_a_refusal_ends_it_and_its_person_is_told(house: Floor) -> None:
    ref = house.lead()
    ask(house, ref)
    id = ref.id.removeprefix("crm:")
    if house.system == "pipedrive":
        house.fake.state.remove("lead", id)
    elif house.system == "salesforce":
        house.fake.state.remove("Lead", id)
    else:
        house.fake.state.update("lead", id, {"statecode": 2, "statuscode": 4})
    house.fake.webhooks.sender.waiting.clear() if house.system == "pipedrive" else None
    house.pass_time()
    assert states(house) == ["refused"]
    [row] = house.desk.rows(crm_act)
    assert row.reason
    [told] = [row for row in house.desk.rows(notification) if row.topic == "crm_refused"]
    assert (told.agent, row.reason in told.body) == ("sue", True)
    assert not house.deals_there()
    assert house.count("welcome", "onboard") == {"welcome": 0, "onboard": 0}


def test_on_a_server_it_is_one_conversion_too(postgres_url: str) -> None:
    with floor(postgres_url, "pipedrive", own_user=False) as house:
        ref = house.lead()
        act = ask(house, ref, NewTask("call", "Call them", data={"a": 1}))
        house.pass_time()
        one_of_each(house, ref)
        [call] = house.desk.rows_of("call")
        assert (call.state, call.data) == ("queued", {"a": 1})
        house.desk.do("sue", undo.undo, act.id)
        house.pass_time()
        assert not house.deals_there()
        assert not house.rows()


@pytest.mark.parametrize("noun", ["lead", "deal"])
def test_a_loss_is_asked_for_and_closes_its_work_once(house: Floor, noun: str) -> None:
    ref = house.lead() if noun == "lead" else RecordRef("deal", f"crm:{house.deal()}")
    house.run()
    house.desk.do("sue", crm_asking.lose, ref, "no_need")
    assert house.known(ref).fields["status"] == "open"
    house.pass_time()
    assert (house.known(ref).fields["status"], house.known(ref).fields["lost_reason"]) == ("lost", "no_need")
    [first] = house.desk.rows_of("qualify" if noun == "lead" else "welcome")
    assert (first.state, first.outcome) == ("cancelled", "lost")
    assert house.count("survey") == {"survey": 1}
    assert states(house) == ["done"]


def test_what_the_crm_decides_cannot_be_said(house: Floor) -> None:
    ref = house.lead()
    with pytest.raises(InvalidInput) as caught:
        house.desk.do(
            "sue", crm_asking.convert, ref, Asked(account={"name": "Other"}, deal={"amount": 7, "stage": "nowhere"})
        )
    assert caught.value.stable_code == "decided_there"
    wrong = {one["path"] for one in caught.value.fields["errors"]}
    assert wrong == {"account", "deal.amount", "deal.stage"}


def test_other_edits_are_refused_as_before(sqlite_url: str) -> None:
    with floor(sqlite_url, "pipedrive", write_back=WriteBack("off", acts=False)) as house:
        ref = house.lead()
        assert house.desk.do("sue", crm_asking.connection_of, ref) is None
        with pytest.raises(Conflict) as caught:
            ask(house, ref)
        assert caught.value.stable_code == "owned_by_crm"


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_goes_wrong_one_deal_comes_of_it(sqlite_url: str, system: str, seed: int) -> None:
    chance = random.Random(seed)
    with floor(sqlite_url, system, own_user=seed % 4 > 0) as house:
        ref = house.lead()
        faults = house.fake.faults
        faults.chance, faults.rate, faults.copies = random.Random(seed), 0.4, chance.choice((1, 2))
        faults.shuffle = random.Random(seed) if seed % 2 else None
        faults.latency = chance.choice((0, 0, 1))
        ask(house, ref)
        house.settle()
        one_of_each(house, ref)
        assert states(house) == ["done"]
