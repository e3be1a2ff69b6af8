"""Forked children that do a little of the day each and may die at any moment; time jumps on after each death.

The parent never holds a connection while it forks. What a child was told stands in a file: the next one goes on from
there, as a client does that calls again.
"""

from __future__ import annotations

import os
import random
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import and_, or_, select

from taskhub import bootstrap, failpoints, server
from taskhub.api import api
from taskhub.bell import Bell
from taskhub.db import ledger
from taskhub.db.database import Database
from taskhub.db.tables import message
from taskhub.flow import HANDLERS
from taskhub.http.state import AppState
from taskhub.workers import Worker
from taskhub.workers.holdings import Holdings
from taskhub.workers.runner import Runner
from tests.api.client import Client, running
from tests.faults import invariants, office
from tests.faults.hands import Hands
from tests.faults.night import left
from tests.faults.plan import CAPACITY, CLAIMERS, PEOPLE, Plan
from tests.faults.shop import SECRETS, Shop, accept, open_shop, settings
from tests.faults.strikes import Armed

LEAP = timedelta(seconds=4.5)  # longer than a hold
OUTLIVED = 2  # tries after which a row is left in peace: the third would bury it
THREADS_FOR = 1.2
AWAKE_WITHIN = 60.0
CHILD_WITHIN = 120.0
FAILED = 70


@dataclass(frozen=True)
class Ahead:
    """A clock that runs ``by`` before the real one."""

    by: timedelta

    def at(self, real: datetime) -> datetime:
        return real + self.by

    def after(self, real: datetime, wait: timedelta) -> datetime:
        return real + wait + self.by


