"""The unit of work: one transaction, one act. Everything a service needs of the world comes through ``Tx``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from taskhub.clock import Clock
from taskhub.db import history, outbox, rows
from taskhub.db.flow import Flow
from taskhub.db.tables import act
from taskhub.failpoints import failpoint
from taskhub.ids import new_id
from taskhub.policy.policies import Policies


@dataclass(frozen=True, slots=True)
class By:
    """Who does it. ``label`` stands in history ("agent:zoe", "key:…", "worker"); ``role`` of the key that was used."""

    label: str
    role: str = "system"
    agent: str | None = None
    team: str | None = None
    roles: tuple[str, ...] = ()
    key: str | None = None

    @property
    def is_person(self) -> bool:
        """Acts of persons and programs raise versions and can be undone; the workers' do not."""
        return self.role != "system"


SYSTEM = By("worker")


def nobody_hears(_tx: Tx, _entries: Sequence[history.Entry]) -> None:
    """What happens is told to nobody."""


def _nobody_knows(_hash: str) -> Policies | None:
    return None


@dataclass(slots=True)
class Tx:
    """Collects messages and history rows and writes them last, before commit, in a fixed order.

    ``now`` is taskhub's time at the first statement, ``policies`` the active set at that moment. ``accepted`` gives a
    set by its hash, also one no longer active; None where it is not known or can no longer be read. ``heard`` gets the
    rows of history before they are written, and may emit. ``aside()``: what is done inside waits for code that is not
    ours; on SQLite other writers pass meanwhile.
    """

    conn: Connection
    now: datetime
    real_now: datetime
    clock: Clock
    policies: Policies
    by: By
    flow: Flow
    accepted: Callable[[str], Policies | None] = _nobody_knows
    heard: Callable[[Tx, Sequence[history.Entry]], None] = nobody_hears
    act_id: str = field(default_factory=new_id)
    act_kind: str | None = None
    inverse: Mapping[str, Any] | None = None
    to_ring: Callable[[], list[int]] = list  # rows that are due, once it is committed
    lookups: dict[str, Any] = field(default_factory=dict)  # what was read once and holds for the whole transaction
    aside: Callable[[], AbstractContextManager[None]] = nullcontext
    about: Mapping[str, Any] = field(default_factory=dict)  # where it comes from: a request, a row of the ledger
    notes: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[tuple[str, ...], int] = field(default_factory=dict)
    changed: list[tuple[str, str, str]] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    _rows: list[outbox.Row] = field(default_factory=list)
    _history: list[history.Entry] = field(default_factory=list)
    _cancelled: set[tuple[str, str]] = field(default_factory=set)

    @property
    def lite(self) -> bool:
        """Whether this is SQLite."""
        return self.conn.dialect.name == "sqlite"

    def after(self, wait: timedelta) -> datetime:
        """taskhub's instant when ``wait`` of real time has passed: leases, retries, undo delays."""
        return self.clock.after(self.real_now, wait)

    def emit(
        self, topic: str, key: str, payload: Mapping[str, Any] | None = None, *, due_at: datetime | None = None
    ) -> None:
        """Sends a message to every handler the flow names for ``topic``; ``due_at`` later than now makes it a timer."""
        body = dict(payload or {})
        due = due_at or self.now
        for route in self.flow[topic]:
            place = route.key(key, body)
            self._cancelled.discard((route.handler, place))
            row = outbox.Row(topic, route.handler, place, route.mode, body, due, route.earliest, route.source(body))
            self._rows.append(row)

    def cancel(self, topic: str, key: str) -> None:
        """Deletes the untaken timers of ``topic`` for ``key``; also what this very transaction meant to emit."""
        handlers = {route.handler for route in self.flow[topic]}
        self._rows = [r for r in self._rows if not (r.handler in handlers and r.key == key and r.mode == "one")]
        self._cancelled |= {(handler, key) for handler in handlers}

    def record(self, noun: str, id_: str, act_: str, change: Mapping[str, Any], *, seq: int | None = None) -> None:
        """One history row: ``act_`` did ``change`` to the record. ``seq`` is given where the record counts them."""
        self._history.append(history.Entry(noun, id_, act_, dict(change), seq))

    def note(self, noun: str, *ids: str | None) -> None:
        """Names what this transaction is about beside its history, for the log: ``note("event", id)``."""
        self.notes.setdefault(noun, []).extend(id_ for id_ in ids if id_)

    def count(self, metric: str, *labels: str, by: int = 1) -> None:
        """Counts for the metrics, once it is committed; labels in the order of the metric's family."""
        place = (metric, *labels)
        self.counts[place] = self.counts.get(place, 0) + by

    def flush(self) -> None:
        """Writes act, history and messages. Called once, by the edge, right before commit.

        ``changed`` then holds (noun, id, act) of all that was recorded, ``sent`` (topic, key) of all that was emitted.
        """
        if self._history:
            self.heard(self, tuple(self._history))
        if self.by.is_person and self.act_kind and self._history:
            touched = [[e.noun, e.id] for e in self._history]
            row = {
                "id": self.act_id, "by": self.by.label, "at": self.now, "kind": self.act_kind, "touched": touched,
                "inverse": dict(self.inverse) if self.inverse else None,
            }  # fmt: skip
            rows.insert(self.conn, act, [row])
            failpoint("tx.act_written")
        if self._history:
            history.write(self.conn, self._history, act_id=self.act_id, at=self.now, by=self.by.label)
            failpoint("tx.history_written")
        if self._cancelled:
            outbox.cancel(self.conn, self._cancelled)
            failpoint("tx.timers_cancelled")
        if self._rows:
            due = [row.due_at <= self.now for row in self._rows]
            written = outbox.write(self.conn, self._rows, self.now)
            failpoint("tx.messages_written")
            if any(due):
                self.to_ring = written
        self.changed = [(entry.noun, entry.id, entry.act) for entry in self._history]
        self.sent = [(row.topic, row.key) for row in self._rows]
        self._rows, self._history, self._cancelled = [], [], set()
