"""The clock of one machine may be set back; taskhub's time may not. For SQLite, whose only clock that is."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

from taskhub.clock import real_now
from taskhub.db.interruption import Interrupted

BACK = timedelta(seconds=2)

log = logging.getLogger(__name__)


class Steady:
    """Time that stands still while the clock catches up. Thread-safe; it knows what this process has seen.

    >>> steady, noon = Steady(), datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> steady.at(noon), steady.at(noon - timedelta(seconds=1)) == noon
    (datetime.datetime(2026, 3, 2, 12, 0, tzinfo=datetime.timezone.utc), True)
    """

    def __init__(self) -> None:
        self._last = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()
        self._alarmed = False

    def at(self, real: datetime) -> datetime:
        """``real``, or the latest instant seen. Raises Interrupted when the clock went back by more than 2 s."""
        with self._lock:
            if self._last - real > BACK:
                real = self._again(real)
            self._alarmed = False
            self._last = max(self._last, real)
            return self._last

    def _again(self, real: datetime) -> datetime:
        """A thread that lay still since it read the clock has an old instant in hand; a clock set back stays back."""
        again = max(real, real_now())
        if self._last - again > BACK:
            raise self._alarm(self._last - again)
        return again

    def _alarm(self, back: timedelta) -> Interrupted:
        told = (
            f"This machine's clock went back by {back.total_seconds():.0f} s. Nothing is done until it has caught up, "
            "for deadlines would move. Set it right, or restart taskhub to go on from the new time."
        )
        if not self._alarmed:
            log.error(told)
        self._alarmed = True
        return Interrupted(told, lost=True, retry_after=min(back.total_seconds(), 60), code="clock_went_back")
