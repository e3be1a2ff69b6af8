"""How long after a kill the rows of the dead process are tried again: watched in the ledger itself."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import select

from taskhub.db.database import Database
from taskhub.db.interruption import Interrupted
from taskhub.db.tables import message

EVERY = 0.05


@dataclass
class Redo:
    """``note`` right after a kill; ``samples`` are seconds until a row that was held then had another token.

    Rows of processes that live are settled under the token they had, so they are no samples.
    """

    db: Database
    samples: list[float] = field(default_factory=list)
    _watched: dict[int, tuple[str, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True, name="redo")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(5)

    def note(self) -> int:
        """A process was killed this moment. Returns how many rows were held by anybody."""
        held = select(message.c.id, message.c.token).where(
            message.c.token.is_not(None), message.c.done_at.is_(None), message.c.dead_at.is_(None),
            message.c.attempts > 0,
        )  # fmt: skip
        at = time.monotonic()
        try:
            with self.db.read() as tx:
                rows = tx.conn.execute(held.where(message.c.until > tx.now)).all()
        except Interrupted:
            return 0
        with self._lock:
            self._watched |= {id_: (token, at) for id_, token in rows}
        return len(rows)

    def _run(self) -> None:
        while not self._stopped.wait(EVERY):
            with self._lock:
                watched = dict(self._watched)
            if watched:
                self._look(watched)

    def _look(self, watched: dict[int, tuple[str, float]]) -> None:
        found = select(message.c.id, message.c.token, message.c.done_at, message.c.dead_at)
        try:
            with self.db.read() as tx:
                rows = tx.conn.execute(found.where(message.c.id.in_(watched))).all()
        except Interrupted:
            return
        now = time.monotonic()
        for id_, token, done_at, dead_at in rows:
            before, at = watched[id_]
            if token is not None and token != before:
                self.samples.append(now - at)
            elif done_at is None and dead_at is None and token is not None:
                continue
            with self._lock:
                self._watched.pop(id_, None)
