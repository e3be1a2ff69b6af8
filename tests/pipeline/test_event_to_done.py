"""The whole way of one native event: tasks, decision, claim, completion, what it leads to, and the facts it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.assignment import service as assignment
from taskhub.calendars import parse_target
from taskhub.db.tables import event, message
from taskhub.db.tables import task as task_table
from taskhub.events import service as events
from taskhub.policy.promise import SlaPolicy
from taskhub.policy.rule import Condition, Raise, Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import followers
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk
from tests.service.test_endings import Crm

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RULES = (
    Rule("qualify", ("lead.created",), tasks=(TaskTemplate("qualify", "Qualify {lead.name}", priority="high"),)),
    Rule(
        "won", ("deal.won",), when=(Condition("deal.amount", "gte", 500),), sla_from="occurred_at",
        tasks=(
            TaskTemplate("contract", raises=(Raise((Condition("deal.amount", "gte", 900),), level=3),)),
            TaskTemplate("credit"),
            TaskTemplate("billing", waits_for=("contract", "credit")),
        ),
    ),
    Rule(
        "check", ("task.completed",), when=(Condition("task.kind", "eq", "billing"),),
        tasks=(TaskTemplate("check", not_by="completer"),),
    ),
    Rule(
        "silent", ("lead.created", "lead.updated"), after=14 * DAY, tasks=(TaskTemplate("nudge", "Call {lead.name}"),),
    ),
    Rule(
        "renew", ("deal.won", "deal.updated"), when=(Condition("deal.status", "eq", "won"),),
        before_field="deal.renewal_on", before_by=60 * DAY, tasks=(TaskTemplate("renewal"),),
    ),
)  # fmt: skip


def policies() -> Any:
    back = org.queue("back", teams=("specialists",), calendar="always", mode="push")
    front = org.queue("front", teams=("front",), calendar="always", mode="pull", staffing=Staffing("rotating"))
    in_front = ("qualify", "billing", "check", "nudge", "renewal")
    kinds = [Kind(key, LocalText(key.capitalize()), "front", sla="standard") for key in in_front]
    kinds += [Kind(key, LocalText(key.capitalize()), "back", sla="standard") for key in ("contract", "credit")]
    both = SlaPolicy("standard", parse_target("4h"), first_start=parse_target("1h"))
    return org.policies(queues=[back, front], kinds=kinds, rules=RULES, sla={"standard": both})


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    made = Desk(database_url, policies())
    made.staff("front", "ana", "bob")
    made.staff("specialists", "sue")
    made.drain()
    yield made
    made.db.close()


@pytest.fixture
def crm(desk: Desk) -> Crm:
    return Crm(desk, "1")


def before(desk: Desk, **span: float) -> datetime:
    return desk.clock.now - timedelta(**span)


def state_of(desk: Desk, event_id: str) -> tuple[str, str | None]:
    with desk.db.read() as tx:
        found = events.load(tx, event_id)
    return found.state, found.reason


def open_kinds(desk: Desk) -> dict[str, str]:
    return {row.kind: row.state for row in desk.rows(task_table) if row.state not in ("completed", "cancelled")}


def complete(desk: Desk, who: str, id_: str, outcome: str | None = None) -> None:
    desk.do(who, tasks.complete, id_, desk.token(id_), outcome)
    desk.drain()


def test_one_event_to_the_finished_task(desk: Desk, crm: Crm) -> None:
    (event_id,) = crm.send(
        crm.event(1, "lead.created", before(desk, minutes=2), lead={"name": "Zenith", "owner": "rep"})
    )
    assert state_of(desk, event_id) == ("applied", None)
    with desk.db.read() as tx:
        (id_,) = tasks.of_event(tx, event_id)
    made = desk.task(id_)
    assert (made.kind, made.title, made.state, made.priority, made.rule) == (
        "qualify", "Qualify Zenith", "queued", 2, "qualify",
    )  # fmt: skip
    assert (made.lead, made.record, made.event) == ("L-1", "lead:L-1", event_id)
    assert made.data["lead"]["owner"] == "rep"
    assert desk.decisions(id_)[0].facts["reasons"] == ["ready_to_pull"]

    desk.clock.forward(minutes=10)
    claim = desk.claim("ana")
    assert (claim.task.id, claim.lease.agent) == (id_, "ana")
    assert desk.clock_of(id_, "first_start").met_at == desk.clock.now
    desk.clock.forward(minutes=12)
    desk.do("ana", tasks.complete, id_, claim.lease.token, "qualified", "wants an offer", {"budget": 900})
    desk.drain()

    done = desk.task(id_)
    assert (done.state, done.outcome, done.completed_by, done.sla_state) == ("completed", "qualified", "ana", "met")
    facts = [(row["act"], row["by"], row["at"]) for row in desk.history(id_)]
    minute = timedelta(minutes=1)
    start = desk.clock.now - 22 * minute
    assert facts == [
        ("create", "worker", start), ("claim", "agent:ana", start + 10 * minute),
        ("complete", "agent:ana", desk.clock.now),
    ]  # fmt: skip
    assert (done.started_at - done.ready_at, done.completed_at - done.started_at) == (10 * minute, 12 * minute)
    assert [row.done_at is None for row in desk.rows(message, key=id_)] == [False] * len(desk.rows(message, key=id_))
    with desk.db.read() as tx:
        assert assignment.why(tx, id_)["rerun"] == "same"


def test_a_won_deal_becomes_three_tasks_and_the_last_waits(desk: Desk, crm: Crm) -> None:
    desk.do("admin", _skills, "sue", {"contract": 2, "credit": 2})
    crm.send(crm.event(1, "deal.won", before(desk, hours=1), deal={"amount": 950}))
    rows = {row.kind: row for row in desk.rows(task_table)}
    assert {kind: row.state for kind, row in rows.items()} == {
        "contract": "queued", "credit": "assigned", "billing": "blocked",
    }  # fmt: skip
    assert (rows["contract"].level, rows["contract"].waiting_reasons) == (3, ["skill_too_low"])
    assert rows["credit"].due_at == desk.clock.now + 3 * HOUR  # counted from when it happened
    assert rows["billing"].blocked_by == sorted([rows["contract"].id, rows["credit"].id])
    assert {row.file for row in rows.values()} == {"deal:D-1"}

    desk.do("sue", tasks.start, rows["credit"].id)
    complete(desk, "sue", rows["credit"].id)
    desk.do("admin", _skills, "sue", {"contract": 4})
    desk.drain()
    assert desk.task(rows["contract"].id).agent == "sue"
    desk.do("sue", tasks.start, rows["contract"].id)
    desk.clock.forward(hours=1)
    complete(desk, "sue", rows["contract"].id)
    billing = desk.task(rows["billing"].id)
    assert (billing.state, billing.ready_at) == ("queued", desk.clock.now)
    assert billing.due_at == rows["credit"].due_at  # it had to wait, and counts from when it happened all the same


def _skills(tx: Any, key: str, skills: dict[str, int]) -> None:
    from taskhub.agents import service as agents

    agents.patch_agent(tx, key, {"skills": skills})


def test_a_completed_task_leads_on_and_four_eyes_hold(desk: Desk, crm: Crm) -> None:
    crm.send(crm.event(1, "deal.won", before(desk, minutes=5)))
    by_kind = {row.kind: row.id for row in desk.rows(task_table)}
    for kind in ("contract", "credit"):
        desk.do("sue", tasks.start, by_kind[kind])
        complete(desk, "sue", by_kind[kind])
    assert desk.claim("ana").task.id == by_kind["billing"]
    complete(desk, "ana", by_kind["billing"])
    (check,) = desk.rows_of("check")
    assert (check.state, check.parent, check.depth, check.deal) == ("queued", by_kind["billing"], 1, "D-1")
    assert desk.claim("ana").reason == "nothing_eligible"
    assert desk.claim("bob").task.id == check.id
    with desk.db.read() as tx:
        assert followers.started(tx, by_kind["billing"])


def test_an_event_nobody_waits_for_is_ignored_with_its_reason(desk: Desk, crm: Crm) -> None:
    (lost,) = crm.send(crm.event(1, "lead.lost", before(desk, minutes=1)))
    assert state_of(desk, lost) == ("ignored", "no_rule")
    (small,) = crm.send(crm.event(2, "deal.won", before(desk, minutes=1), deal={"amount": 10}))
    assert state_of(desk, small) == ("ignored", "no_rule")
    assert desk.rows(task_table) == []


def test_an_event_is_applied_once_however_often_it_is_handled(desk: Desk, crm: Crm) -> None:
    (event_id,) = crm.send(crm.event(1, "lead.created", before(desk, minutes=1)))
    with desk.db.begin() as tx:
        tx.emit("event.received", event_id, {"record": ""})
    desk.drain()
    assert len(desk.rows(task_table)) == 1
    assert len(desk.rows(event)) == 1


# ── rules that wait ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_silence_for_a_fortnight_is_noticed_once(desk: Desk, crm: Crm) -> None:
    crm.send(crm.event(1, "lead.created", desk.clock.now, lead={"name": "Acme"}))
    spoke = desk.forward(days=10)
    crm.send(crm.event(2, "lead.updated", spoke, lead={"name": "Acme & Sons"}))
    desk.forward(days=4)
    assert desk.rows_of("nudge") == []  # they spoke in between
    desk.clock.now = spoke + 14 * DAY - timedelta(seconds=1)
    desk.drain()
    assert desk.rows_of("nudge") == []
    desk.clock.now = spoke + 14 * DAY
    desk.drain()
    (nudge,) = desk.rows_of("nudge")
    assert (nudge.title, nudge.lead, nudge.rule, nudge.occurred_at) == (
        "Call Acme & Sons", "L-1", "silent", desk.clock.now,
    )  # fmt: skip
    desk.forward(days=30)
    assert len(desk.rows_of("nudge")) == 1


def test_silence_after_an_outage_is_noticed_late_but_once(desk: Desk, crm: Crm) -> None:
    crm.send(crm.event(1, "lead.created", desk.clock.now))
    desk.forward(days=40)
    desk.forward(days=40)
    assert len(desk.rows_of("nudge")) == 1


def test_a_lead_that_ended_is_left_in_peace(desk: Desk, crm: Crm) -> None:
    crm.send(crm.event(1, "lead.created", desk.clock.now), crm.event(2, "lead.lost", desk.clock.now + HOUR))
    desk.forward(days=30)
    assert desk.rows_of("nudge") == []


def test_an_older_event_that_comes_late_does_not_bring_silence_forward(desk: Desk, crm: Crm) -> None:
    start = desk.clock.now
    crm.send(crm.event(2, "lead.updated", start + DAY), crm.event(1, "lead.created", start - 10 * DAY))
    desk.clock.now = start + 15 * DAY - timedelta(seconds=1)
    desk.drain()
    assert desk.rows_of("nudge") == []
    desk.clock.now = start + 15 * DAY
    desk.drain()
    assert len(desk.rows_of("nudge")) == 1


def test_a_renewal_sixty_days_before_its_date(desk: Desk, crm: Crm) -> None:
    crm.send(crm.event(1, "deal.won", desk.clock.now, deal={"renewal_on": "2026-08-01"}))
    assert "renewal" not in open_kinds(desk)
    desk.clock.now = datetime(2026, 6, 2, tzinfo=UTC) - timedelta(seconds=1)
    desk.drain()
    assert desk.rows_of("renewal") == []
    desk.clock.now = datetime(2026, 6, 2, tzinfo=UTC)
    desk.drain()
    (renewal,) = desk.rows_of("renewal")
    assert (renewal.deal, renewal.state) == ("D-1", "queued")


def test_a_renewal_that_is_put_off_waits_for_the_new_date(desk: Desk, crm: Crm) -> None:
    crm.send(crm.event(1, "deal.won", desk.clock.now, deal={"renewal_on": "2026-08-01"}))
    later = crm.event(2, "deal.updated", desk.clock.now + HOUR, deal={"renewal_on": "2026-10-01"})
    crm.send(later)
    desk.clock.now = datetime(2026, 6, 2, tzinfo=UTC)
    desk.drain()
    assert desk.rows_of("renewal") == []
    desk.clock.now = datetime(2026, 8, 2, tzinfo=UTC)
    desk.drain()
    assert len(desk.rows_of("renewal")) == 1


def test_a_date_begins_where_the_work_waits(sqlite_url: str) -> None:
    plain = policies()
    paris = {key: replace(one, tz="Europe/Paris") for key, one in plain.calendars.items()}
    desk = Desk(sqlite_url, replace(plain, calendars=paris))
    crm = Crm(desk, "1")
    crm.send(crm.event(1, "deal.won", desk.clock.now, deal={"renewal_on": "2026-08-01"}))
    midnight = datetime(2026, 6, 1, 22, tzinfo=UTC)
    desk.clock.now = midnight - timedelta(seconds=1)
    desk.drain()
    assert desk.rows_of("renewal") == []
    desk.clock.now = midnight
    desk.drain()
    (renewal,) = desk.rows_of("renewal")
    # heard again, from files whose calendar lies elsewhere: the same date, the same work
    desk.db._loader = lambda _texts, _resolved: plain
    crm.send(crm.event(2, "deal.updated", desk.clock.now, deal={"renewal_on": "2026-08-01"}))
    desk.forward(days=2)
    assert [row.id for row in desk.rows_of("renewal")] == [renewal.id]
    desk.db.close()
