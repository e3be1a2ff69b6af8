"""A small office whose ladder is climbed while time passes: every row of the ledger handled as it falls due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from taskhub.calendars import BusinessCalendar, Opening, OpenTime
from taskhub.db import policy_set
from taskhub.db.database import Database
from taskhub.db.flow import Route
from taskhub.db.tables import absence, agent, message, team
from taskhub.db.tx import SYSTEM, By, Tx
from taskhub.escalation import service
from taskhub.escalation.notifications import dispatch
from taskhub.policy.policies import Policies
from taskhub.policy.promise import EscalationPolicy, PauseReason, SlaPolicy, Step
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Queue, Staffing
from taskhub.tasks import service as tasks
from taskhub.tasks import timers
from taskhub.tasks.model import NewTask

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
DUE = datetime(2026, 1, 5, 17, tzinfo=UTC)
TUESDAY = datetime(2026, 1, 6, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
LADDER = (
    Step(at_fraction=0.5, notify=("agent",)),
    Step(at_fraction=1.0, notify=("leader",), raise_priority=1),
    Step(overdue_for=2 * HOUR, notify=("manager",), reassign="leader"),
    Step(overdue_for=4 * HOUR, notify=("leader",), repeat_every=2 * HOUR),
)
BACK = (Step(overdue_for=HOUR, notify=("agent",), reassign="queue"),)
OFFICE = BusinessCalendar(
    "office", "UTC", {day: [Opening.parse("09:00-17:00")] for day in ("mon", "tue", "wed", "thu", "fri")}
)
FLOW = {
    "escalation.step": [Route("escalation.step", "one")],
    "task.ready": [],
    "sla.warned": [Route("fall")],
    "sla.breached": [Route("fall")],
    "task.held": [Route("held", "one")],
    "clock.due": [Route("clock", "one")],
    "lease.expired": [Route("lease", "one")],
    "snooze.ended": [Route("task.snooze", "one")],
    "notice.written": [Route("dispatch", "one", earliest=True)],
    "notice.window": [Route("dispatch", "one", earliest=True)],
    "task.given_late": [Route("given_late")],
    "letter.written": [Route("deliver", "outside")],
    **dict.fromkeys(
        (
            "task.created task.given task.completed task.cancelled task.declined agent.freed "
            "cool_down.ended pause.reminder"
        ).split(),
        (),
    ),
}
HANDLERS: dict[str, Callable[[Tx, str], None]] = {
    "escalation.step": service.step_due, "fall": service.on_fall, "held": service.held,
    "clock": timers.clock_due, "lease": timers.lease_expired, "task.snooze": timers.snooze_ended,
    "dispatch": dispatch.dispatch,
}  # fmt: skip
PEOPLE = {
    "ana": {"stand_in": "ben"}, "ben": {}, "lea": {"stand_in": "leo", "capacity": 2}, "leo": {"capacity": 2},
    "max": {"team": "office", "language": "fr", "roles": ["manager"]},
}  # fmt: skip


def policies(steps: tuple[Step, ...], lease: timedelta, **more: Any) -> Policies:
    name = LocalText("Contracts")
    queue = Queue("contracts", name, ("contracts",), "office", Staffing("dedicated"), lease_for=lease)
    plain = Policies(
        "h", kinds={"contract": Kind("contract", LocalText("Contract"), "contracts", sla="day")},
        queues={"contracts": queue}, calendars={"office": OFFICE},
        sla={"day": SlaPolicy("day", OpenTime(8 * HOUR), escalation="late")},
        pause_reasons={
            "customer": PauseReason("customer", LocalText("Customer"), stops_clock=True),
            "set_aside": PauseReason("set_aside", LocalText("Set aside"), stops_clock=False),
        },
        escalations={"late": EscalationPolicy("late", steps)},
    )  # fmt: skip
    return replace(plain, **more)


class Desk:
    """A small office whose clock the test moves; `pass_to` handles every row of the ledger as it falls due."""

    def __init__(self, url: str, set_: Policies) -> None:
        self.db = Database(url, flow=FLOW, loader=lambda _texts, _resolved: set_)
        self.now = MONDAY
        with self.db.begin() as tx:
            policy_set.activate(tx.conn, hash_="h", files={}, resolved={}, at=self.now, by="test")
            tx.conn.execute(insert(team), [_team("contracts", "lea", ["max"]), _team("office", "max", [])])
            tx.conn.execute(insert(agent), [_agent(key, more) for key, more in PEOPLE.items()])

    @contextmanager
    def at(self, now: datetime | None = None, by: By = SYSTEM) -> Iterator[Tx]:
        self.now = now or self.now
        with self.db.begin(by) as tx:
            tx.now = tx.real_now = self.now
            yield tx

    def new(self, holder: str | None = None, *, started: bool = False, kind: str = "contract") -> str:
        with self.at() as tx:
            made = tasks.create(tx, NewTask(kind, "Check ACME")).id
        if holder:
            with self.at() as tx:
                tasks.assign(tx, made, holder)
        if started:
            with self.at(by=person(str(holder))) as tx:
                tasks.start(tx, made)
        return made

    def pass_to(self, until: datetime, *, asleep: bool = False) -> None:
        """Time passes to `until`; asleep, everything due is handled only then, in due order."""
        for _ in range(5_000):
            with self.at() as tx:
                inside = message.c.handler.in_(HANDLERS), message.c.done_at.is_(None), message.c.due_at <= until
                row = tx.conn.execute(
                    select(message).where(*inside).order_by(message.c.due_at, message.c.id).limit(1)
                ).first()
            if row is None:
                break
            with self.at(until if asleep else max(self.now, row.due_at)) as tx:
                tx.conn.execute(update(message).where(message.c.id == row.id).values(done_at=tx.now, token="t"))
                HANDLERS[row.handler](tx, row.key)
        else:
            pytest.fail("the ledger never comes to rest")
        self.now = until

    def fired(self, task_id: str) -> list[tuple[int, int, datetime]]:
        with self.at() as tx:
            return [(row.step, row.repetition, row.at) for row in service.of_task(tx, task_id)]

    def effects(self, task_id: str, step: int) -> dict[str, Any]:
        with self.at() as tx:
            return next(row.effects for row in service.of_task(tx, task_id) if row.step == step)

    def told(self, task_id: str) -> list[str | None]:
        with self.at() as tx:
            return [row.agent for row in service.notices_of(tx, task_id)]

    def task(self, task_id: str) -> Any:
        with self.at() as tx:
            return tasks.get(tx, task_id)

    def timer(self) -> datetime | None:
        waiting = select(message.c.due_at).where(message.c.handler == "escalation.step", message.c.done_at.is_(None))
        with self.at() as tx:
            return tx.conn.execute(waiting).scalar()

    def change(self, key: str, **values: Any) -> None:
        with self.at() as tx:
            tx.conn.execute(update(agent).where(agent.c.key == key).values(**values))

    def send_away(self, *keys: str) -> None:
        with self.at() as tx:
            for key in keys:
                away = {"from_at": MONDAY, "until_at": MONDAY + timedelta(days=7)}
                tx.conn.execute(insert(absence).values(id=f"a-{key}", agent=key, **away))


def _team(key: str, leader: str, managers: list[str]) -> dict[str, Any]:
    return {"key": key, "name": key, "kind": "specialist", "leader": leader, "managers": managers}


def _agent(key: str, more: dict[str, Any]) -> dict[str, Any]:
    row = {"key": key, "name": key.title(), "email": f"{key}@example.org", "team": "contracts", "roles": ["agent"]}
    row |= {"skills": {}, "attributes": {}, "external_ids": {}, "presence": "available", "language": "en"}
    return row | {"stand_in": None, "capacity": 5} | more


def person(key: str) -> By:
    return By(f"agent:{key}", role="agent", agent=key)
