"""What this process has counted and timed since it started: for Prometheus, which adds up the processes.

Thread-safe, a microsecond a call. A place is a metric's name and its labels' values, in the order of the metric's
family. Labels that a sender could choose cannot fill the memory: beyond MOST places of a metric all go to ``other``.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Mapping

Place = tuple[str, ...]

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
MOST = 500
OTHER = "other"


class Tally:
    """Counters only rise; a histogram is its counts per bound (the last for what is above all of them) and its sum."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Place, float] = {}
        self._spreads: dict[Place, list[float]] = {}
        self._places: dict[str, int] = {}

    def count(self, place: Place, by: float = 1) -> None:
        """Raises a counter."""
        with self._lock:
            if place not in self._counts:
                place = self._admitted(place)
                self._counts.setdefault(place, 0)
            self._counts[place] += by

    def observe(self, place: Place, seconds: float) -> None:
        """Adds one duration to a histogram."""
        with self._lock:
            spread = self._spreads.get(place)
            if spread is None:
                spread = self._spreads.setdefault(self._admitted(place), [0.0] * (len(BOUNDS) + 2))
            spread[bisect_left(BOUNDS, seconds)] += 1
            spread[-1] += seconds

    def counts(self) -> Mapping[Place, float]:
        """Every counter as it stands."""
        with self._lock:
            return dict(self._counts)

    def spreads(self) -> Mapping[Place, tuple[list[float], float]]:
        """Every histogram: how many within each bound and above all, and the sum of seconds."""
        with self._lock:
            return {place: (spread[:-1], spread[-1]) for place, spread in self._spreads.items()}

    def _admitted(self, place: Place) -> Place:
        name, *labels = place
        known = self._places.get(name, 0)
        if known >= MOST:
            return (name, *[OTHER] * len(labels))
        self._places[name] = known + 1
        return place
