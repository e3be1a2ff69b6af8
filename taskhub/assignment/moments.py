"""Since when: an instant, or so long ago."""

from __future__ import annotations

from datetime import datetime, timedelta

from taskhub.calendars.durations import parse_duration
from taskhub.errors import InvalidInput
from taskhub.events.times import read_instant

DEFAULT = timedelta(days=7)
FURTHEST = timedelta(days=366)


def moment_since(text: str | None, now: datetime) -> datetime:
    """``7d`` and ``36h`` count back from ``now``; an RFC 3339 time stands for itself. At most a year back.

    Raises InvalidInput.

    >>> from datetime import UTC
    >>> moment_since("36h", datetime(2026, 3, 3, 12, tzinfo=UTC)).isoformat()
    '2026-03-02T00:00:00+00:00'
    """
    if text is None:
        return now - DEFAULT
    try:
        at = read_instant(text) if "T" in text.upper() else now - parse_duration(text)
    except (ValueError, OverflowError):
        message = f"{text[:40]!r} is neither a duration such as 7d or 36h nor a time such as 2026-01-31T09:00:00Z"
        raise InvalidInput(f"since: {message}.", errors=[{"path": "since", "message": message}]) from None
    if not now - FURTHEST <= at < now:
        message = "must lie in the past, at most 366 days back"
        raise InvalidInput(f"since {message}.", errors=[{"path": "since", "message": message}])
    return at
