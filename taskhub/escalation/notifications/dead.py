"""Letters nobody took: who they were for and why, given up or still being tried; another try, or none any more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskhub.db import ledger, leftovers
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.escalation.notifications import store

AT_ONCE = 500
Place = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class Refused:
    """One letter. ``dead_at`` None: it is tried again at ``next_at``."""

    row: int
    id: str
    channel: str
    addressee: str
    team: str | None
    subject: str
    at: datetime
    tries: int
    dead_at: datetime | None
    next_at: datetime | None
    reason: str


def refused(
    tx: Tx, teams: Collection[str] | None = None, *, dead: bool = True, after: Place | None = None,
    limit: int = AT_ONCE,
) -> tuple[list[Refused], Place | None]:  # fmt: skip
    """What could not be sent, newest first: to people of ``teams``, or (None) to anybody and any channel.

    Begins behind ``after``; the second is where the next page begins, None at the end.
    """
    rows = store.undelivered(tx, dead=dead, teams=teams, letter_id=None, after=after, limit=limit + 1)
    following = (rows[limit - 1].moment, rows[limit - 1].row) if len(rows) > limit else None
    return [_refused(row) for row in rows[:limit]], following


def replay(tx: Tx, teams: Collection[str] | None = None, letter_id: str | None = None) -> list[Refused]:
    """Tries dead letters again from the start: one by id (all its channels), or all. Raises NotFound for an id."""
    return [_again(tx, one) for one in _dead(tx, teams, letter_id)]


def discard(tx: Tx, teams: Collection[str] | None, letter_id: str, why: str) -> list[Refused]:
    """Gives a dead letter up, by all its channels that failed: it is never sent, and no longer among the dead."""
    gone = _dead(tx, teams, letter_id)
    for one in gone:
        leftovers.discard(tx.conn, one.row, tx.now)
        tx.record("notification", f"{one.id}:{one.channel}", "discard", {"reason": why})
    return gone


def _again(tx: Tx, one: Refused) -> Refused:
    ledger.revive(tx.conn, one.row, tx.now)
    tx.record("notification", f"{one.id}:{one.channel}", "replay", {"reason": one.reason})
    return one


def _dead(tx: Tx, teams: Collection[str] | None, letter_id: str | None) -> list[Refused]:
    found: list[Refused] = []
    after: Place | None = None
    while rows := store.undelivered(tx, dead=True, teams=teams, letter_id=letter_id, after=after, limit=AT_ONCE):
        found += map(_refused, rows)
        after = rows[-1].moment, rows[-1].row
    if letter_id is not None and not found:
        raise NotFound(f"There is no dead notification {letter_id[:64]!r}; it may have been sent meanwhile.")
    return found


def _refused(row: Any) -> Refused:
    next_at = None if row.dead_at else row.due_at
    reason = (row.error or "").partition("\n")[0]
    return Refused(
        row.row, row.id, row.channel, _shown(row.addressee), row.team, row.subject, row.at, row.attempts, row.dead_at,
        next_at, reason,
    )  # fmt: skip


def _shown(addressee: str) -> str:
    """An address written out in an older file stays a secret.

    >>> _shown("url:OPS"), _shown("url:json://user:secret@host")
    ('url:OPS', 'url:json://…')
    """
    head, mark, _ = addressee.partition("://")
    return f"{head}{mark}…" if mark else addressee
