"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class SetClock:
    """taskhub's time is ``now``, whatever the database says; waits are added to it."""

    def __init__(self, now: datetime = MONDAY) -> None:
        self.now = now

    def at(self, real: datetime) -> datetime:
        return self.now

    def after(self, real: datetime, wait: timedelta) -> datetime:
        return self.now + wait

    def forward(self, **span: float) -> datetime:
        """Moves time on, by keyword arguments of timedelta; returns the new now."""
        self.now += timedelta(**span)
        return self.now
