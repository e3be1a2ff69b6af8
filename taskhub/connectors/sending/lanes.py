"""One delivery at a time for each receiver: one that hangs holds up itself, and no neighbour.

Who comes while it is busy is sent away with a place of its own, as long as the last delivery took behind the one
before, so that a thousand of them do not all come back at once. Whoever has not come back after ``STUCK`` has lost it.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from taskhub.db.handler import NotYet

SHORTEST, LONGEST = 0.05, 60.0  # seconds
STUCK = 600.0  # seconds; a thread that hangs longer was given up long ago
FASTER = 2  # so many times faster than before: what waits need not keep its old places


@dataclass(slots=True)
class _Lane:
    turn: int | None = None  # whose it is
    since: float = 0.0
    took: float = SHORTEST
    free_at: float = 0.0


class Lanes:
    """Thread-safe; those of one process. ``clock`` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane] = {}
        self._turns = itertools.count(1)

    @contextmanager
    def of(self, receiver: str) -> Iterator[None]:
        """The block runs alone for its receiver. Raises NotYet, with the wait, while another does."""
        turn = self._enter(receiver)
        try:
            yield
        finally:
            self._leave(receiver, turn)

    def _enter(self, receiver: str) -> int:
        with self._lock:
            lane, now = self._lanes.setdefault(receiver, _Lane()), self._clock()
            if lane.turn is not None and now - lane.since < STUCK:
                # Whoever was sent away so far comes back sooner than its place, and is given another.
                place = lane.free_at if now < lane.free_at <= now + LONGEST else now
                lane.free_at = place + lane.took
                raise NotYet(timedelta(seconds=min(lane.free_at - now, LONGEST)))
            turn = next(self._turns)
            lane.turn, lane.since = turn, now
            return turn

    def _leave(self, receiver: str, turn: int) -> None:
        with self._lock:
            lane, now = self._lanes[receiver], self._clock()
            if lane.turn != turn:
                return  # it was too long: another has it by now
            took = max(now - lane.since, SHORTEST)
            if took * FASTER < lane.took:
                lane.free_at = now
            lane.turn, lane.took = None, took
