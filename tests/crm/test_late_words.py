"""What a CRM says late, twice or never of what was asked of it: no work of ours comes twice, none of theirs is lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from taskhub.acts import activate, crm_asking, forget
from taskhub.acts.dry_run import dry_run
from taskhub.assignment import service as assignment
from taskhub.connectors.calling import Caller, Dialect
from taskhub.connectors.login import Standing
from taskhub.connectors.looking import looks
from taskhub.connectors.looking import store as places
from taskhub.connectors.looking.service import store_found
from taskhub.db.tables import notification
from taskhub.db.tables_crm import crm_act
from taskhub.errors import InvalidInput
from taskhub.events.model import RecordRef
from taskhub.policy.policies import Policies, WriteBack
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.settings import Keep
from taskhub.testing.crm.faults import CUT
from taskhub.testing.crm.sender import Parcel
from taskhub.workers import run_due
from tests.crm.floor import BOB, RULES, SUE, SYSTEMS, Floor, floor, senders
from tests.crm.test_asked_there import ask
from tests.crm.test_write_back import done, given

READS = {"pipedrive": 0, "salesforce": 0, "dynamics": 1}  # before a loss is written
WON = (*RULES, Rule("won", ("deal.won",), tasks=(TaskTemplate("billing", "Bill it"),)))


def look(house: Floor) -> None:
    """A poll of everything, and what follows from it here."""
    with house.desk.db.read() as tx:
        known = places.places(tx, "crm")
    found = looks.look(house.clients.of(house.connection), house.connection, known)
    with house.desk.db.begin() as tx:
        store_found(tx, "crm", found)
    here(house)


def here(house: Floor) -> None:
    """Everything that is due here; what the CRM tells stays on its way."""
    while run_due(house.desk.db, house.handlers):
        pass


def held_up(house: Floor) -> list[Parcel]:
    """Takes what is on its way from the CRM off its way."""
    [sender] = senders(house.fake, house.system)
    found = list(sender.waiting)
    sender.waiting.clear()
    return found


def arrive(house: Floor, words: list[Parcel]) -> None:
    [sender] = senders(house.fake, house.system)
    sender.waiting.extend(words)
    house.run()


def there(house: Floor, noun: str, id: str, values: Mapping[str, Any]) -> None:
    house.fake.state.change(noun, id, values, by=int(SUE["pipedrive"]))


def moved(house: Floor, id_: str) -> None:
    state, by = house.fake.state, SUE[house.system]
    if house.system == "pipedrive":
        state.change("deal", id_, {"stage_id": 2}, by=int(by))
    elif house.system == "salesforce":
        state.save([("Opportunity", id_, {"StageName": "Qualification"})], by=by)
    else:
        state.update("opportunity", id_, {"estimatedvalue": 7}, state.act(by))


def put(house: Floor, policies: Policies) -> None:
    """These are active from now on, as if they had been all along."""
    accepted = house.desk.db._accepted
    accepted.update(dict.fromkeys(accepted, policies))


def begun(house: Floor) -> RecordRef:
    look(house)
    house.fake.clock.forward(hours=1)
    return house.lead()


def converted(house: Floor, ref: RecordRef) -> list[Parcel]:
    """A conversion here and there; the CRM's words of it are still on their way."""
    ask(house, ref)
    words = []
    for _ in range(6):
        house.fake.clock.forward(seconds=10)
        here(house)
        words += held_up(house)
    assert house.count("welcome", "onboard") == {"welcome": 1, "onboard": 1}
    return words


@pytest.mark.parametrize("late", [False, True])
def test_what_a_first_look_at_a_converted_deal_shows_beside_is_heard(sqlite_url: str, late: bool) -> None:
    with floor(sqlite_url, "pipedrive", own_user=False, rules=WON) as house:
        converted(house, begun(house))
        [deal] = house.deals_there()
        house.fake.clock.forward(minutes=5)
        there(house, "deal", deal, {"status": "won"})
        words = held_up(house)
        house.fake.clock.forward(minutes=15)
        look(house)
        if late:
            arrive(house, words)
        assert house.count("billing", "welcome") == {"billing": 1, "welcome": 1}


def test_our_own_word_of_a_deal_is_heard_though_a_look_saw_it_first(sqlite_url: str) -> None:
    with floor(sqlite_url, "salesforce", own_user=False) as house:
        ref = begun(house)
        ask(house, ref)
        house.fake.clock.forward(seconds=10)
        house.fake.faults.plan(["", CUT])
        here(house)
        house.fake.clock.forward(seconds=3)
        held_up(house)
        house.fake.faults.plan([])
        look(house)
        house.pass_time()
        assert house.count("welcome", "onboard") == {"welcome": 1, "onboard": 1}


