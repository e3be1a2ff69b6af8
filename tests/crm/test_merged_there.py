"""Two records become one over there: work of the one that goes follows, whatever the system calls it, once."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from taskhub.connectors.looking import service as looking
from taskhub.db.tables import task
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.testing.crm.faults import BROKEN
from tests.crm.days import USER, Day, day, senders
from tests.crm.users import PERSON, SOMEBODY

RULES = (
    Rule("first", ("lead.created",), tasks=(TaskTemplate("contract", "Qualify {lead.title}"),)),
    Rule("gone", ("lead.deleted",), close=("contract",), close_reason="cancelled"),
    Rule("lost", ("lead.lost",), close=("contract",), close_reason="lost"),
    Rule("joined", ("lead.merged",), tasks=(TaskTemplate("contract", "Look at both"),)),
)
SYSTEMS = ("pipedrive", "salesforce", "dynamics")


@pytest.mark.parametrize("system", SYSTEMS)
def test_open_tasks_of_the_record_that_goes_move_to_the_other(system: str, sqlite_url: str) -> None:
    with day(system, sqlite_url, rules=RULES) as one:
        winner, loser = two_leads(one)
        merge(one, winner, loser)
        send(one)
        one.work(timedelta(hours=2))
        moved_once(one, winner, loser)


@pytest.mark.parametrize("system", ["salesforce", "dynamics"])
def test_a_look_finds_a_merge_whose_events_were_lost(system: str, sqlite_url: str) -> None:
    with day(system, sqlite_url, rules=RULES) as one:
        winner, loser = two_leads(one)
        one.lose = lambda: True
        merge(one, winner, loser)
        send(one)
        one.clock.forward(minutes=16)
        one.look()
        one.work(timedelta(hours=1))
        moved_once(one, winner, loser)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("system", SYSTEMS)
def test_events_in_any_order_twice_and_a_look_after_them_are_one_merge(system: str, seed: int, sqlite_url: str) -> None:
    with day(system, sqlite_url, rules=RULES) as one:
        winner, loser = two_leads(one)
        one.fake.faults.copies, one.fake.faults.shuffle = 2, random.Random(seed)
        merge(one, winner, loser)
        send(one)
        one.work(timedelta(hours=1))
        one.clock.forward(minutes=16)
        one.look()
        one.work(timedelta(hours=1))
        moved_once(one, winner, loser)


def test_a_deletion_is_one_once_they_have_been_asked(sqlite_url: str) -> None:
    with day("salesforce", sqlite_url, rules=RULES) as one:
        _, loser = two_leads(one)
        one.fake.state.remove("Lead", loser, by=SOMEBODY)
        one.fake.faults.plan([BROKEN])
        send(one)
        assert state_of(one, loser).get("deleted") is None
        one.work(timedelta(hours=1))
        assert state_of(one, loser)["deleted"] is True
        assert states(one)[f"lead:crm:{loser}", "first"] == "cancelled"


def test_a_deletion_holds_where_nobody_can_be_asked(sqlite_url: str) -> None:
    with day("salesforce", sqlite_url, rules=RULES) as one:
        _, loser = two_leads(one)
        one.handlers["record.reread"] = looking.Reread(lambda _: None)
        one.fake.state.remove("Lead", loser, by=SOMEBODY)
        send(one)
        assert state_of(one, loser)["deleted"] is True
        assert states(one)[f"lead:crm:{loser}", "first"] == "cancelled"


def two_leads(one: Day) -> tuple[str, str]:
    """Both known, each with its task."""
    one.look()
    one.work()
    one.clock.forward(hours=1)
    made = [lead(one, name) for name in ("Acme", "Acme Ltd")]
    send(one)
    assert [states(one)[f"lead:crm:{id_}", "first"] for id_ in made] == ["queued"] * 2
    one.clock.forward(minutes=5)
    return made[0], made[1]


def lead(one: Day, name: str) -> str:
    state: Any = one.fake.state
    if one.system == "pipedrive":
        return str(state.add("lead", {"title": name}, by=USER)["id"])
    if one.system == "salesforce":
        return str(
            state.save([("Lead", None, {"Company": name, "LastName": "Doe", "FirstName": "Jo"})], by=SOMEBODY)[0]
        )
    return str(state.create("lead", {"subject": name, "lastname": "Doe"}, state.act(by=PERSON)))


def merge(one: Day, winner: str, loser: str) -> None:
    state: Any = one.fake.state
    if one.system == "pipedrive":
        state.merge("lead", winner, loser, by=USER)
    elif one.system == "salesforce":
        state.merge("Lead", winner, loser, by=SOMEBODY)
    else:
        state.merge("lead", winner, loser, state.act(by=PERSON))


def send(one: Day) -> None:
    for sender in senders(one.fake):
        sender.run()
    one.work()


def moved_once(one: Day, winner: str, loser: str) -> None:
    """The record is where it went, its task follows or is done for by that of the other, and nothing is told twice."""
    gone = state_of(one, loser)
    assert (gone["deleted"], gone["merged_into"]) == (True, f"crm:{winner}")
    assert state_of(one, winner).get("deleted") is not True
    with one.db.read() as tx:
        rows = tx.conn.execute(select(task.c.rule, task.c.state, task.c.record, task.c.outcome)).all()
    first = sorted((row.state, row.record == f"lead:crm:{winner}") for row in rows if row.rule == "first")
    assert first == [("cancelled", True), ("queued", True)]
    assert [row.record for row in rows if row.rule == "joined"] == [f"lead:crm:{winner}"]


def state_of(one: Day, id_: str) -> dict[str, Any]:
    return one.known()[f"lead:crm:{id_}"]


def states(one: Day) -> dict[tuple[str, str], str]:
    with one.db.read() as tx:
        return {(row.record, row.rule): row.state for row in tx.conn.execute(select(task))}
