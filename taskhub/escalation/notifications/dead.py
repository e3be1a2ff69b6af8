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


def refused(tx: Tx, teams: Collection[str] | None = None, *, dead: bool = True, limit: int = AT_ONCE) -> list[Refused]:
    """What could not be sent, newest first: to people of ``teams``, or (None) to anybody and any channel."""
    rows = {_place(row.key): row for row in store.undelivered(tx, dead=dead, limit=AT_ONCE)}
    letters = store.letters(tx, rows.keys())
    found = [_refused(row, letters[place]) for place, row in rows.items() if place in letters]
    return [one for one in found if teams is None or one.team in teams][:limit]


def replay(tx: Tx, teams: Collection[str] | None = None, letter_id: str | None = None) -> list[Refused]:
    """Tries dead letters again from the start: one by id (all its channels), or all. Raises NotFound for an id."""
    again = _dead(tx, teams, letter_id)
    for one in again:
        ledger.revive(tx.conn, one.row, tx.now)
        tx.record("notification", f"{one.id}:{one.channel}", "replay", {"reason": one.reason})
    return again


def discard(tx: Tx, teams: Collection[str] | None, letter_id: str, why: str) -> list[Refused]:
    """Gives a dead letter up, by all its channels that failed: it is never sent, and no longer among the dead."""
    gone = _dead(tx, teams, letter_id)
    for one in gone:
        leftovers.discard(tx.conn, one.row, tx.now)
        tx.record("notification", f"{one.id}:{one.channel}", "discard", {"reason": why})
    return gone


def _dead(tx: Tx, teams: Collection[str] | None, letter_id: str | None) -> list[Refused]:
    found = [one for one in refused(tx, teams) if letter_id in (None, one.id)]
    if letter_id is not None and not found:
        raise NotFound(f"There is no dead notification {letter_id[:64]!r}; it may have been sent meanwhile.")
    return found


def _place(key: str) -> tuple[str, str]:
    id_, _, channel = key.partition(":")
    return id_, channel


def _refused(row: Any, letter: Any) -> Refused:
    next_at = None if row.dead_at else row.due_at
    reason = (row.error or "").partition("\n")[0]
    return Refused(
        row.id, letter.id, letter.channel, _shown(letter.addressee), letter.team, letter.subject, letter.at,
        row.attempts, row.dead_at, next_at, reason,
    )  # fmt: skip


def _shown(addressee: str) -> str:
    """An address written out in an older file stays a secret.

    >>> _shown("url:OPS"), _shown("url:json://user:secret@host")
    ('url:OPS', 'url:json://…')
    """
    head, mark, _ = addressee.partition("://")
    return f"{head}{mark}…" if mark else addressee
