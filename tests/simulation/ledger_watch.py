"""What a step may do to the ledger's open rows: taken when free, counted, settled by who holds them, each once."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import NamedTuple

TRIES = 3
LOOK = (
    "select id, handler, key, mode, due_at, attempts, lost, token, until, dead_at from message"
    " where done_at is null order by id"
)
TAKE, RUN, PROLONG, GIVE_BACK, REVIVE = "take", "run", "prolong", "give back", "revive"


class Wrong(Exception):
    """What must hold does not: the run has found something."""


class Row(NamedTuple):
    """One row of the ledger that is not done."""

    id: int
    handler: str
    key: str
    mode: str
    due_at: str
    attempts: int
    lost: int
    token: str | None
    until: str | None
    dead_at: str | None


@dataclass(frozen=True, slots=True)
class Deed:
    """What a step did as far as the ledger is concerned: ``tokens`` are those of the acting worker."""

    what: str = ""
    tokens: frozenset[str] = frozenset()
    row: int = 0
    died: bool = False


class LedgerWatch:
    """Compares the open rows before and after every step."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self._newest = 0
        self.rows = self._read()
        self._newest = max(self.rows, default=0)

    def _read(self) -> dict[int, Row]:
        return {row[0]: Row(*row) for row in self._raw.execute(LOOK)}

    def after(self, deed: Deed, now: str) -> None:
        """Raises Wrong for the first thing that may not be."""
        was, self.rows = self.rows, self._read()
        for id_, row in self.rows.items():
            old = was.get(id_)
            if old is None:
                self._appeared(row, deed)
            elif old != row:
                self._changed(old, row, deed, now)
        for id_ in sorted(was.keys() - self.rows.keys()):
            self._vanished(was[id_], deed)
        self._ran(was.get(deed.row), deed)
        self._newest = max([self._newest, *self.rows])
        self._ones()

    def _appeared(self, row: Row, deed: Deed) -> None:
        if row.id <= self._newest:
            raise Wrong(f"ledger: row {row.id} ({row.handler}) was done and is open again")
        if row.attempts or row.token:
            raise Wrong(f"ledger: row {row.id} ({row.handler}) was born taken")

    def _changed(self, old: Row, new: Row, deed: Deed, now: str) -> None:
        if new.dead_at and not old.dead_at:
            self._died(old, deed, now)
        elif old.dead_at and not new.dead_at:
            if deed.what != REVIVE:
                raise Wrong(f"ledger: dead row {old.id} came back by {deed.what}")
        elif new.token != old.token and new.token is not None:
            self._taken(old, new, deed, now)
        elif old.token is not None:
            self._held(old, new, deed, now)
        elif new.attempts != old.attempts:
            raise Wrong(f"ledger: tries of untaken row {old.id} went from {old.attempts} to {new.attempts}")

    def _taken(self, old: Row, new: Row, deed: Deed, now: str) -> None:
        if deed.what != TAKE:
            raise Wrong(f"ledger: row {old.id} got a token by {deed.what or 'a call'}")
        if old.due_at > now:
            raise Wrong(f"ledger: row {old.id} ({old.handler}) due {old.due_at} was taken early, at {now}")
        # A look first pays what its process owes: its own row may go back and be taken anew in one.
        paid = old.token in deed.tokens and new.attempts == old.attempts
        if old.token is not None and (old.until or "") > now and not paid:
            raise Wrong(f"ledger: row {old.id} ({old.handler}) was taken at {now} while held until {old.until}")
        if new.attempts != old.attempts + 1 and not paid:
            raise Wrong(f"ledger: taking row {old.id} made {new.attempts} tries of {old.attempts}")
        if old.mode != "outside" and old.attempts >= TRIES:
            raise Wrong(f"ledger: row {old.id} is tried a {new.attempts}th time")

    def _held(self, old: Row, new: Row, deed: Deed, now: str) -> None:
        if old.token not in deed.tokens:
            raise Wrong(f"ledger: row {old.id} of another holder was changed by {deed.what or 'a call'}: {old} {new}")
        gave = deed.what in (GIVE_BACK, TAKE) or (deed.what == RUN and new.attempts < old.attempts)
        # Whoever fails after giving back, and before noting that it did, gives back once more what is free already.
        once_more = (old.until or "") <= now and new.attempts == old.attempts
        if gave and new.attempts != old.attempts - 1 and not once_more:
            raise Wrong(f"ledger: row {old.id} was given back with {new.attempts} tries of {old.attempts}")
        if not gave and new.attempts != old.attempts:
            raise Wrong(f"ledger: tries of held row {old.id} went from {old.attempts} to {new.attempts}")

    def _died(self, old: Row, deed: Deed, now: str) -> None:
        own = deed.what == RUN and old.token in deed.tokens
        if not own and (old.token is None or (old.until or "") > now):
            raise Wrong(f"ledger: row {old.id} ({old.handler}) was buried while held until {old.until}, at {now}")
        if old.mode != "outside" and old.attempts < TRIES:
            raise Wrong(f"ledger: row {old.id} ({old.handler}) died after {old.attempts} tries")

    def _vanished(self, old: Row, deed: Deed) -> None:
        """Done, or a timer taken back."""
        taken_back = old.mode == "one" and old.token is None and not old.dead_at
        if taken_back or (deed.what == REVIVE and old.dead_at):
            return
        if deed.what != RUN or old.token not in deed.tokens or deed.row != old.id:
            raise Wrong(
                f"ledger: row {old.id} ({old.handler}) was settled by {deed.what or 'a call'} without its token"
            )

    def _ran(self, old: Row | None, deed: Deed) -> None:
        """What ran under a living token is done, or is noted as failed; a buried row is nobody's."""
        if deed.what != RUN or deed.died or old is None or old.dead_at or old.token not in deed.tokens:
            return
        if self.rows.get(old.id) == old:
            raise Wrong(f"ledger: row {old.id} ({old.handler}) ran, and is neither done nor waits for another try")

    def _ones(self) -> None:
        """At most one waiting and one taken row of mode one for each (handler, key)."""
        places: set[tuple[str, str, bool]] = set()
        for row in self.rows.values():
            if row.mode != "one" or row.dead_at:
                continue
            place = row.handler, row.key, row.token is None
            if place in places:
                raise Wrong(f"ledger: two rows of {row.handler} for {row.key}")
            places.add(place)
