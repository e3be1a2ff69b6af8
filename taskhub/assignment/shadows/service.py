"""A shadow over a long time: begun by a call, worked off piece by piece by workers, read with its progress meanwhile.

A piece is read in one short transaction, thought through outside of any, and written in another. Where a run stands is
stored with what it has found, so a worker that dies costs one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from taskhub.assignment import serving
from taskhub.assignment.codec import moment, to_moment
from taskhub.assignment.installed import plugins
from taskhub.assignment.queries import past
from taskhub.assignment.shadow import (
    Shown,
    asked_of,
    claimed,
    ends_of,
    passed,
    refuse_ahead,
    settings_of,
)  # fmt: skip
from taskhub.assignment.shadowing import Asked, Shadow
from taskhub.assignment.shadows import store
from taskhub.assignment.shadows.facts import as_shown, shown_facts
from taskhub.assignment.shadows.store import Run as Run  # noqa: PLC0414  what callers read
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.errors import Conflict, NotFound, TaskhubError
from taskhub.ids import new_id
from taskhub.policy.work import Staffing

TOPIC = "shadow.asked"
MOST_OPEN = 5
SHOWN = 20
KEPT_FOR, DAY = timedelta(days=30), timedelta(days=1)
PASSES, CLAIMS = "passes", "claims"


def begin(tx: Tx, queue: str, staffing: Staffing, since: datetime) -> Run:
    """Begins a run. Raises what ``shadow`` raises, and Conflict while as many as may be are under way."""
    found = asked_of(tx, queue, staffing)
    refuse_ahead(tx, since)
    if store.open_runs(tx, tx.now - DAY) >= MOST_OPEN:
        raise Conflict(f"{MOST_OPEN} shadows are under way already. Wait until one has ended.", code="too_many_runs")
    total = past.count_passes(tx, {found.turn_key}, since) + past.count_claims(tx, [queue], since)
    asked = {name: getattr(staffing, name) for name in Staffing.__slots__}
    new = Run(new_id(), queue, tx.by.label, tx.now, since, tx.now, asked, 0, total, None, None, None, None)
    store.add(tx, new)
    store.forget(tx, tx.now - KEPT_FOR)
    tx.record("shadow", new.id, "begin", {"queue": queue, "since": since.isoformat()})
    tx.emit(TOPIC, new.id, {"step": 0})
    return new


def get(tx: Tx, queue: str, id_: str) -> Run:
    """One run of a queue. Raises NotFound."""
    found = store.get(tx, id_)
    if found is None or found.queue != queue:
        raise NotFound(f"Queue {queue!r} has no shadow {id_[:64]!r}; ended ones are kept for {KEPT_FOR.days} days.")
    return found


def of_queue(tx: Tx, queue: str) -> list[Run]:
    """The newest runs of a queue."""
    return store.of_queue(tx, queue, SHOWN)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one piece came to: how many passes and claims, where to go on (None: it is done), or why it cannot."""

    done: int
    state: Mapping[str, Any] | None
    result: Mapping[str, Any]
    error: str | None = None


class WorkOff:
    """Handles ``shadow.asked``: one piece of one run."""

    def prepare(self, tx: Tx, row: Taken) -> Callable[[], Piece] | None:
        """Reads the next piece."""
        run = store.get(tx, row.key)
        if run is None or not _is_next(run, row):
            return None
        state = run.state or {"step": 0, "phase": PASSES, "after": None, "shown": None, "ghost": None}
        try:
            queue = asked_of(tx, run.queue, Staffing(**run.asked))
        except TaskhubError as refused:  # the policies have changed meanwhile
            return partial(Piece, run.done, None, {}, refused.message)
        served = {queue.key: serving.served(queue, plugins(), switch=Staffing(**run.asked))}
        ghost = Shadow(served, plugins(), staffing_only=True, settings=settings_of(tx, served))
        if state["ghost"] is not None:
            ghost.restore(state["ghost"])
        shown = as_shown(state["shown"]) if state["shown"] is not None else Shown(run.since, run.until)
        walk = _Walk(run, ghost, shown, dict(state))
        return walk.passes(tx, queue.turn_key) if state["phase"] == PASSES else walk.claims(tx, served)

    def finish(self, tx: Tx, row: Taken, result: Piece) -> None:
        """Writes what the piece came to, and goes on unless somebody else has."""
        run = store.get(tx, row.key, lock=True)
        if run is None or not _is_next(run, row):
            return
        if result.state is not None:
            done = {"done": result.done, "total": max(run.total, result.done)}
            store.save(tx, run.id, {**done, "state": dict(result.state)})
            tx.emit(TOPIC, run.id, {"step": result.state["step"]})
            return
        ended = {"done": result.done, "state": None, "result": dict(result.result) or None, "ended_at": tx.now}
        store.save(tx, run.id, {**ended, "total": max(run.total, result.done), "error": result.error})
        tx.record("shadow", run.id, "end", {"queue": run.queue, "error": result.error})


def _is_next(run: Run, row: Taken) -> bool:
    step = run.state["step"] if run.state is not None else 0
    return run.ended_at is None and row.payload["step"] == step


@dataclass(slots=True)
class _Walk:
    """One piece of a run under way."""

    run: Run
    ghost: Shadow
    shown: Shown
    state: dict[str, Any]

    def passes(self, tx: Tx, rotation: str) -> Callable[[], Piece]:
        """The next passes; behind the last of them come the claims."""
        after = self.state["after"]
        first = after or past.first_pass(tx, self.run.since)
        rows = past.passes_from(tx, first, self.run.until, past.CHUNK, after=after is not None) if first else []
        mine = [row.id for row in rows if rotation in row.rotation.split(",")]
        stored = past.passes(tx, mine)
        more = {"after": rows[-1].id} if len(rows) == past.CHUNK else {"phase": CLAIMS, "after": None}
        return partial(
            self._think, partial(passed, self.ghost, stored, ends_of(tx, stored), self.shown), len(mine), more
        )

    def claims(self, tx: Tx, served: Mapping[str, Any]) -> Callable[[], Piece]:
        """The next claims."""
        after = self.state["after"]
        place = (to_moment(after[0]), after[1]) if after else None
        rows = past.claims_since(tx, list(served), self.run.since, place, past.CHUNK)
        kept = [row for row in rows if row.at <= self.run.until]
        asked = list(claimed(tx, kept, served, self.shown, staffing_only=True))
        more = {"after": [moment(rows[-1].at), rows[-1].id]} if len(kept) == past.CHUNK else None
        return partial(self._think, lambda: iter(asked), len(kept), more)

    def _think(self, asked: Callable[[], Any], count: int, more: Mapping[str, Any] | None) -> Piece:
        one: Asked
        for one in asked():
            self.shown.count(one)
        facts = shown_facts(self.shown)
        if more is None:
            return Piece(self.run.done + count, None, facts)
        step = {"step": self.state["step"] + 1, "shown": facts, "ghost": self.ghost.state()}
        state = {**self.state, **more, **step}
        return Piece(self.run.done + count, state, facts)