@pytest.mark.parametrize("polled", [True, False])
def test_a_second_loss_is_no_word_of_the_first(sqlite_url: str, polled: bool) -> None:
    with floor(sqlite_url, "pipedrive", own_user=False) as house:
        look(house)
        house.fake.clock.forward(hours=1)
        id = house.deal()
        house.run()
        house.desk.do("sue", crm_asking.lose, RecordRef("deal", f"crm:{id}"), "no_need")
        house.fake.clock.forward(seconds=10)
        here(house)
        held_up(house)
        for values in ({"status": "open", "lost_reason": None}, {"status": "lost", "lost_reason": "price"}):
            house.fake.clock.forward(days=15)
            there(house, "deal", id, values)
            if polled:
                held_up(house)
                house.fake.clock.forward(minutes=15)
                look(house)
            house.run()
        assert house.count("survey") == {"survey": 2}


def test_acts_switched_off_leave_late_words_of_finished_ones_ours(sqlite_url: str) -> None:
    with floor(sqlite_url, "pipedrive", own_user=False) as house:
        words = converted(house, house.lead())
        with house.desk.db.read() as tx:
            old = tx.policies
        off = replace(old.connections["crm"], write_back=WriteBack("off", acts=False))
        put(house, replace(old, connections={"crm": off}))
        arrive(house, words)
        assert house.count("welcome", "onboard") == {"welcome": 1, "onboard": 1}


def test_an_answer_about_a_record_that_was_merged_befalls_nobody_else(sqlite_url: str) -> None:
    with floor(sqlite_url, "pipedrive", own_user=False) as house:
        one = house.deal("Acme")
        house.fake.clock.forward(seconds=1)
        two = house.deal("Acme 2")
        house.run()
        house.desk.do("sue", crm_asking.lose, RecordRef("deal", f"crm:{one}"), "no_need")
        house.fake.clock.forward(seconds=10)
        house.fake.faults.plan([CUT])
        here(house)
        lost = held_up(house)
        house.fake.clock.forward(seconds=2)
        house.fake.state.remove("deal", one, by=int(SUE["pipedrive"]))
        for parcel in held_up(house):
            told = json.loads(parcel.body)
            told["meta"]["merged_to_id"] = int(two)
            house.post(replace(parcel, body=json.dumps(told).encode()))
        here(house)
        for parcel in lost:
            house.post(parcel)
        house.pass_time()
        assert house.known(RecordRef("deal", f"crm:{two}")).fields["status"] == "open"
        [act] = house.desk.rows(crm_act)
        assert (act.state, act.reason) == ("done", "merged")
        assert any("was merged into another one" in row.body for row in house.desk.rows(notification))


