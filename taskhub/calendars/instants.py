"""Aware datetimes as whole microseconds since 1970 in UTC, and local clock readings as instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
MINUTES_A_DAY = 1440

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL = EPOCH.toordinal()
# An offset may push a local reading over the edge of what datetime can hold; nothing opens on these days.
FIRST_ORDINAL = date.min.toordinal() + 3
LAST_ORDINAL = date.max.toordinal() - 3


def in_utc(value: datetime) -> datetime:
    """The same instant in UTC; ValueError when `value` is naive or outside the years UTC can hold."""
    if value.tzinfo is UTC:
        return value
    if value.utcoffset() is None:
        raise ValueError(f"{value.isoformat()} has no time zone")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value.isoformat()} is outside the years 1 to 9999 in UTC") from None


def to_micros(value: datetime) -> int:
    """Microseconds since 1970; ValueError as in_utc."""
    return (in_utc(value) - EPOCH) // timedelta.resolution


def to_instant(micros: int) -> datetime:
    """The aware UTC datetime of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=micros)


def local_reading(zone: ZoneInfo, ordinal: int, minute: int) -> int:
    """The instant at which the clocks of `zone` show `minute` minutes after midnight of that date.

    A reading that does not exist moves forward by the gap, one that exists twice means its first occurrence:
    both are what the offset in force *before* the change gives. `minute` may reach into the following date.
    """
    wall = (ordinal - EPOCH_ORDINAL) * DAY + minute * MINUTE
    if not FIRST_ORDINAL <= ordinal <= LAST_ORDINAL:
        return wall
    days, rest = divmod(minute, MINUTES_A_DAY)
    shown = datetime.fromordinal(ordinal + days).replace(hour=rest // 60, minute=rest % 60, tzinfo=zone)
    offset = shown.utcoffset() or timedelta()
    return wall - (offset.days * 86_400 + offset.seconds) * SECOND
