from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from taskhub.calendars import PauseProblem, due_after, elapsed_with, open_time, parse, preview

OFFICE = parse({"tz": "UTC", "weekly": {day: ["09:00-17:00"] for day in ["mon", "tue", "wed", "thu", "fri"]}}, key="o")


def june(text: str) -> datetime:
    """`01T10:00` is Monday 2026-06-01, ten o'clock."""
    return datetime.fromisoformat(f"2026-06-{text}Z")


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


@pytest.mark.parametrize(
    ("start", "budget", "pauses", "due"),
    [
        ("01T09:00", 4, [], "01T13:00"),
        ("01T09:00", 4, [("01T10:00", "01T11:00")], "01T14:00"),
        ("01T09:00", 4, [("01T13:00", "01T15:00")], "01T13:00"),
        ("01T09:00", 4, [("01T12:00", "02T10:00")], "02T11:00"),
        ("01T09:00", 4, [("01T18:00", "01T20:00")], "01T13:00"),
        ("01T15:00", 4, [("01T18:00", "02T08:00")], "02T11:00"),
        ("01T09:00", 4, [("01T12:00", "01T12:30"), ("01T10:00", "01T11:00")], "01T14:30"),
        ("01T09:00", 4, [("01T10:00", "01T11:00"), ("01T11:00", "01T12:00")], "01T15:00"),
        ("01T09:00", 4, [("01T08:00", "01T10:00")], "01T14:00"),
        ("01T09:00", 4, [("01T06:00", "01T07:00")], "01T13:00"),
        ("01T09:00", 4, [("01T10:00", "01T10:00")], "01T13:00"),
        ("01T09:00", 4, [("01T10:00", None)], None),
        ("01T09:00", 4, [("01T13:00", None)], "01T13:00"),
        ("01T09:00", 4, [("01T10:00", "01T11:00"), ("01T13:30", None)], None),
        ("01T09:00", 0, [("01T09:00", "01T10:00")], "01T10:00"),
        ("01T09:00", 0, [("01T09:00", "01T18:00")], "02T09:00"),
        ("01T09:00", 0, [("01T08:00", None)], None),
        ("01T08:00", 0, [("01T09:00", None)], None),
        ("01T08:00", 0, [("01T09:30", None)], "01T09:00"),
    ],
)
def test_due_time_with_pauses(start: str, budget: float, pauses: list[tuple[str, str | None]], due: str | None) -> None:
    spans = [(june(begin), june(end) if end else None) for begin, end in pauses]
    found = due_after(OFFICE, june(start), hours(budget), spans)
    assert found == (june(due) if due else None)
    shown = preview(OFFICE, june(start), hours(budget), spans)
    assert shown.due_at == found
    served = sum((one.length for one in shown.intervals if one.counted), timedelta())
    if found:
        assert served == hours(budget)
        assert open_time(OFFICE, june(start), found, spans) == hours(budget)
    else:
        assert shown.intervals[-1].ends_at is None
        assert shown.intervals[-1].why == "paused"
        assert served < hours(budget) or not budget


def test_the_preview_explains_each_interval() -> None:
    shown = preview(OFFICE, june("01T16:00"), hours(3), [(june("01T16:30"), june("02T10:00"))])
    assert [(one.starts_at, one.ends_at, one.counted, one.why) for one in shown.intervals] == [
        (june("01T16:00"), june("01T16:30"), True, "open"),
        (june("01T16:30"), june("01T17:00"), False, "paused"),
        (june("01T17:00"), june("02T09:00"), False, "closed"),
        (june("02T09:00"), june("02T10:00"), False, "paused"),
        (june("02T10:00"), june("02T12:30"), True, "open"),
    ]
    assert shown.due_at == june("02T12:30")


def test_elapsed_with_pauses() -> None:
    pauses = [(june("01T10:00"), june("01T11:00")), (june("02T16:00"), None)]
    found = elapsed_with(OFFICE, june("01T09:00"), june("03T12:00"), pauses)
    assert found.elapsed == hours(7 + 7)
    assert found.elapsed == open_time(OFFICE, june("01T09:00"), june("03T12:00"), pauses)
    assert found.intervals[0].starts_at == june("01T09:00")
    assert found.intervals[-1].ends_at == june("03T12:00")
    assert all(one.ends_at == two.starts_at for one, two in pairwise(found.intervals))


@pytest.mark.parametrize(
    ("pauses", "path"),
    [
        ([("01T10:00", "01T12:00"), ("01T11:00", "01T13:00")], "pauses[1]"),
        ([("01T11:00", "01T13:00"), ("01T10:00", "01T12:00")], "pauses[0]"),
        ([("01T10:00", None), ("01T11:00", "01T13:00")], "pauses[1]"),
        ([("01T10:00", None), ("01T11:00", None)], "pauses[1]"),
        ([("01T10:00", "01T09:00")], "pauses[0]"),
    ],
)
def test_pauses_that_cannot_be(pauses: list[tuple[str, str | None]], path: str) -> None:
    spans = [(june(begin), june(end) if end else None) for begin, end in pauses]
    with pytest.raises(PauseProblem) as caught:
        preview(OFFICE, june("01T09:00"), hours(1), spans)
    assert caught.value.problems[0][0] == path


def test_naive_pauses_are_refused() -> None:
    naive = june("01T10:00").replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        preview(OFFICE, june("01T09:00"), hours(1), [(naive, june("01T11:00"))])
    with pytest.raises(ValueError, match="time zone"):
        elapsed_with(OFFICE, june("01T09:00"), june("01T10:00"), [(june("01T09:00"), naive)])


def test_instants_come_out_in_utc() -> None:
    assert all(one.starts_at.tzinfo is UTC for one in OFFICE.segments(june("01T09:00"), june("02T09:00")))
