from datetime import datetime

import pytest

from taskhub.calendars import CalendarNeverOpens, PauseProblem, parse, parse_target
from taskhub.sla import due

WORKDAYS = ["mon", "tue", "wed", "thu", "fri"]
CALENDARS = {
    "office": parse(
        {
            "tz": "Europe/Paris",
            "weekly": {day: ["09:00-17:00"] for day in WORKDAYS},
            "holidays": ["2026-12-25"],
            "special_dates": {"2026-12-24": ["09:00-12:00"]},
        },
        key="office",
    ),
    "nights": parse({"tz": "Europe/Paris", "weekly": {day: ["22:00-06:00"] for day in WORKDAYS}}, key="nights"),
}


def local(text: str | None) -> datetime | None:
    """`12-24T10:00` of 2026 in Paris."""
    summer = text and "03-29" <= text[:5] < "10-25"
    return text and datetime.fromisoformat(f"2026-{text}{'+02:00' if summer else '+01:00'}")  # type: ignore[return-value]


# 2026-06-01 is a Monday, 2026-12-24 a Thursday with early closing, 2026-12-25 a holiday.
@pytest.mark.parametrize(
    ("target", "ready", "expected"),
    [
        ("4h", "06-01T10:00", "06-01T14:00"),
        ("4h", "06-01T15:00", "06-02T11:00"),
        ("2 working days, end of day", "06-01T10:00", "06-03T17:00"),
        ("2 working days, 12:00", "06-01T10:00", "06-03T12:00"),
        ("2 working days, 20:00", "06-01T10:00", "06-03T20:00"),
        ("2 working days, end of day", "06-04T10:00", "06-08T17:00"),
        ("2 working days, end of day", "06-05T10:00", "06-09T17:00"),
        ("2 working days, end of day", "06-05T19:00", "06-09T17:00"),
        ("2 working days, end of day", "06-06T10:00", "06-09T17:00"),
        ("1 working day, end of day", "12-23T10:00", "12-24T12:00"),
        ("2 working days, end of day", "12-23T10:00", "12-28T17:00"),
        ("1 working day, 17:00", "10-23T10:00", "10-26T17:00"),
        ("same day if in before 15:00", "06-01T14:59", "06-01T17:00"),
        ("same day if in before 15:00", "06-01T15:00", "06-02T17:00"),
        ("same day if in before 15:00", "06-01T06:00", "06-01T17:00"),
        ("same day if in before 15:00", "06-05T16:00", "06-08T17:00"),
        ("same day if in before 15:00", "06-06T10:00", "06-08T17:00"),
        ("same day if in before 15:00", "12-24T11:00", "12-24T12:00"),
        ("same day if in before 15:00", "12-24T13:00", "12-28T17:00"),
        ("last working day of the month, 17:00", "06-01T10:00", "06-30T17:00"),
        ("last working day of the month, 16:00", "05-29T15:00", "05-29T16:00"),
        ("last working day of the month, 16:00", "05-29T16:00", "06-30T16:00"),
        ("last working day of the month, end of day", "05-30T10:00", "06-30T17:00"),
        ("last working day of the month, 17:00", "12-24T13:00", "12-31T17:00"),
    ],
)
def test_due_times(target: str, ready: str, expected: str) -> None:
    assert due(parse_target(target), CALENDARS["office"], local(ready)) == local(expected)


@pytest.mark.parametrize(
    ("target", "ready", "expected"),
    [
        ("1 working day, end of day", "06-01T23:00", "06-03T06:00"),
        ("1 working day, end of day", "06-02T05:00", "06-03T06:00"),
        ("1 working day, end of day", "06-02T07:00", "06-04T06:00"),
        ("1 working day, 01:00", "06-02T02:00", "06-03T01:00"),
        ("same day if in before 23:30", "06-01T23:00", "06-02T06:00"),
        ("same day if in before 23:30", "06-02T01:00", "06-03T06:00"),
        ("last working day of the month, end of day", "06-30T23:00", "07-01T06:00"),
        ("last working day of the month, end of day", "07-01T05:00", "07-01T06:00"),
        ("last working day of the month, end of day", "07-01T06:00", "08-01T06:00"),
    ],
)
def test_a_night_shift_is_the_day_it_starts(target: str, ready: str, expected: str) -> None:
    assert due(parse_target(target), CALENDARS["nights"], local(ready)) == local(expected)


@pytest.mark.parametrize(
    ("target", "pauses", "expected"),
    [
        ("4h", [("06-01T11:00", "06-01T12:00")], "06-01T15:00"),
        ("2 working days, end of day", [("06-02T09:00", "06-02T17:00")], "06-04T17:00"),
        ("2 working days, end of day", [("06-02T09:00", "06-02T12:00")], "06-04T12:00"),
        ("2 working days, end of day", [("06-02T18:00", "06-03T08:00")], "06-03T17:00"),
        ("2 working days, end of day", [("06-03T17:00", "06-04T17:00")], "06-03T17:00"),
        ("2 working days, end of day", [("05-29T09:00", "06-01T11:00")], "06-04T10:00"),
        ("2 working days, end of day", [("05-28T09:00", "05-29T11:00")], "06-03T17:00"),
        ("2 working days, 18:00", [("06-03T17:30", "06-03T17:45")], "06-03T18:00"),
        ("2 working days, 18:00", [("06-03T17:30", "06-03T19:00")], "06-03T19:00"),
        ("2 working days, 18:00", [("06-02T10:00", "06-02T11:00")], "06-04T10:00"),
        ("2 working days, end of day", [("06-02T09:00", None)], None),
        ("2 working days, end of day", [("06-03T17:00", None)], "06-03T17:00"),
    ],
)
def test_pauses_move_the_due_time(target: str, pauses: list[tuple[str, str | None]], expected: str | None) -> None:
    spans = [(local(begin), local(end)) for begin, end in pauses]
    found = due(parse_target(target), CALENDARS["office"], local("06-01T10:00"), spans)
    assert found == local(expected)


def test_overlapping_pauses_are_refused() -> None:
    spans = [(local("06-01T10:00"), local("06-01T12:00")), (local("06-01T11:00"), None)]
    for target in ("4h", "1 working day, end of day"):
        with pytest.raises(PauseProblem):
            due(parse_target(target), CALENDARS["office"], local("06-01T10:00"), spans)


def test_no_working_day_ahead_is_an_error() -> None:
    once = parse({"tz": "UTC", "special_dates": {"2026-01-05": ["09:00-10:00"]}}, key="once")
    for target in ("1 working day, end of day", "same day if in before 15:00", "last working day of the month, 17:00"):
        with pytest.raises(CalendarNeverOpens):
            due(parse_target(target), once, local("06-01T10:00"))
