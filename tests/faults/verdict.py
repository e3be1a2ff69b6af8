"""The judgement of a day: the ledger at rest, every invariant, the tasks of the quiet day, nothing lost or twice."""

from __future__ import annotations

import time
from collections import Counter

from sqlalchemy import func, select

from taskhub.db.database import Database
from taskhub.db.tables import event, message
from tests.faults import feed, holds, invariants, outcome, recount, strikes
from tests.faults.calls import patiently
from tests.faults.hands import Hands
from tests.faults.house import NOTED, House
from tests.faults.night import Night
from tests.faults.plan import Plan
from tests.faults.quiet import day_of
from tests.faults.result import Result
from tests.faults.shop import Shop

SETTLED_WITHIN = 60.0
PATIENCE = 240.0
A_MOMENT = 15.0
LEFT = "I17 no message is left"
DISK_FULL = "database full"


def rest(shop: Shop, calm: float, result: Result) -> None:
    """Waits until nothing is due; I16: within a minute after the harm ended."""
    while not patiently(lambda: invariants.at_rest(shop.db)):
        if time.monotonic() - calm > PATIENCE:
            result.wrong.append(f"I16 the backlog does not drain: {_left(shop.db)}")
            break
        time.sleep(0.1)
    result.settled = time.monotonic() - calm
    if SETTLED_WITHIN < result.settled <= PATIENCE:
        result.wrong.append(f"I16 the backlog drained only after {result.settled:.0f} s")


def judge(house: House, plan: Plan, hands: Hands, night: Night, wanted: Counter[str]) -> None:
    """Fills the result."""
    result, shop = house.result, house.shop
    result.wrong += [f"I15 {one}" for one in hands.differences]
    result.wrong += [f"an answer of the night: {one}" for one in night.unexpected]
    result.answers, result.slowest = Counter(house.call.answers), house.call.slowest
    result.wrong += [f"{count} answers {status}" for status, count in result.answers.items()
                     if status >= 500 and status != 503 and (status, result.fault) != (507, DISK_FULL)]  # fmt: skip
    result.wrong += [f"{one.name} ended with {one.code}:\n{one.tail()}" for one in (*house.apis, *house.workers)
                     if one.code is not None]  # fmt: skip
    result.redo += house.redo.samples
    result.struck, result.passed = strikes.struck(house.folder / NOTED), strikes.passed(house.folder / NOTED)
    in_the_books(shop.db, plan, wanted, result)
    _holds(shop.db, night, result)


def in_the_books(db: Database, plan: Plan, wanted: Counter[str], result: Result) -> None:
    """What the database says: invariants, events, tasks."""
    result.wrong += _broken(db)
    with db.read() as tx:
        result.wrong += recount.broken(tx)
        result.redone = tx.conn.execute(select(func.count()).where(message.c.attempts > 1)).scalar_one()
        sent = Counter(one["id"] for batch in plan.batches() for one in batch)
        stored = Counter(tx.conn.execute(select(event.c.external_id).where(event.c.source == feed.SOURCE)).scalars())
        found = day_of(tx.conn)
    missing, extra = wanted - found, found - wanted
    result.lost += (sent - stored).total()
    result.duplicates += (stored - sent).total()
    if sent != stored:
        result.wrong.append(f"I1 events: {outcome.difference(stored, sent)}")
    if missing or extra:
        result.lost += max(0, missing.total() - extra.total())
        result.duplicates += max(0, extra.total() - missing.total())
        result.wrong.append(f"other tasks than on the quiet day: {outcome.difference(found, wanted)}")


def _broken(db: Database) -> list[str]:
    """The invariants. What jobs put into the ledger each minute is given the moment it takes to be done."""
    end = time.monotonic() + A_MOMENT
    while True:
        with db.read() as tx:
            found = invariants.broken(tx.conn, tx.now)
        if not any(one.startswith(LEFT) for one in found) or time.monotonic() > end:
            return found
        time.sleep(0.2)


def _holds(db: Database, night: Night, result: Result) -> None:
    with db.read() as tx:
        keeping = [queue.key for queue in tx.policies.queues.values() if queue.on_idle == "hold"]
        found = holds.judge(tx.conn, night.holds, night.writes, keeping)
    result.double_holds += len(found.double)
    result.stale_writes += len(found.stale)
    result.passed_on += len(found.passed_on)
    result.returned += found.returned
    refused = sum(not one.accepted for one in night.writes)
    result.figures |= {"holds": len(night.holds), "writes refused": refused}
    result.wrong += [*(f"I3 {one}" for one in found.double), *(f"I4 {one}" for one in found.stale), *found.passed_on]


def _left(db: Database) -> str:
    open_ = select(message.c.handler, message.c.key, message.c.attempts, message.c.error).where(
        message.c.done_at.is_(None), message.c.dead_at.is_(None)
    )
    with db.read() as tx:
        late = open_.where((message.c.due_at <= tx.now) | (message.c.attempts > 0)).limit(5)
        return "; ".join(map(str, tx.conn.execute(late).all()))