@dataclass
class Script:
    """A day on ``url`` that children play; ``batch`` says from which body of events the next one goes on.

    ``lasts``: seconds a first piece took; later ones are quicker.
    """

    url: str
    plan: Plan
    folder: Path
    number: int = 0
    by: timedelta = field(default_factory=timedelta)

    def __post_init__(self) -> None:
        self.log = self.folder / "children.log"
        self._acked = self.folder / "acked"
        self._done = self.folder / "done"
        with open_shop(self.url, PEOPLE, capacity=CAPACITY, files=office.texts()) as shop:
            self._people, self._sender, self._admin = shop.people, shop.sender.key, shop.admin.key
        self.batches = self.plan.batches()
        self.db: Database = bootstrap.database(settings(self.url))
        self.app = api(AppState(self.db, secret=SECRETS.get))
        # What one piece compiles and reads is known from here on, to every child.
        begin = time.monotonic()
        self.piece(None)
        self.lasts = time.monotonic() - begin
        self.db.close()

    @property
    def batch(self) -> int:
        """How many bodies were accepted."""
        return _count(self._acked)

    def child(self, work: Callable[[], None]) -> int:
        """Forks one that does ``work``. Returns its pid."""
        self.number += 1
        self.db.clock = Ahead(self.by)
        pid = os.fork()
        if pid:
            return pid
        try:
            _into(self.log)
            work()
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(FAILED)
        os._exit(0)

    def died(self, pid: int) -> int:
        """Waits for its end: the exit code, negative for a signal. Time jumps on when it did not end by itself."""
        end = time.monotonic() + CHILD_WITHIN
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                break
            if time.monotonic() > end:
                os.kill(pid, 9)
                raise AssertionError(f"child {self.number} hangs:\n{self.tail()}")
            time.sleep(0.002)
        code = os.waitstatus_to_exitcode(status)
        if code:
            self.by += LEAP
        return code

    def tail(self) -> str:
        """The end of what children complained of."""
        return self.log.read_text()[-3000:] if self.log.exists() else "(nothing)"

    # ── what a child does ────────────────────────────────────────────────────────────────────────────────────────────
    def piece(self, strike: Armed | None, *, threads: bool = False, policies: bool = False) -> None:
        """A little of everything, with failpoints armed unless a row is near its last try: that one runs in peace."""
        if self.worn_out() and not threads:
            self.drain()
        failpoints.arm(strike.harmless() if strike is not None and self.worn_out() else strike)
        with running(self.app) as client:
            if self.batch < len(self.batches):
                self._send(client)
            self._hands(client).look_once()
            self._night(client)
        if policies:
            text = office.texts()
            text["kinds.toml"] += f"\n# {self.number}\n"
            accept(self.db, text)
        if threads:
            self._threads()
        else:
            self.drain()

    def rest(self) -> None:
        """What is left of the day, undisturbed."""
        with running(self.app) as client:
            while self.batch < len(self.batches):
                self._send(client)
                self.drain()
            hands = self._hands(client)
            end = time.monotonic() + AWAKE_WITHIN
            while not hands.look():
                self.drain()
                assert time.monotonic() < end, "people wait for work that never comes"
            for task_id in left(self.db):
                client.as_(self._admin).ok("POST", f"/api/v1/tasks/{task_id}/cancel", {"reason": "closed for the day"})
            while not invariants.at_rest(self.db):
                self.by += LEAP
                self.db.clock = Ahead(self.by)
                self.drain()
                assert time.monotonic() < end, "the ledger does not come to rest"
            hands.again()
            assert hands.differences == [], hands.differences

    def drain(self) -> None:
        """Everything due, in this thread, held for as long as workers hold it."""
        holdings = Holdings(self.db)
        runner = Runner(self.db, HANDLERS, holdings, random.Random(0))
        end = time.monotonic() + AWAKE_WITHIN
        while time.monotonic() < end:
            with self.db.begin() as tx:
                rows = ledger.take(tx.conn, tx.now, tx.after(ledger.HOLD), limit=20, rung_before=tx.now)
            if not rows:
                return
            for row in rows:
                runner.run(row)
            holdings.pay()
        raise AssertionError("the ledger never gets empty")

    def _threads(self) -> None:
        bell = Bell(None)
        self.db.ring = bell.ring
        worker = Worker(
            self.db, HANDLERS, bell, threads=2, outside_threads=1, on_gap=(bootstrap.new_terms,), jobs=server.JOBS
        )
        with running(self.app) as client, worker:
            if self.batch < len(self.batches):
                self._send(client)
            time.sleep(THREADS_FOR)
        bell.close()

    def worn_out(self) -> bool:
        """Whether a row is near its last try: one more death would bury it, rightly."""
        inside = and_(message.c.mode != "outside", message.c.attempts >= OUTLIVED)
        worn = or_(inside, message.c.lost >= OUTLIVED - 1)
        open_ = select(message.c.id).where(message.c.done_at.is_(None), message.c.dead_at.is_(None), worn)
        with self.db.read() as tx:
            return tx.conn.execute(open_.limit(1)).first() is not None

    def _send(self, client: Client) -> None:
        shop = Shop(self.db, client, client.as_(self._sender), client.as_(self._admin), self._people)
        shop.batch(self.batches[self.batch])
        _add(self._acked)

    def _hands(self, client: Client) -> _Hands:
        def call(method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
            return client.request(method, path, json=body, headers=headers)

        keys = [self._people[who] for who in CLAIMERS]
        return _Hands(
            self.db, call, keys, self.plan.deals(), self._admin or "", self.plan.orders(), done=_count(self._done),
            book=self._done,
        )  # fmt: skip

    def _night(self, client: Client) -> None:
        """One task comes in at the night desk, somebody takes one, and does something with it or nothing."""
        chance = random.Random(self.number)
        kind = chance.choice((office.CALL, office.FILE))
        client.as_(self._admin).ok("POST", "/api/v1/tasks", {"kind": kind, "title": f"Night {self.number}"})
        key = self._people[chance.choice(PEOPLE[office.NIGHT_TEAM])]
        given = self._said(client, key, "/api/v1/tasks/claim", {"queues": [office.COUNTER, office.DRAWER]}, "claim")
        if given["task"] is None:
            return
        path, token = f"/api/v1/tasks/{given['task']['id']}", {"lease_token": given["lease"]["token"]}
        for act in chance.choice((("complete",), ("renew", "complete"), ("release",), ("renew",), ("pause",), ())):
            body = token | {"release": {"reason": "no time"}, "pause": _pause()}.get(act, {})
            self._said(client, key, f"{path}/{act}", body, act)

    def _said(self, client: Client, key: str, path: str, body: Any, act: str) -> Any:
        headers = {"idempotency-key": f"child-{self.number}-{act}"}
        return client.as_(key).ok("POST", path, body, headers=headers)


class _Hands(Hands):
    """Hands that remember in a file how far they are."""

    def __init__(self, *given: Any, book: Path, **more: Any) -> None:
        super().__init__(*given, **more)
        self._book = book

    def look_once(self) -> None:
        """At most one deal or order, if its tasks are there."""
        before = self.done
        if self.step() and self.done > before:
            _add(self._book)


def _pause() -> dict[str, str]:
    return {"reason": "waiting_customer"}


def _into(log: Path) -> None:
    """What this process says goes there from now on."""
    os.dup2(os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), 2)


def _count(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _add(file: Path) -> None:
    with file.open("ab") as book:
        book.write(b".")
