"""Ladders through the whole flow: a promise to start is escalated like one to finish, work is handed up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from taskhub.calendars import parse_target
from taskhub.escalation import service, upcoming
from taskhub.policy.promise import FIRST_START, EscalationPolicy, SlaPolicy, Step
from taskhub.tasks import service as tasks
from tests.service.desk import Desk
from tests.service.test_sla_policies import at, policies

LADDER = (
    Step(at_fraction=0.5, target=FIRST_START, notify=("agent",)),
    Step(overdue_for=timedelta(), target=FIRST_START, notify=("leader",), raise_priority=1),
    Step(overdue_for=timedelta(), notify=("leader",)),
)


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    promise = SlaPolicy("standard", parse_target("4h"), first_start=parse_target("2h"), escalation="late")
    base = policies()
    set_ = replace(base, sla={**base.sla, "standard": promise}, escalations={"late": EscalationPolicy("late", LADDER)})
    made = Desk(sqlite_url, set_)
    made.staff("front", "ana", "lea")
    made.led_by("lea")
    yield made
    made.db.close()


def notices(desk: Desk, id_: str) -> list[tuple[str | None, str, str]]:
    with desk.db.read() as tx:
        return [(row.agent, row.subject, row.severity) for row in service.notices_of(tx, id_)]


def test_work_that_nobody_begins_finds_the_leader(desk: Desk) -> None:
    id_ = desk.make()
    desk.pass_to(at(10))
    assert desk.timers("escalation.step", id_) == [at(11)]
    desk.pass_to(at(11))
    soon, late = notices(desk, id_)
    assert soon == ("lea", "To be started: Billing", "info")
    assert late == ("lea", "Not started: Billing", "late")
    assert desk.task(id_).priority == 2
    with desk.db.read() as tx:
        body = service.notices_of(tx, id_)[1].body
    assert "Start by: 2026-03-02 " in body
    assert "Start, acknowledge or cancel the task to stop these messages." in body
    desk.pass_to(at(16))
    assert notices(desk, id_)[2:] == [("lea", "Overdue: Billing", "late")]


def test_begun_work_has_no_start_to_be_late_with(desk: Desk) -> None:
    id_ = desk.make()
    desk.pass_to(at(9, 30))
    desk.do("admin", tasks.assign, id_, "ana")
    desk.do("ana", tasks.start, id_)
    desk.pass_to(at(12))
    assert steps(desk, id_) == []
    desk.pass_to(at(13))
    assert steps(desk, id_) == [2]


def steps(desk: Desk, id_: str) -> list[int]:
    with desk.db.read() as tx:
        return [row.step for row in service.of_task(tx, id_) if row.step >= 0]


def test_the_rehearsal_says_of_which_promise(desk: Desk) -> None:
    id_ = desk.make()
    desk.drain()
    with desk.db.read() as tx:
        found = upcoming.rehearsal(tx, 8.0).items()
    assert [(one["target"], one["due_at"]) for one in found if one["task"] == id_] == [
        ("first_start", at(10)), ("first_start", at(11)), ("completion", at(13)),
    ]  # fmt: skip


def test_work_handed_up_is_told_once_by_the_whole_flow(sqlite_url: str) -> None:
    base = policies()
    promise = replace(base.sla["standard"], escalation="late")
    ladder = EscalationPolicy("late", (Step(overdue_for=timedelta(), reassign="leader"),))
    desk = Desk(sqlite_url, replace(base, sla={**base.sla, "standard": promise}, escalations={"late": ladder}))
    desk.staff("front", "ana", "lea")
    desk.led_by("lea")
    id_ = desk.make()
    desk.do("admin", tasks.assign, id_, "ana")
    desk.pass_to(at(14))
    assert sorted(who or "" for who, _, _ in notices(desk, id_)) == ["ana", "lea"]
    assert desk.task(id_).agent == "lea"
    desk.db.close()
