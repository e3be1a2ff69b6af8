"""Durations and targets as people write them, and the dates they mean."""

from datetime import UTC, date, datetime, timedelta

import pytest

from taskhub.calendars import (
    MonthEnd,
    OpenTime,
    SameDay,
    WorkingDays,
    first_working_day,
    format_duration,
    last_working_day,
    month_begun,
    months_begun,
    parse,
    parse_duration,
    parse_target,
    working_day_after,
    working_day_from,
)

OFFICE = parse(
    {
        "tz": "Europe/Paris",
        "weekly": {day: ["09:00-17:00"] for day in ["mon", "tue", "wed", "thu", "fri"]},
        "holidays": ["2026-05-01", "2027-01-01"],
    },
    key="office",
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("15m", 900),
        ("90m", 5400),
        ("4h", 14400),
        ("1h30m", 5400),
        ("1H 30M", 5400),
        ("14d", 1209600),
        ("1d2h3m4s", 93784),
        ("0m", 0),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)
    assert parse_duration(format_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", " ", "4", "h", "-4h", "4.5h", "30m1h", "4h4h", "1w", "9999999h", "٤h"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_durations_are_written_shortest() -> None:
    assert format_duration(timedelta(minutes=90)) == "1h30m"
    assert format_duration(timedelta(days=2)) == "2d"
    assert format_duration(timedelta(days=2), days=False) == "48h"
    assert format_duration(timedelta()) == "0s"
    assert format_duration(-timedelta(hours=26)) == "-1d2h"
    assert format_duration(-timedelta(microseconds=1)) == "0s"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("4h", OpenTime(timedelta(hours=4))),
        ("1h30m", OpenTime(timedelta(minutes=90))),
        ("2 working days, end of day", WorkingDays(2)),
        ("1 working day, 09:30", WorkingDays(1, 570)),
        ("2  Working Days,17:00", WorkingDays(2, 1020)),
        ("same day if in before 15:00", SameDay(900)),
        ("last working day of the month, 17:00", MonthEnd(1020)),
        ("last working day of the month, end of day", MonthEnd()),
    ],
)
def test_targets(text: str, target: object) -> None:
    assert parse_target(text) == target
    assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tomorrow", "write one of: 4h or 1h30m"),
        ("2 days", "write one of"),
        ("2d", "working days"),
        ("0h", "more than nothing"),
        ("20000h", "at most 10000h"),
        ("0 working days, end of day", "from 1 to 400"),
        ("2 working days, 25:00", "'25:00' is not a time of day"),
        ("same day if in before noon", "'noon' is not a time of day"),
        ("last working day of the month, late", "'late' is not a time of day"),
    ],
)
def test_no_targets(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_target(text)


def test_working_days_are_counted_without_the_first() -> None:
    assert working_day_after(OFFICE, date(2026, 4, 30)) == date(2026, 5, 4)
    assert working_day_after(OFFICE, date(2026, 4, 29), 3) == date(2026, 5, 5)
    assert working_day_from(OFFICE, date(2026, 5, 1)) == date(2026, 5, 4)
    assert working_day_from(OFFICE, date(2026, 5, 4)) == date(2026, 5, 4)


def test_first_and_last_working_day_of_a_month() -> None:
    assert first_working_day(OFFICE, 2026, 5) == date(2026, 5, 4)
    assert last_working_day(OFFICE, 2026, 5) == date(2026, 5, 29)
    assert last_working_day(OFFICE, 2028, 2) == date(2028, 2, 29)
    special = parse({"tz": "UTC", "special_dates": {"2026-05-05": ["09:00-10:00"]}}, key="s")
    assert first_working_day(special, 2026, 6) is None
    assert last_working_day(special, 2026, 4) is None


def test_a_month_begins_when_its_first_working_day_opens() -> None:
    opening = datetime(2027, 1, 4, 8, tzinfo=UTC)
    assert month_begun(OFFICE, opening) == (date(2027, 1, 1), opening)
    assert month_begun(OFFICE, opening - timedelta(seconds=1)) == (
        date(2026, 12, 1),
        datetime(2026, 12, 1, 8, tzinfo=UTC),
    )
    since, until = datetime(2026, 12, 15, tzinfo=UTC), datetime(2027, 4, 1, 6, 59, tzinfo=UTC)
    assert [at.isoformat() for _, at in months_begun(OFFICE, since, until)] == [
        "2027-01-04T08:00:00+00:00",
        "2027-02-01T08:00:00+00:00",
        "2027-03-01T08:00:00+00:00",
    ]
    # in summer time since the last Sunday of March
    assert [month for month, _ in months_begun(OFFICE, until, until + timedelta(minutes=1))] == [date(2027, 4, 1)]


def test_a_month_without_a_working_day_does_not_begin() -> None:
    special = parse({"tz": "UTC", "special_dates": {"2026-05-05": ["09:00-10:00"]}}, key="s")
    assert month_begun(special, datetime(2026, 7, 1, tzinfo=UTC)) == (
        date(2026, 5, 1),
        datetime(2026, 5, 5, 9, tzinfo=UTC),
    )
    assert month_begun(special, datetime(2026, 5, 5, 8, tzinfo=UTC)) is None
