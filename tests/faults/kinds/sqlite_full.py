"""SQLite may not grow any more: writers are told so, nothing is half done, and all goes on once there is room."""

from __future__ import annotations

import contextlib
import time
from datetime import timedelta
from typing import Any

from sqlalchemy import event

from taskhub.db.interruption import Interrupted
from taskhub.flow import HANDLERS
from taskhub.workers import run_due
from tests.faults import office, verdict
from tests.faults.children import Ahead
from tests.faults.fault import Fault
from tests.faults.ground import Ground
from tests.faults.plan import CAPACITY, PEOPLE
from tests.faults.quiet import hands_of
from tests.faults.result import Result
from tests.faults.shop import BATCH, EVENTS, Shop, open_shop

ROOM = 2  # pages
PLENTY = 1_000_000_000
REFUSALS = 3
AT_ONCE = 10
LEAPS = 3


def run(ground: Ground, seed: int) -> Result:
    """The day with a lid on the file that is lifted whenever it has refused a few times."""
    result, begin = Result(FAULT.name, seed), time.monotonic()
    plan, wanted = ground.plan_of(seed), ground.quiet(seed)
    with open_shop(ground.sqlite("full"), PEOPLE, capacity=CAPACITY, files=office.texts()) as shop:
        lid = _Lid(shop)
        for batch in plan.batches():
            lid.put()
            for _ in range(REFUSALS):
                if _accepted(shop, batch, result):
                    break
            else:
                lid.lift()
                assert _accepted(shop, batch, result), "refused although there is room"
            with contextlib.suppress(Interrupted):
                run_due(shop.db, HANDLERS, limit=AT_ONCE)
        lid.lift()
        for leap in range(LEAPS):  # what could not even be given back is free again when its hold ends
            shop.db.clock = Ahead(timedelta(minutes=leap))
            run_due(shop.db, HANDLERS)
        hands = hands_of(shop, plan)
        while not hands.look():
            run_due(shop.db, HANDLERS)
        run_due(shop.db, HANDLERS)
        verdict.in_the_books(shop.db, plan, wanted, result)
    if not result.answers[507]:
        result.wrong.append("nothing was refused: the fault did nothing")
    result.took = time.monotonic() - begin
    return result


def _accepted(shop: Shop, batch: list[dict[str, Any]], result: Result) -> bool:
    answer = shop.sender.request("POST", EVENTS, json=batch, headers={"content-type": BATCH})
    result.answers[answer.status_code] += 1
    if answer.status_code == 202:
        result.events += len(batch)
        return True
    if answer.status_code != 507 or "retry-after" not in answer.headers:
        result.wrong.append(f"a full database answers {answer.status_code}: {answer.text[:300]}")
    return False


class _Lid:
    """``max_page_count`` holds for a connection: set on each that is opened and each that is there."""

    def __init__(self, shop: Shop) -> None:
        self._engine = shop.db.engine
        self._most = PLENTY
        event.listen(self._engine, "checkout", self._set)

    def put(self) -> None:
        with self._engine.connect() as conn:
            self._most = conn.exec_driver_sql("PRAGMA page_count").scalar_one() + ROOM

    def lift(self) -> None:
        self._most = PLENTY

    def _set(self, connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={self._most}")


FAULT = Fault("sqlite full", "SQLite reaches max_page_count again and again", run)
