"""Workers are killed, Redis is emptied and taken away while events come in; the tasks must be those of a quiet day."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import redis
from sqlalchemy import func, select

from taskhub.db.tables import message, task
from taskhub.flow import HANDLERS
from taskhub.workers import Worker
from tests.faults import feed, invariants, outcome
from tests.faults.hands import Hands
from tests.faults.processes import Process
from tests.faults.shop import BATCH, EVENTS, Shop, open_shop
from tests.servers import Server

PEOPLE = {"contract-desk": ["ann", "bob", "cy"], "front-line": ["dee", "eve", "fay"]}
CLAIMERS = ("dee", "eve", "fay")
CAPACITY = 40
WORKERS = 2
SETTLED_WITHIN = 600.0


@dataclass(frozen=True)
class Plan:
    """What is done to a run. Everything random comes from ``seed``; only the speed of the machine does not."""

    seed: int = 1
    events: int = 2_000
    kills: int = 20
    flushes: int = 5
    absent: float = 30.0
    pause: float = 1.0
    most: int = 40
    every: int = 15

    def batches(self) -> list[list[dict[str, Any]]]:
        """The events in bodies of uneven size."""
        chance, found = Random(self.seed), []
        rest = feed.stream(self.events, self.seed, datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2))
        while rest:
            size = chance.randint(1, self.most)
            found.append(rest[:size])
            rest = rest[size:]
        return found


@dataclass
class Report:
    """What was done, and what came of it; ``wrong`` is empty when all is well."""

    plan: Plan
    sent: int = 0
    kills: int = 0
    in_hand: list[int] = field(default_factory=list)
    flushes: int = 0
    absent: float = 0.0
    took: float = 0.0
    settled: float = 0.0
    slowest: float = 0.0
    redone: int = 0
    tries: int = 0
    tasks: int = 0
    by_state: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    leases: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        busy, same = sum(rows > 0 for rows in self.in_hand), "not " if self.wrong else ""
        lines = [
            f"seed {self.plan.seed}: {self.sent} events in {self.took:.0f} s, at rest {self.settled:.1f} s later",
            f"  {self.kills} workers killed, {busy} with rows in hand ({sum(self.in_hand)})",
            f"  {self.redone} rows ran again, at most {self.tries} tries",
            f"  {self.flushes} times FLUSHALL, Redis absent for {self.absent:.0f} s",
            f"  slowest answer to the sender {self.slowest:.2f} s",
            f"  {self.calls} calls of people sent three times, {self.leases} leases alive",
            f"  {self.tasks} tasks, {same}those of the quiet day: {self.by_state}",
        ]
        return "\n".join([*lines, *(f"  WRONG {one}" for one in self.wrong)])


# ── the quiet day ────────────────────────────────────────────────────────────────────────────────────────────────────
def undisturbed(url: str, plan: Plan, batches: list[list[dict[str, Any]]]) -> Counter[str]:
    """The same events and the same people where nothing goes wrong: what must come out."""
    with open_shop(url, PEOPLE, capacity=CAPACITY) as shop, Worker(shop.db, HANDLERS, threads=4, outside_threads=1):
        for batch in batches:
            shop.batch(batch)
        hands = _hands(shop, plan, batches, lambda method, path, body, headers: shop.client.request(
            method, path, json=body, headers=headers))  # fmt: skip
        hands.finish()
        _rest(shop)
        with shop.db.read() as tx:
            assert invariants.broken(tx.conn, tx.now) == [], "even on the quiet day"
            return outcome.tasks(tx.conn, hands=False)


def _hands(shop: Shop, plan: Plan, batches: list[list[dict[str, Any]]], call: Any) -> Hands:
    deals = feed.deals_to_work_on([event for batch in batches for event in batch], plan.every)
    return Hands(shop.db, call, [shop.people[name] for name in CLAIMERS], deals)


def _rest(shop: Shop) -> float:
    begin = time.monotonic()
    while not invariants.at_rest(shop.db):
        assert time.monotonic() - begin < SETTLED_WITHIN, _unrest(shop)
        time.sleep(0.1)
    return time.monotonic() - begin


def _unrest(shop: Shop) -> str:
    with shop.db.read() as tx:
        return "; ".join(["work is still left", *invariants.broken(tx.conn, tx.now)])


# ── the disturbed one ────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass
class Disturber:
    """Does harm at the posts drawn from the seed."""

    plan: Plan
    posts: int
    shop: Shop
    workers: list[Process]
    redis: Server
    report: Report
    back_at: float | None = None
    gone_at: float = 0.0

    def __post_init__(self) -> None:
        self.chance = Random(-1 - self.plan.seed)
        places = range(self.posts)
        self.kills = Counter(self.chance.choices(places, k=self.plan.kills))
        self.flushes = Counter(self.chance.choices(places, k=self.plan.flushes))
        self.leave = self.posts // 3 if self.plan.absent else -1

    def after(self, post: int) -> None:
        """What happens after the post of that number."""
        if post == self.leave:
            self.redis.kill()
            self.gone_at = time.monotonic()
            self.back_at = self.gone_at + self.plan.absent
        for _ in range(self.kills[post]):
            self._kill()
        self.comes_back()
        for _ in range(self.flushes.pop(post, 0)):
            self._flush(post)

    def comes_back(self, *, now: bool = False) -> None:
        """Redis returns when its time is up, or after what is left of it."""
        if self.back_at is None:
            return
        if now:
            time.sleep(max(0.0, self.back_at - time.monotonic()))
        if time.monotonic() >= self.back_at:
            self.back_at = None
            self.redis.start()
            self.report.absent = time.monotonic() - self.gone_at

    def _kill(self) -> None:
        """One that works, at some moment: who is still starting has nothing to lose."""
        victim = self.chance.choice([one for one in self.workers if one.works] or self.workers)
        victim.wait()
        time.sleep(self.chance.uniform(0, 0.3))
        with self.shop.db.read() as tx:
            held = select(func.count()).where(
                message.c.token.is_not(None), message.c.done_at.is_(None), message.c.dead_at.is_(None),
                message.c.until > tx.now,
            )  # fmt: skip
            self.report.in_hand.append(tx.conn.execute(held).scalar_one())
        victim.kill()
        victim.start()
        self.report.kills += 1

    def _flush(self, post: int) -> None:
        if self.back_at is not None:
            # There is nothing to empty: later.
            self.flushes[post + 1] += 1
            return
        with redis.Redis.from_url(self.redis.url) as client:
            client.flushall()
        self.report.flushes += 1


def disturbed(
    url: str, server: Server, plan: Plan, batches: list[list[dict[str, Any]]], folder: Path
) -> tuple[Report, Counter[str]]:
    """The campaign: an API and two workers as production starts them, and everything the plan does to them."""
    report = Report(plan)
    with open_shop(url, PEOPLE, capacity=CAPACITY) as shop, _house(url, server.url, folder) as (call, workers):
        hands = _hands(shop, plan, batches, call)
        disturber = Disturber(plan, len(batches), shop, workers, server, report)
        begin = time.monotonic()
        for post, batch in enumerate(batches):
            _send(call, shop, batch, report)
            disturber.after(post)
            hands.look()
            time.sleep(disturber.chance.expovariate(1 / plan.pause))
        disturber.comes_back(now=True)
        for late in range(len(batches), len(batches) + disturber.flushes.total()):
            disturber.after(late)
        report.took = time.monotonic() - begin
        hands.finish()
        report.settled = _rest(shop)
        hands.again()
        report.wrong += hands.differences
        report.calls, report.leases = len(hands.replies), hands.held
        report.wrong += [f"{one.name} ended with {one.code}:\n{one.tail()}" for one in workers if one.code is not None]
        return report, _judge(shop, report)


def _send(call: Any, shop: Shop, batch: list[dict[str, Any]], report: Report) -> None:
    begin = time.monotonic()
    headers = {"authorization": f"Bearer {shop.sender.key}", "content-type": BATCH}
    answer = call("POST", EVENTS, batch, headers)
    report.slowest = max(report.slowest, time.monotonic() - begin)
    assert answer.status_code == 202, answer.text
    assert {one["status"] for one in answer.json()["events"]} == {"accepted"}
    report.sent += len(batch)


def _judge(shop: Shop, report: Report) -> Counter[str]:
    with shop.db.read() as tx:
        report.wrong += invariants.broken(tx.conn, tx.now)
        again = select(func.count(), func.max(message.c.attempts)).where(message.c.attempts > 1)
        report.redone, tries = tx.conn.execute(again).one()
        report.tries = tries or 1
        rows = tx.conn.execute(select(task.c.state, func.count()).group_by(task.c.state))
        report.by_state = dict(sorted(rows.all()))
        report.tasks = sum(report.by_state.values())
        return outcome.tasks(tx.conn, hands=False)


@contextmanager
def _house(url: str, redis_url: str, folder: Path) -> Iterator[tuple[Callable[..., httpx.Response], list[Process]]]:
    with ExitStack() as ends:
        urls = url, redis_url
        started = [Process("api", ["api", "--port", "0"], "API serves", urls, folder)]
        started += [Process(f"worker-{n}", ["worker", "--threads", "4"], "worker with", urls, folder)
                    for n in range(WORKERS)]  # fmt: skip
        for one in started:
            ends.callback(one.stop)
            one.start()
        address = next(word for word in started[0].wait().split() if word.startswith("http://"))
        client = ends.enter_context(httpx.Client(base_url=address, timeout=30))
        for worker in started[1:]:
            worker.wait()
        yield lambda method, path, body, headers: client.request(method, path, json=body, headers=headers), started[1:]


def run(plan: Plan, urls: tuple[str, str], server: Server, folder: Path) -> Report:
    """Both days at the same time, each in its own database; then compared."""
    batches = plan.batches()
    with ThreadPoolExecutor(1) as aside:
        quiet = aside.submit(undisturbed, urls[0], plan, batches)
        report, found = disturbed(urls[1], server, plan, batches, folder)
        wanted = quiet.result()
    if told := outcome.difference(found, wanted):
        report.wrong.append(f"other tasks than on the quiet day: {told}")
    return report
