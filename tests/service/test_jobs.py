"""Calendar jobs: which is due is pure, each firing happens once, and a job that fails keeps nobody else waiting."""

import threading
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from taskhub.workers import Job, daily, due_jobs, every
from taskhub.workers.jobs import Ticker
from tests.service.house import House

NOW = datetime(2026, 3, 2, 9, 27, 31, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def house(database_url):
    house = House(database_url)
    with house.closing:
        yield house


def test_a_job_is_due_once_per_slot_however_many_were_missed():
    job = Job("j", every(timedelta(minutes=10)), lambda tx: None)
    slot = datetime(2026, 3, 2, 9, 20, tzinfo=UTC)
    assert list(due_jobs([job], {}, NOW)) == [(job, slot)]
    assert list(due_jobs([job], {"j": slot - timedelta(days=3)}, NOW)) == [(job, slot)]
    assert list(due_jobs([job], {"j": slot}, NOW)) == []
    assert list(due_jobs([job], {"j": slot}, NOW + timedelta(minutes=3))) == [(job, slot + timedelta(minutes=10))]


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2026-03-28T12:00", "2026-03-28T01:30"),  # winter time: 02:30 is 01:30 UTC
        ("2026-03-29T01:29", "2026-03-28T01:30"),
        ("2026-03-29T01:30", "2026-03-29T01:30"),  # 02:30 does not exist and becomes 03:30
        ("2026-10-25T00:30", "2026-10-25T00:30"),  # 02:30 exists twice: the first
        ("2026-10-25T01:30", "2026-10-25T00:30"),
        ("2026-10-26T01:30", "2026-10-26T01:30"),
    ],
)
def test_a_daily_job_keeps_to_the_local_clock(now, slot):
    at = daily(time(2, 30), BERLIN)
    assert at(datetime.fromisoformat(f"{now}:00+00:00")) == datetime.fromisoformat(f"{slot}:00+00:00")


def test_every_process_ticks_and_each_firing_happens_once(house):
    ran = []
    job = Job("j", every(timedelta(days=10_000)), lambda tx: ran.append(1))
    meet = threading.Barrier(4)

    def tick():
        ticker = Ticker(house.database, [job], lambda: True)
        meet.wait()
        ticker.tick()
        ticker.tick()

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ran == [1]


def test_a_job_that_fails_is_tried_again_and_keeps_nobody_waiting(house):
    ran = []

    def fail(tx):
        ran.append("failing")
        raise ValueError

    slot = every(timedelta(days=10_000))
    ticker = Ticker(
        house.database, [Job("a", slot, fail), Job("b", slot, lambda tx: ran.append("other"))], lambda: True
    )
    ticker.tick()
    ticker.tick()
    assert ran == ["failing", "other", "failing"]


def test_a_worker_ticks_when_it_starts(house):
    ran = threading.Event()
    house.worker(jobs=[Job("j", every(timedelta(minutes=1)), lambda tx: ran.set())])
    assert ran.wait(30)


def test_a_job_that_has_more_to_do_is_run_again_in_transactions_of_its_own(house):
    acts = []

    def run(tx):
        acts.append(tx.act_id)
        return len(acts) < 5

    ticker = Ticker(house.database, [Job("j", every(timedelta(days=10_000)), run)], lambda: True)
    ticker.tick()
    ticker.tick()
    assert len(set(acts)) == len(acts) == 5


class Stepping:
    """A clock of the test's choosing."""

    def __init__(self, now):
        self.now = now

    def at(self, real):
        return self.now

    def after(self, real, wait):
        return self.now + wait


def test_two_schedulers_fire_once_per_slot_whatever_the_clock_does(postgres_url):
    """Forward by hours: missed slots are one run. Back: nothing is run again."""
    clock, ran = Stepping(NOW), []
    job = Job("j", every(timedelta(minutes=10)), lambda tx: ran.append(tx.now))
    houses = [House(postgres_url, clock=clock) for _ in range(2)]
    tickers = [Ticker(house.database, [job], lambda: True) for house in houses]
    counts = []
    for step in (0, 1, 9, 60, 600, -600, -1, 602, 30):
        clock.now += timedelta(minutes=step)
        together(ticker.tick for ticker in tickers)
        counts.append(len(ran))
    for house in houses:
        house.closing.close()
    assert counts == [1, 1, 2, 3, 4, 4, 4, 4, 5]


def together(calls):
    meet = threading.Barrier(2)

    def call(one):
        meet.wait()
        one()

    threads = [threading.Thread(target=call, args=(one,)) for one in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