@pytest.mark.parametrize("who", ["ours", "theirs"])
def test_late_words_of_done_end_no_task_that_was_opened_again(sqlite_url: str, who: str) -> None:
    with floor(sqlite_url, "pipedrive", own_user=who == "theirs") as house:
        task = given(house)
        if who == "ours":
            done(house)
            house.fake.clock.forward(seconds=11)
            here(house)
        else:
            house.finish_there(house.shown()[0].id)
            house.run()
            house.fake.clock.forward(seconds=1)
            there(house, "activity", house.shown()[0].id, {"note": "hm"})
        words = held_up(house)
        assert words
        house.desk.do("sue" if who == "ours" else "admin", assignment.reopen, task.id, "undo")
        house.fake.clock.forward(seconds=11)
        here(house)
        later = held_up(house)
        arrive(house, words)
        assert house.task().state != "completed"
        arrive(house, later)
        house.pass_time()
        assert house.task().state != "completed"
        house.finish_there(house.shown()[0].id)
        house.pass_time()
        assert house.task().state == "completed"


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("own_user", [True, False])
@pytest.mark.parametrize("answered", [True, False])
def test_what_we_wrote_last_and_they_have_made_is_news(
    sqlite_url: str, system: str, *, own_user: bool, answered: bool
) -> None:  # fmt: skip
    """The word of a deal's making is lost, one of its stage has come: it is lost here before anybody has looked."""
    with floor(sqlite_url, system, own_user=own_user) as house:
        look(house)
        house.fake.clock.forward(hours=1)
        id_ = house.deal()
        held_up(house)
        house.fake.clock.forward(seconds=5)
        moved(house, id_)
        house.run()
        house.desk.do("sue", crm_asking.lose, RecordRef("deal", f"crm:{id_}"), "no_need")
        house.fake.clock.forward(seconds=10)
        house.fake.faults.latency = 1
        house.fake.faults.plan([] if answered else [*("" for _ in range(READS[system])), CUT])
        here(house)
        held_up(house)
        assert house.count("welcome", "survey") == {"welcome": 0, "survey": int(answered)}
        house.fake.clock.forward(seconds=3)
        look(house)
        house.pass_time()
        assert house.count("welcome", "survey") == {"welcome": 1, "survey": 1}
        assert (house.task().state, house.task().outcome) == ("cancelled", "lost")


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("seen", ["told", "looked at"])
def test_what_is_done_there_before_its_answer_came_is_ours(sqlite_url: str, system: str, seen: str) -> None:
    with floor(sqlite_url, system) as house:
        look(house)
        house.fake.clock.forward(hours=1)
        house.deal()
        house.run()
        house.fake.faults.plan([CUT])
        house.desk.do("admin", assignment.assign, house.task().id, "sue")
        house.fake.clock.forward(seconds=10)
        house.run()
        assert [one.theirs for one in house.binding()] == [None]
        house.finish_there(house.shown()[0].id)
        if seen == "looked at":
            held_up(house)
            house.fake.clock.forward(seconds=3)
            look(house)
        house.run()
        house.pass_time()
        assert house.count("loop") == {"loop": 0}
        assert house.task().state == "completed"
        assert [one.state for one in house.shown()] == ["done"]


@pytest.mark.parametrize("what", ["done", "handed"])
def test_a_connection_that_is_back_is_shown_what_changed_meanwhile(
    sqlite_url: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activate, "BATCH", 1)
    with floor(sqlite_url, "pipedrive") as house:
        given(house)
        with house.desk.db.read() as tx:
            old = tx.policies
        put(house, replace(old, connections={}))
        if what == "done":
            done(house)
        else:
            house.desk.do("admin", assignment.assign, house.task().id, "bob")
        house.pass_time()
        put(house, old)
        with house.desk.db.begin() as tx:
            tx.emit("policies.activated", old.hash, {})
        house.pass_time()
        [shown] = house.shown()
        assert (shown.state, shown.owner) == (
            ("done", SUE["pipedrive"]) if what == "done" else ("open", BOB["pipedrive"])
        )


@pytest.mark.parametrize("base", ["sqlite_url", "postgres_url"])
def test_what_was_said_with_an_act_that_ended_is_forgotten(request: pytest.FixtureRequest, base: str) -> None:
    with floor(request.getfixturevalue(base), "pipedrive") as house:
        ask(house, house.lead())
        keep, name = Keep(bodies=timedelta(seconds=-60)), "what was said with acts asked of a CRM"
        with house.desk.db.begin() as tx:
            assert forget.census(tx, keep)[name] == 0  # it waits
        house.pass_time()
        with house.desk.db.begin() as tx:
            assert forget.census(tx, keep)[name] == 1
            assert [forget.forget(tx, keep)[0][name] for _ in range(2)] == [1, 0]
        assert [(row.state, row.asked) for row in house.desk.rows(crm_act)] == [("done", {})]


def test_a_dry_run_hears_what_rules_heard(sqlite_url: str) -> None:
    with floor(sqlite_url, "pipedrive", own_user=False) as house:
        ask(house, house.lead())
        house.pass_time()
        again = Rule("new", ("deal.created",), tasks=(TaskTemplate("call", "Call {deal.title}"),))
        with house.desk.db.read() as tx:
            new = replace(tx.policies, rules=(*tx.policies.rules, again))
            found = dry_run(tx, new, tx.now - timedelta(days=7))
        assert (found.planned, len(found.differences)) == (found.as_made, 1)


def test_a_key_goes_over_no_plain_wire() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    login = Standing("https://org.crm.dynamics.com", "Authorization", "Bearer KEY")
    dialect = Dialect(lambda _answer: None, lambda _answer: "")
    caller = Caller("crm", login, dialect, transport=httpx.MockTransport(answer))
    with pytest.raises(InvalidInput):
        caller.json("GET", "http://org.crm.dynamics.com/api/data/v9.2/leads?$skiptoken=1")
    assert not seen
