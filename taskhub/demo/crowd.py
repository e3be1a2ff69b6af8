"""Everybody at once: a thread for each person and one for the events, on the demo's clock."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from taskhub.clock import real_now
from taskhub.demo.feed import Feed

TICK = 0.5
SHORTEST = 0.25
FULL = 40
MINUTE = 60.0

log = logging.getLogger(__name__)


class Person(Protocol):
    """Somebody who acts: ``step`` does one thing and returns the minutes until the next."""

    key: str

    def step(self) -> float: ...


class Crowd:
    """Runs until ``stop`` is set. ``speed`` turns the demo's minutes into real seconds."""

    def __init__(
        self, workers: Sequence[Person], feed: Feed, speed: float, now: Callable[[], datetime], stop: threading.Event
    ) -> None:  # fmt: skip
        self._workers = workers
        self._feed = feed
        self._speed = speed
        self._now = now
        self._stop = stop
        self._threads: list[threading.Thread] = []
        self._posted: deque[tuple[datetime, int]] = deque(maxlen=400)
        self.waiting = 0
        self.events = 0

    def start(self) -> None:
        """Everybody begins."""
        self._threads = [threading.Thread(target=self._tell, name="demo-feed", daemon=True)]
        self._threads += [
            threading.Thread(target=self._live, args=(worker,), name=f"demo-{worker.key}", daemon=True)
            for worker in self._workers
        ]
        for thread in self._threads:
            thread.start()

    def join(self, timeout: float) -> None:
        """Waits until everybody has put down what they hold in their hands."""
        for thread in self._threads:
            thread.join(timeout)

    def events_per_minute(self, real: datetime) -> float:
        """How many events came in during the last real minute."""
        recent = [(at, count) for at, count in self._posted if (real - at).total_seconds() <= MINUTE]
        return float(sum(count for _, count in recent))

    def note(self, real: datetime, count: int) -> None:
        """So many events were taken in just now."""
        self.events += count
        self._posted.append((real, count))

    def _live(self, worker: Person) -> None:
        while not self._stop.is_set():
            try:
                minutes = worker.step()
            except Exception:
                log.exception("%s does not know what to do", worker.key)
                minutes = MINUTE
            if self._stop.wait(max(SHORTEST, minutes * MINUTE / self._speed)):
                return

    def _tell(self) -> None:
        while not self._stop.wait(TICK):
            try:
                sent = self._feed.step(self._now(), room=self.waiting < FULL)
            except Exception:
                log.exception("the story stops for a moment")
                continue
            if sent:
                self.note(real_now(), sent)
