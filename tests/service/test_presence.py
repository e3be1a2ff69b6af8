"""People come and go: what they hold follows in the same transaction, and nothing of it vanishes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.acts import presence
from taskhub.agents import service as agents
from taskhub.assignment import service as assignment
from taskhub.errors import InvalidInput, LeaseLost
from taskhub.tasks import service as tasks
from tests.service.desk import Desk

HOUR = timedelta(hours=1)
DUE = datetime(2026, 3, 2, 13, tzinfo=UTC)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    yield from _desk(database_url)


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Desk]:
    yield from _desk(sqlite_url)


def _desk(url: str) -> Iterator[Desk]:
    made = Desk(url)
    made.staff("specialists", "sue", "tom")
    made.staff("front", "ana", "bob")
    yield made
    made.db.close()


def set_to(desk: Desk, who: str, status: str, until: datetime | None = None) -> Any:
    return desk.do(who, presence.set_presence, who, status, until)


def pushed(desk: Desk, who: str) -> str:
    """A task the desk has given to that person, not started."""
    other = {"sue": "tom", "tom": "sue"}[who]
    set_to(desk, other, "busy")
    id_ = desk.make("contract")
    desk.drain()
    assert desk.task(id_).agent == who
    set_to(desk, other, "available")
    return id_


@pytest.mark.parametrize("status", ["away", "offline"])
def test_unstarted_work_returns_in_the_same_transaction(desk: Desk, status: str) -> None:
    id_ = pushed(desk, "sue")
    place = desk.task(id_).start_by
    set_to(desk, "sue", status)
    back = desk.task(id_)  # before anything is drained
    assert (back.state, back.agent, back.given_at, back.start_by) == ("queued", None, None, place)
    (row,) = desk.history(id_, "withdraw")
    assert row["change"]["by_whom"] == "sue"
    desk.drain()
    assert desk.task(id_).agent == "tom"


def test_busy_stops_new_work_and_keeps_what_was_given(desk: Desk) -> None:
    id_ = pushed(desk, "sue")
    set_to(desk, "sue", "busy")
    desk.make("contract")
    desk.drain()
    assert desk.task(id_).agent == "sue"
    assert {row.agent for row in desk.rows_of("contract")} == {"sue", "tom"}


def test_a_gift_stays_with_whom_it_was_given_to(lite: Desk) -> None:
    id_ = lite.make("contract")
    lite.do("admin", assignment.assign, id_, "sue")
    set_to(lite, "sue", "offline")
    lite.drain()
    assert (lite.task(id_).state, lite.task(id_).agent) == ("assigned", "sue")


def test_started_work_waits_for_its_person_with_the_clock_running(desk: Desk) -> None:
    id_, token = desk.started("ana")
    until = DUE - HOUR
    set_to(desk, "ana", "away", until)
    away = desk.task(id_)
    assert (away.state, away.agent, away.paused_reason, away.paused_until) == ("paused", "ana", "away", until)
    assert (away.due_at, away.sla_state, desk.lease(id_)) == (DUE, "on_track", None)
    with pytest.raises(LeaseLost):
        desk.do("ana", tasks.complete, id_, token)
    desk.clock.now = until
    desk.drain()
    assert desk.claim("ana").task.id == id_


@pytest.mark.parametrize("until", [None, DUE + timedelta(minutes=1)])
def test_started_work_that_falls_due_before_the_return_goes_to_somebody_else(
    desk: Desk, until: datetime | None
) -> None:
    id_, _ = desk.started("ana")
    set_to(desk, "ana", "away", until)
    assert (desk.task(id_).state, desk.task(id_).agent) == ("queued", None)
    assert desk.claim("bob").task.id == id_


def test_who_does_not_say_until_when_still_leaves_a_next_date(lite: Desk) -> None:
    id_, _ = lite.started("ana", sla="none")
    assert lite.task(id_).due_at is None
    set_to(lite, "ana", "offline")
    away = lite.task(id_)
    assert (away.state, away.paused_until) == ("paused", datetime(2026, 3, 4, 17, tzinfo=UTC))
    assert lite.timers("task.snooze", id_) == [away.paused_until]


def test_back_sooner_it_is_on_top_of_the_list(desk: Desk) -> None:
    id_, _ = desk.started("ana")
    set_to(desk, "ana", "away", DUE - HOUR)
    desk.make(priority=3)
    now = desk.clock.forward(minutes=20)
    set_to(desk, "ana", "available")
    woken = desk.task(id_)
    assert (woken.state, woken.paused_until, desk.pauses(id_)[0].to_at) == ("paused", now, now)
    assert desk.timers("task.snooze", id_) == []
    assert desk.claim("ana").task.id == id_


def test_a_claim_says_that_they_are_back(desk: Desk) -> None:
    id_, _ = desk.started("ana")
    set_to(desk, "ana", "offline", DUE - HOUR)
    desk.make(priority=3)
    assert desk.claim("ana").task.id == id_


def test_what_they_had_paused_themselves_stays_so(lite: Desk) -> None:
    id_, token = lite.started("ana")
    until = lite.clock.now + 30 * HOUR
    lite.do("ana", tasks.pause, id_, "waiting_customer", until, token)
    before = lite.task(id_)
    set_to(lite, "ana", "away")
    set_to(lite, "ana", "available")
    assert lite.task(id_) == before


def test_a_presence_that_ends_by_itself_gives_work_again(desk: Desk) -> None:
    for who in ("sue", "tom"):
        set_to(desk, who, "busy", DUE)
    id_ = desk.make("contract")
    desk.drain()
    assert desk.task(id_).waiting_reasons == ["presence_busy"]
    desk.clock.now = DUE - timedelta(microseconds=1)
    desk.drain()
    assert desk.task(id_).state == "queued"
    desk.clock.now = DUE
    desk.drain()
    assert desk.task(id_).state == "assigned"


def test_an_absence_that_ends_gives_work_again(desk: Desk) -> None:
    for who in ("sue", "tom"):
        desk.do("admin", agents.add_absence, who, desk.clock.now, desk.clock.now + 2 * HOUR)
    id_ = desk.make("contract")
    desk.drain()
    assert desk.task(id_).waiting_reasons == ["absent"]
    desk.forward(hours=2)
    assert desk.task(id_).state == "assigned"


def test_coming_back_is_an_occasion_to_be_given_work(desk: Desk) -> None:
    for who in ("sue", "tom"):
        set_to(desk, who, "offline")
    id_ = desk.make("contract")
    desk.drain()
    assert desk.task(id_).waiting_reasons == ["presence_offline"]
    set_to(desk, "tom", "available")
    desk.drain()
    assert desk.task(id_).agent == "tom"


@pytest.mark.parametrize(("status", "until"), [("asleep", None), ("away", datetime(2026, 3, 2, 8, tzinfo=UTC))])
def test_a_presence_that_makes_no_sense(lite: Desk, status: str, until: datetime | None) -> None:
    id_, _ = lite.started("ana")
    with pytest.raises(InvalidInput):
        set_to(lite, "ana", status, until)
    assert lite.task(id_).state == "in_progress"
