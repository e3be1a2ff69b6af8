"""Rules that fire on the first working day of a month: never early, once a month, however many workers look."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from taskhub.acts import months
from taskhub.acts.dry_run import dry_run
from taskhub.calendars import BusinessCalendar
from taskhub.db.tables import job_fired, message
from taskhub.policy.policies import Policies
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.testing import organisation as org
from taskhub.workers import Job
from taskhub.workers.jobs import Ticker, every
from tests.service.desk import Desk

MONTHLY = Rule("monthly", (), every="first working day", tasks=(TaskTemplate("billing", "Close the month"),))
PARIS = BusinessCalendar("office", "Europe/Paris", org.OFFICE, holidays=frozenset({date(2026, 5, 1)}))


def files(*rules: Rule, hash_: str = "monthly", calendar: BusinessCalendar = PARIS, **more: Any) -> Policies:
    plain = org.policies(rules=rules, hash=hash_, **more)
    return replace(plain, calendars={**plain.calendars, "office": calendar})


def tick(desk: Desk) -> None:
    """What every worker does each minute."""
    Ticker(desk.db, [Job("rules.months", every(timedelta(minutes=1)), months.fire)], lambda: True).tick()


def at(desk: Desk, instant: str) -> int:
    """How many tasks there are after a tick at that instant of Paris."""
    desk.clock.now = datetime.fromisoformat(instant).astimezone(UTC)
    tick(desk)
    desk.drain()
    return len(desk.rows_of("billing"))


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    made = Desk(database_url)
    yield made
    made.db.close()


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Desk]:
    made = Desk(sqlite_url)
    yield made
    made.db.close()


def test_once_a_month_when_the_first_working_day_opens(desk: Desk) -> None:
    assert desk.adopt(files(MONTHLY))  # on the 2nd of March, a Monday that has opened
    assert at(desk, "2026-03-02T11:00+01:00") == 0
    assert at(desk, "2026-04-01T08:59:59+02:00") == 0  # summer time since the 29th of March
    assert at(desk, "2026-04-01T09:00+02:00") == 1
    assert at(desk, "2026-04-01T09:05+02:00") == 1
    assert at(desk, "2026-04-30T16:00+02:00") == 1
    assert at(desk, "2026-05-01T12:00+02:00") == 1  # a holiday
    assert at(desk, "2026-05-04T08:59+02:00") == 1
    assert at(desk, "2026-05-04T09:00+02:00") == 2
    assert at(desk, "2026-11-02T08:59+01:00") == 3  # an outage: only October is made up for
    assert at(desk, "2026-11-02T09:00+01:00") == 4  # winter time


def test_its_task_is_about_no_record_and_is_worked_like_any_other(lite: Desk) -> None:
    lite.staff("front", "ana")
    assert lite.adopt(files(MONTHLY))
    assert at(lite, "2026-04-01T10:00+02:00") == 1
    (made,) = lite.rows_of("billing")
    assert (made.title, made.record, made.file, made.rule) == ("Close the month", None, None, "monthly")
    assert made.occurred_at == datetime(2026, 4, 1, 7, tzinfo=UTC)
    lite.drain()
    assert lite.claim("ana").task.id == made.id


def test_after_an_outage_the_newest_month_fires_once(lite: Desk) -> None:
    assert lite.adopt(files(MONTHLY))
    assert at(lite, "2026-06-17T03:00+02:00") == 1
    assert [row.fire_at for row in lite.rows(job_fired, job="rule.monthly")] == [
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(2026, 6, 1, tzinfo=UTC),
    ]
    assert at(lite, "2026-06-30T12:00+02:00") == 1
    assert at(lite, "2026-07-01T09:00+02:00") == 2


def test_a_calendar_that_changes_makes_no_second_firing_of_a_month(lite: Desk) -> None:
    assert lite.adopt(files(MONTHLY))
    assert at(lite, "2026-04-01T09:00+02:00") == 1
    bridge = replace(PARIS, holidays=PARIS.holidays | {date(2026, 4, 1)})
    assert lite.adopt(files(MONTHLY, hash_="bridge", calendar=bridge))
    assert at(lite, "2026-04-01T10:00+02:00") == 1  # by the new calendar March is the newest month
    assert at(lite, "2026-04-02T10:00+02:00") == 1
    assert at(lite, "2026-05-04T09:00+02:00") == 2


def test_a_rule_that_comes_back_begins_with_the_next_month(lite: Desk) -> None:
    assert lite.adopt(files(MONTHLY))
    assert lite.adopt(files(hash_="without"))
    assert at(lite, "2026-04-20T12:00+02:00") == 0
    assert lite.adopt(files(MONTHLY, hash_="again"))
    assert at(lite, "2026-04-20T12:01+02:00") == 0
    assert at(lite, "2026-05-04T09:00+02:00") == 1


def test_an_activation_for_another_reason_loses_no_month(lite: Desk) -> None:
    assert lite.adopt(files(MONTHLY))
    lite.clock.now = datetime(2026, 4, 10, tzinfo=UTC)
    assert lite.adopt(files(MONTHLY, hash_="other", max_paused=5))
    assert at(lite, "2026-04-10T12:00+02:00") == 1


def test_each_rule_fires_for_itself(lite: Desk) -> None:
    tokyo = BusinessCalendar("tokyo", "Asia/Tokyo", org.OFFICE)
    far = replace(MONTHLY, key="far", calendar="tokyo")
    set_ = files(MONTHLY, far)
    assert lite.adopt(replace(set_, calendars={**set_.calendars, "tokyo": tokyo}))
    assert at(lite, "2026-04-01T01:59+02:00") == 0
    assert at(lite, "2026-04-01T02:00+02:00") == 1
    assert at(lite, "2026-05-12T12:00+02:00") == 3


def test_any_number_of_workers_fire_it_once(desk: Desk) -> None:
    assert desk.adopt(files(MONTHLY))
    desk.clock.now = datetime(2026, 4, 1, 8, tzinfo=UTC)
    meet = threading.Barrier(4)

    def look() -> None:
        meet.wait()
        with desk.db.begin() as tx:
            months.fire(tx)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.drain()
    assert len(desk.rows_of("billing")) == 1


def test_each_firing_is_a_row_of_its_own_so_that_one_that_fails_keeps_no_other_from_its_month(lite: Desk) -> None:
    assert lite.adopt(files(replace(MONTHLY, key="first"), MONTHLY))
    lite.clock.now = datetime(2026, 4, 1, 8, tzinfo=UTC)
    tick(lite)
    assert sorted(row.key for row in lite.rows(message, handler="rule.month")) == [
        "first|2026-04-01", "monthly|2026-04-01",
    ]  # fmt: skip
    assert lite.adopt(files(MONTHLY, hash_="without first"))
    lite.drain()
    assert [row.rule for row in lite.rows_of("billing")] == ["monthly"]


def test_a_dry_run_shows_the_months_of_its_window(lite: Desk) -> None:
    lite.clock.now = datetime(2026, 6, 10, tzinfo=UTC)
    with lite.db.read() as tx:
        found = dry_run(tx, files(MONTHLY), tx.now - timedelta(days=45))
    assert [(one.what, one.cause, one.at.isoformat()) for one in found.differences] == [
        ("created", "2026-05", "2026-05-04T07:00:00+00:00"),
        ("created", "2026-06", "2026-06-01T07:00:00+00:00"),
    ]
