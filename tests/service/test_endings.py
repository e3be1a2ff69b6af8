"""Rules close, complete and wake work; what they end stays ended whatever comes late, in whatever order it comes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sql
from sqlalchemy import select

from taskhub.db.tables import closing, event, task
from taskhub.db.tables_sales import RECORDS
from taskhub.events import service as events
from taskhub.events.cloudevents import read_structured
from taskhub.flow import HANDLERS
from taskhub.policy.rule import Condition, Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from taskhub.testing.clock import MONDAY
from taskhub.testing.drain import drain
from tests.service.desk import Desk

STAGES = ("new", "talk", "offer")
KINDS = [Kind(k, LocalText(k.title()), "front") for k in ("qualify", "offer", "greet", "contract", "invoice", "call")]
RULES = (
    Rule("qualify", ("lead.created",), tasks=(TaskTemplate("qualify", "Qualify {lead.name}"),)),
    Rule(
        "offer", ("lead.stage_changed",), when=(Condition("lead.stage", "changed_to", "offer"),),
        tasks=(TaskTemplate("offer", "Offer to {lead.name}"),), wake=("qualify",),
    ),
    Rule("greet", ("lead.stage_changed",), tasks=(TaskTemplate("greet", "Greet in {lead.stage}"),), once_per="record"),
    Rule("lost", ("lead.lost",), close=("*",), close_reason="lead lost"),
    Rule("again", ("lead.reopened",), tasks=(TaskTemplate("qualify", "Qualify again"),)),
    Rule("converted", ("lead.converted",), complete=("qualify", "offer"), tasks=(TaskTemplate("contract"),)),
    Rule(
        "won", ("deal.won",), when=(Condition("deal.amount", "gte", 500),),
        tasks=(TaskTemplate("invoice", waits_for=("contract",)),),
    ),
    Rule("deal lost", ("deal.lost",), close=("contract", "invoice"), close_reason="deal lost"),
    Rule("done", ("activity.completed",), tasks=(TaskTemplate("call"),), complete=("greet",)),
)  # fmt: skip


def policies() -> Any:
    front = org.queue("front", teams=("front",), mode="pull", staffing=Staffing("rotating"))
    return org.policies(queues=[front], kinds=KINDS, rules=RULES)


class Crm:
    """Sends native events about one lead and its deal through the real intake."""

    def __init__(self, desk: Desk, name: str, handlers: Any = HANDLERS) -> None:
        self.desk, self.name, self.handlers = desk, name, handlers

    def event(self, number: int, type_: str, at: Any, **fields: Any) -> dict[str, Any]:
        noun = type_.partition(".")[0]
        lead, deal = f"L-{self.name}", f"D-{self.name}"
        data: dict[str, Any] = {
            "lead": {"lead": {"id": lead, "name": "Acme", "stage": "new", **fields.pop("lead", {})}},
            "deal": {"deal": {"id": deal, "lead": lead, "stage": "new", "amount": 700, **fields.pop("deal", {})}},
            "activity": {"activity": {"id": f"A-{self.name}", "lead": lead}},
        }[noun]  # fmt: skip
        if type_ == "lead.converted":
            data["deal"] = {"id": deal}
        return {
            "specversion": "1.0", "id": f"{self.name}-{number}", "source": "crm", "type": type_, "time": at.isoformat(),
            "data": {**data, **fields},
        }  # fmt: skip

    def post(self, envelope: dict[str, Any]) -> str:
        with self.desk.db.begin() as tx:
            one = read_structured(envelope, tx.now)
            raw = json.dumps(envelope).encode()
            (receipt,) = events.ingest(tx, [one], raw, {}, "application/cloudevents+json")
        return receipt.event_id

    def send(self, *envelopes: dict[str, Any]) -> list[str]:
        ids = []
        for envelope in envelopes:
            ids.append(self.post(envelope))
            drain(self.desk.db, self.handlers)
        return ids


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    made = Desk(database_url, policies())
    yield made
    made.db.close()


@pytest.fixture
def crm(desk: Desk) -> Crm:
    return Crm(desk, "1")


def minutes(number: float) -> Any:
    return MONDAY - timedelta(hours=5) + timedelta(minutes=number)


def open_kinds(desk: Desk) -> dict[str, str]:
    return desk.states(lead="L-1")


def test_a_lost_lead_closes_its_open_work(desk: Desk, crm: Crm) -> None:
    crm.send(crm.event(1, "lead.created", minutes(1)), crm.event(2, "lead.lost", minutes(2)))
    assert open_kinds(desk) == {"qualify": "cancelled"}
    (row,) = desk.rows(task)
    assert row.outcome == "lead lost"
    assert [h["act"] for h in desk.history(row.id)] == ["create", "close"]
    assert row.version == 1  # the workers' acts raise no version


def test_what_comes_late_is_closed_at_once(desk: Desk, crm: Crm) -> None:
    (late,) = crm.send(crm.event(2, "lead.lost", minutes(2)), crm.event(1, "lead.created", minutes(1)))[1:]
    (row,) = desk.rows(task)
    assert (row.state, row.outcome, row.event) == ("cancelled", "lead lost", late)


def test_a_newer_task_is_not_closed_by_an_older_loss(desk: Desk, crm: Crm) -> None:
    crm.send(crm.event(3, "lead.reopened", minutes(3)), crm.event(2, "lead.lost", minutes(2)))
    assert open_kinds(desk) == {"qualify": "queued"}


def test_a_conversion_completes_and_its_own_work_stays(desk: Desk, crm: Crm) -> None:
    crm.send(crm.event(1, "lead.created", minutes(1)), crm.event(2, "lead.converted", minutes(2)))
    assert open_kinds(desk) == {"qualify": "completed", "contract": "queued"}


def test_the_first_ending_counts_even_when_it_comes_last(desk: Desk, crm: Crm) -> None:
    crm.send(
        crm.event(1, "lead.created", minutes(1)),
        crm.event(3, "lead.lost", minutes(3)),
        crm.event(2, "lead.converted", minutes(2)),
    )
    assert open_kinds(desk) == {"qualify": "completed", "contract": "cancelled"}
    (qualify,) = desk.rows(task, kind="qualify")
    assert [h["act"] for h in desk.history(qualify.id)] == ["create", "close", "finish_instead"]


def test_what_a_person_has_ended_stays_as_it_is(desk: Desk, crm: Crm) -> None:
    desk.staff("front", "ana")
    crm.send(crm.event(1, "lead.created", minutes(1)))
    claim = desk.claim("ana")
    desk.do("ana", tasks.complete, claim.task.id, claim.lease.token, "called")
    crm.send(crm.event(2, "lead.lost", minutes(2)))
    row = desk.task(claim.task.id)
    assert (row.state, row.outcome) == ("completed", "called")


def test_started_work_is_closed_under_its_holder(desk: Desk, crm: Crm) -> None:
    from taskhub.errors import LeaseLost

    desk.staff("front", "ana")
    crm.send(crm.event(1, "lead.created", minutes(1)))
    claim = desk.claim("ana")
    crm.send(crm.event(2, "lead.lost", minutes(2)))
    assert desk.task(claim.task.id).state == "cancelled"
    assert desk.lease(claim.task.id) is None
    with pytest.raises(LeaseLost) as lost:
        desk.do("ana", tasks.complete, claim.task.id, claim.lease.token)
    assert lost.value.fields["state"] == "cancelled"


def test_a_move_wakes_paused_work(desk: Desk, crm: Crm) -> None:
    desk.staff("front", "ana")
    crm.send(crm.event(1, "lead.created", minutes(1)))
    claim = desk.claim("ana")
    later = desk.clock.now + timedelta(days=3)
    desk.do("ana", tasks.pause, claim.task.id, "waiting_customer", later, claim.lease.token)
    move = {"lead": {"stage": "offer"}, "previous": {"stage": "talk"}}
    crm.send(crm.event(2, "lead.stage_changed", minutes(2), **move))
    woken = desk.task(claim.task.id)
    assert (woken.state, woken.agent, woken.paused_until) == ("paused", "ana", desk.clock.now)
    assert desk.pauses(woken.id)[0].to_at == desk.clock.now
    assert desk.timers("task.snooze", woken.id) == []
    assert desk.claim("ana").task.id == woken.id  # on top of the list


def test_an_older_change_takes_over_the_task_of_a_newer_one(desk: Desk, crm: Crm) -> None:
    talk = {"lead": {"stage": "talk"}, "previous": {"stage": "new"}}
    crm.send(crm.event(5, "lead.stage_changed", minutes(5), lead={"stage": "offer"}, previous={"stage": "talk"}))
    crm.send(crm.event(3, "lead.lost", minutes(3)))
    assert open_kinds(desk)["greet"] == "queued"  # made by a newer change
    crm.send(crm.event(1, "lead.stage_changed", minutes(1), **talk))
    (greet,) = desk.rows(task, kind="greet")
    assert (greet.state, greet.title, greet.outcome) == ("cancelled", "Greet in talk", "lead lost")


def test_the_same_event_again_does_nothing(desk: Desk, crm: Crm) -> None:
    first = crm.event(1, "lead.created", minutes(1))
    ids = crm.send(first, first, first)
    assert len(set(ids)) == 1
    assert len(desk.rows(task)) == len(desk.rows(event)) == 1


def test_a_deal_closes_what_belongs_to_it_and_nothing_of_its_lead(desk: Desk, crm: Crm) -> None:
    crm.send(
        crm.event(1, "lead.created", minutes(1)),
        crm.event(2, "deal.won", minutes(2)),
        crm.event(3, "deal.lost", minutes(3)),
    )
    assert open_kinds(desk) == {"qualify": "queued", "invoice": "cancelled"}


def test_closings_are_remembered_once(desk: Desk, crm: Crm) -> None:
    lost = crm.event(1, "lead.lost", minutes(1))
    crm.send(lost, lost, crm.event(2, "lead.lost", minutes(1)))
    assert len(desk.rows(closing)) == 2  # two events, each once


# ── any order, any number of deliveries ──────────────────────────────────────────────────────────────────────────────
FULL = os.environ.get("TASKHUB_HYPOTHESIS_PROFILE") == "full"
SEQUENCES = 2_500 if FULL else 20
TYPES = (
    *("lead." + move for move in "created stage_changed lost reopened converted".split()),
    *("deal." + move for move in "created stage_changed won lost reopened".split()),
    "activity.completed",
)
KEPT = ("kind", "title", "state", "outcome", "priority", "queue", "rule", "data", "blocked_by", "version_at")


@dataclass(frozen=True)
class Step:
    type: str
    at: Any
    fields: dict[str, Any] = field(default_factory=dict)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Step], list[tuple[int, bool]]]:
    """Events in the order in which they happened, and deliveries in which each stands 1 to 3 times.

    After some deliveries the workers have time to catch up.
    """
    steps, at = [], 0
    stage = st.sampled_from(STAGES)
    for _ in range(draw(st.integers(3, 8))):
        at += draw(st.sampled_from([0, 1, 30]))
        type_ = draw(st.sampled_from(TYPES))
        noun = type_.partition(".")[0]
        fields: dict[str, Any] = {}
        if noun == "lead":
            fields["lead"] = {"stage": draw(stage), "name": draw(st.sampled_from(["Acme", "Zenith"]))}
        if noun == "deal":
            fields["deal"] = {"stage": draw(stage), "amount": draw(st.sampled_from([100, 700]))}
        if type_.endswith("stage_changed"):
            fields["previous"] = {"stage": draw(stage)}
        steps.append(Step(type_, minutes(at), fields))
    deliveries = [index for index in range(len(steps)) for _ in range(draw(st.integers(1, 3)))]
    order = draw(st.permutations(deliveries))
    return steps, [(index, draw(st.integers(0, 3)) == 0) for index in order]


@pytest.fixture(scope="module")
def quick(sqlite_databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """SQLite that does not wait for the disk; every sequence has records of its own."""
    made = Desk(sqlite_databases.create(tmp_path_factory.mktemp("orders")), policies())
    for engine in (made.db.engine, made.db.readers):
        sql.listen(engine, "checkout", lambda raw, _record, _proxy: raw.execute("PRAGMA synchronous=OFF"))
    yield made
    made.db.close()


NUMBERS = count(1)
QUIET = {
    **HANDLERS,
    **dict.fromkeys(("assignment.pass", "escalation.step", "assignment.agent"), lambda _tx, _row: None),
}


def outcome(desk: Desk, name: str) -> Any:
    """Everything known and to be done about one lead and its deal, but for ids and the times of processing."""
    with desk.db.read() as tx:
        rows = tx.conn.execute(
            select(task).where(task.c.lead == f"L-{name}").union(select(task).where(task.c.deal == f"D-{name}"))
        ).all()
        kinds = {row.id: row.kind for row in rows}
        work = [
            {key: getattr(row, key) for key in KEPT} | {"blocked_by": sorted(kinds[i] for i in row.blocked_by)}
            for row in rows
        ]
        known = {}
        for noun, first in (("lead", "L"), ("deal", "D"), ("activity", "A")):
            table = RECORDS[noun]
            found = tx.conn.execute(select(table).where(table.c.id == f"{first}-{name}")).first()
            known[noun] = found and (found.fields, found.versions, found.first_seen_at, found.last_changed_at)
    text = json.dumps([sorted(work, key=lambda one: json.dumps(one, default=str, sort_keys=True)), known], default=str)
    return json.loads(text.replace(name, "N"))


@settings(max_examples=SEQUENCES, phases=tuple(Phase) if FULL else (Phase.explicit, Phase.generate))
@given(histories())
def test_any_order_of_deliveries_ends_in_the_same_work(
    quick: Desk, history: tuple[list[Step], list[tuple[int, bool]]]
) -> None:
    steps, deliveries = history
    number = next(NUMBERS)
    in_order, shuffled = Crm(quick, f"{number}a", QUIET), Crm(quick, f"{number}b", QUIET)
    for crm, order in ((in_order, [(index, True) for index in range(len(steps))]), (shuffled, deliveries)):
        for index, caught_up in order:
            step = steps[index]
            crm.post(crm.event(index, step.type, step.at, **step.fields))
            if caught_up:
                drain(quick.db, QUIET)
        drain(quick.db, QUIET)
    assert outcome(quick, shuffled.name) == outcome(quick, in_order.name)
