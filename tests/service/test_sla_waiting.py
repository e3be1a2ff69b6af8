"""Waiting work cannot vanish: somebody is reminded of it, once each time. Late work says so to whom it is given."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.agents import service as agents
from taskhub.assignment import service as assignment
from taskhub.db.tables import notification
from taskhub.policy.policies import Policies
from taskhub.policy.promise import PauseReason, Remind
from taskhub.policy.text import LocalText
from taskhub.tasks import pausing
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def policies() -> Policies:
    plain = org.policies()
    reasons = {
        **plain.pause_reasons,
        "bank": PauseReason(
            "bank", LocalText("The bank", {"fr": "La banque"}), stops_clock=True, remind=Remind(2 * HOUR)
        ),
        "lawyer": PauseReason(
            "lawyer",
            LocalText("The lawyer"),
            stops_clock=True,
            max_for=10 * DAY,
            remind=Remind(DAY, ("agent", "leader")),
        ),
    }
    return org.replace(plain, pause_reasons=reasons)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    yield from _desk(database_url)


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Desk]:
    yield from _desk(sqlite_url)


def _desk(url: str) -> Iterator[Desk]:
    made = Desk(url, policies())
    made.staff("front", "ana", "bob", "lea")
    made.do("admin", agents.patch_team, "front", {"leader": "lea"})
    yield made
    made.db.close()


def told(desk: Desk, id_: str) -> list[tuple[datetime, str | None, str]]:
    """When who was told what of the task."""
    return [(row.at, row.agent, row.subject) for row in desk.rows(notification, task=id_)]


def paused(desk: Desk, reason: str, until: datetime | None = None) -> str:
    id_, token = desk.started("ana")
    desk.do("ana", tasks.pause, id_, reason, until, token)
    return id_


def run_until(desk: Desk, end: datetime, **step: float) -> None:
    while desk.clock.now < end:
        desk.forward(**step)


def test_a_reminder_comes_once_each_time_and_never_early(desk: Desk) -> None:
    id_ = paused(desk, "bank", at(9, day=20))
    assert desk.timers("task.reminder", id_) == [at(11)]
    desk.clock.now = at(11) - timedelta(microseconds=1)
    desk.drain()
    assert told(desk, id_) == []
    desk.clock.now = at(11)
    desk.drain()
    for _ in range(3):
        desk.do("worker", pausing.reminder_due, id_)
    desk.drain()
    assert told(desk, id_) == [(at(11), "ana", "Still waiting: Billing")]
    assert desk.timers("task.reminder", id_) == [at(13)]
    assert [row["act"] for row in desk.history(id_, "remind")] == ["remind"]


def test_the_night_and_an_outage_hold_back_reminders_that_are_then_said_once(desk: Desk) -> None:
    id_ = paused(desk, "bank", at(9, day=20))
    for hour in (11, 13, 15):
        desk.clock.now = at(hour)
        desk.drain()
    # 17, 19 … 7 lie in closed time: the next opening.
    assert desk.timers("task.reminder", id_) == [at(9, day=3)]
    desk.clock.now = at(14, day=5)  # nobody looked for two days
    desk.drain()
    assert [when for when, _, _ in told(desk, id_)] == [at(11), at(13), at(15), at(14, day=5)]
    assert desk.timers("task.reminder", id_) == [at(15, day=5)]


def test_whom_a_reason_names_is_told_in_their_own_language(desk: Desk) -> None:
    desk.do("admin", agents.patch_agent, "lea", {"language": "fr"})
    id_ = paused(desk, "lawyer", at(9, day=9))
    desk.clock.now = at(9, day=3)
    desk.drain()
    assert told(desk, id_) == [
        (at(9, day=3), "ana", "Still waiting: Billing"), (at(9, day=3), "lea", "Toujours en attente\u00a0: Billing"),
    ]  # fmt: skip
    bodies = {row.agent: row.body for row in desk.rows(notification, task=id_)}
    assert "Reason: The lawyer" in bodies["ana"]
    assert "attend chez Ana depuis le 2026-03-02 09:00 (UTC)" in bodies["lea"]


def test_no_reminder_comes_before_a_date_that_is_nearer(lite: Desk) -> None:
    id_ = paused(lite, "lawyer", at(16))
    assert (lite.timers("task.reminder", id_), lite.timers("task.snooze", id_)) == ([], [at(16)])


def test_once_its_date_has_come_it_is_asked_for_until_somebody_takes_it_up(desk: Desk) -> None:
    id_ = paused(desk, "waiting_customer", at(11))
    desk.clock.now = at(11)
    desk.drain()
    assert (desk.task(id_).state, told(desk, id_)) == ("paused", [])
    assert desk.timers("task.reminder", id_) == [at(11, day=3)]
    desk.clock.now = at(11, day=3)
    desk.drain()
    assert [who for _, who, _ in told(desk, id_)] == ["ana"]
    assert desk.timers("task.reminder", id_) == [at(11, day=4)]
    desk.do("ana", tasks.resume, id_)
    assert desk.timers("task.reminder", id_) == desk.timers("task.snooze", id_) == []


@pytest.mark.parametrize("way", ["resume", "complete", "hand_over", "cancel", "change_kind", "assign"])
def test_whatever_ends_a_pause_ends_its_reminders(lite: Desk, way: str) -> None:
    id_ = paused(lite, "bank", at(9, day=20))
    acts: dict[str, Any] = {
        "resume": lambda: lite.do("ana", tasks.resume, id_),
        "complete": lambda: lite.do("worker", lambda tx: tasks.finish(tx, tasks.get(tx, id_), "finish", {})),
        "hand_over": lambda: lite.do("ana", assignment.hand_over, id_, "bob", "note"),
        "cancel": lambda: lite.do("admin", tasks.cancel, id_, "no need"),
        "change_kind": lambda: lite.do("admin", tasks.change_kind, id_, "contract", "was one"),
        "assign": lambda: lite.do("admin", assignment.assign, id_, "bob"),
    }
    acts[way]()
    assert lite.timers("task.reminder", id_) == lite.timers("task.snooze", id_) == []
    lite.clock.now = at(12)
    lite.drain()
    assert told(lite, id_) == []


def test_every_paused_task_has_a_who_and_a_next_date(lite: Desk) -> None:
    """Whatever the reason, at every hour of a fortnight: a timer lies ahead, and somebody holds the task."""
    ids = [
        paused(lite, reason, until)
        for reason, until in (("bank", None), ("waiting_customer", at(10)), ("set_aside", None))
    ]
    end = at(9, day=16)
    while lite.clock.now < end:
        lite.forward(hours=5)
        for id_ in ids:
            task = lite.task(id_)
            ahead = lite.timers("task.reminder", id_) + lite.timers("task.snooze", id_)
            assert (task.state, task.agent) == ("paused", "ana")
            assert ahead
            assert min(ahead) > lite.clock.now
    assert all(len(told(lite, id_)) >= 5 for id_ in ids)


# ── late work changes hands ──────────────────────────────────────────────────────────────────────────────────────────
def test_a_late_task_goes_on_and_its_receiver_is_told(desk: Desk) -> None:
    id_, token = desk.started("ana")
    desk.clock.now = at(14)
    desk.drain()
    token = desk.do("ana", tasks.resume, id_)[1].token if desk.task(id_).state == "paused" else token
    desk.do("ana", assignment.hand_over, id_, "bob", "half done", token)
    desk.drain()
    assert (desk.task(id_).due_at, desk.task(id_).sla_state) == (at(13), "breached")
    rows = [row for row in desk.rows(notification, task=id_) if row.agent == "bob"]
    assert [row.subject for row in rows] == ["Handed to you, and late: Billing"]
    assert "has come to you from Ana and is overdue" in rows[0].body


def test_work_in_time_is_handed_on_without_a_word(lite: Desk) -> None:
    id_, token = lite.started("ana")
    lite.do("ana", assignment.hand_over, id_, "bob", "half done", token)
    lite.drain()
    assert told(lite, id_) == []


# ── cancelled and wanted after all ───────────────────────────────────────────────────────────────────────────────────
def test_the_time_it_lay_cancelled_does_not_count(desk: Desk) -> None:
    id_ = desk.make()
    desk.clock.now = at(10)
    desk.do("admin", tasks.cancel, id_, "no need")
    desk.clock.now = at(12)
    desk.do("admin", tasks.reopen, id_, None, None, "restore")
    assert desk.task(id_).due_at == at(15)
    assert [(row.reason, row.from_at, row.to_at) for row in desk.pauses(id_)] == [("cancelled", at(10), at(12))]
