"""Laws of business time, and agreement with a slow oracle that looks at every single minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from taskhub.calendars import WEEKDAYS, BusinessCalendar, CalendarNeverOpens, Opening, elapsed_with, open_time
from taskhub.calendars.openings import overlaps

# A zone and the local dates around which its clocks do something.
CHANGES = [
    ("Europe/Paris", date(2026, 3, 29)),
    ("Europe/Paris", date(2026, 10, 25)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/St_Johns", date(2026, 3, 8)),
    ("America/St_Johns", date(2010, 11, 7)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("America/Havana", date(2026, 11, 1)),
    ("America/Nuuk", date(2026, 3, 29)),
    ("Africa/Cairo", date(2026, 4, 24)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Pacific/Kwajalein", date(1993, 8, 21)),
    ("Asia/Kathmandu", date(2026, 2, 28)),
    ("UTC", date(2028, 2, 29)),
]
MINUTE = timedelta(minutes=1)
SPAN_DAYS = 4
few = settings(max_examples=max(8, settings.default.max_examples // 3))


@st.composite
def openings(draw: st.DrawFn, *, overnight: bool = True, most: int = 3) -> list[Opening]:
    """Openings of one day, none overlapping; ends on the quarter hour so that they meet often."""
    found: list[Opening] = []
    for _ in range(draw(st.integers(0, most))):
        opens = draw(st.integers(0, 95)) * 15
        closes = opens + draw(st.integers(1, 95)) * 15
        one = Opening(opens, closes if overnight else min(closes, 1440))
        if not overlaps([*found, one]):
            found.append(one)
    return found


@st.composite
def calendars(draw: st.DrawFn) -> tuple[BusinessCalendar, date]:
    """A calendar and the date around which it is interesting."""
    tz, around = draw(st.sampled_from(CHANGES))
    days = st.integers(-3, 3).map(lambda offset: around + timedelta(days=offset))
    week = draw(st.lists(openings(), min_size=1, max_size=2))
    calendar = BusinessCalendar(
        "drawn",
        tz,
        {day: week[index % len(week)] for index, day in enumerate(WEEKDAYS)},
        draw(st.dictionaries(days, openings(), max_size=2)),
        frozenset(draw(st.sets(days, max_size=2))),
        draw(st.dictionaries(days, openings(overnight=False, most=2), max_size=2)),
    )
    return calendar, around


def instants(around: date) -> st.SearchStrategy[datetime]:
    middle = datetime(around.year, around.month, around.day, tzinfo=UTC)
    return st.integers(-SPAN_DAYS * 1440, SPAN_DAYS * 1440).map(lambda minutes: middle + minutes * MINUTE)


budgets = st.one_of(
    st.integers(0, 40).map(lambda quarters: quarters * 15 * MINUTE),
    st.timedeltas(timedelta(), timedelta(days=30)),
)


def add(calendar: BusinessCalendar, start: datetime, budget: timedelta) -> datetime:
    """The due time; calendars that run dry are no examples."""
    try:
        return calendar.add(start, budget)
    except CalendarNeverOpens:
        assume(False)
        raise


@given(st.data(), calendars(), budgets)
def test_adding_gives_the_budget_back(data: st.DataObject, drawn: tuple[BusinessCalendar, date], b: timedelta) -> None:
    calendar, around = drawn
    start = data.draw(instants(around))
    due = add(calendar, start, b)
    assert due >= start
    assert calendar.elapsed(start, due) == b
    # No instant before it will do, nor does an opening pass unused.
    assert not b or calendar.elapsed(start, due - timedelta(microseconds=1)) == b - timedelta(microseconds=1)
    assert b or calendar.is_open(due)


@given(st.data(), calendars(), budgets, budgets)
def test_splitting_a_budget_changes_nothing(
    data: st.DataObject, drawn: tuple[BusinessCalendar, date], a: timedelta, b: timedelta
) -> None:
    """Except that nothing, added to a budget used up at closing time, waits for the next opening."""
    calendar, around = drawn
    start = data.draw(instants(around))
    first = add(calendar, start, a)
    both = add(calendar, first, b)
    whole = add(calendar, start, a + b)
    if b or not a:
        assert both == whole
    else:
        assert both == calendar.next_opening(whole)


@given(st.data(), calendars(), budgets, budgets)
def test_later_starts_and_larger_budgets_are_never_due_earlier(
    data: st.DataObject, drawn: tuple[BusinessCalendar, date], a: timedelta, b: timedelta
) -> None:
    calendar, around = drawn
    start, other = sorted((data.draw(instants(around)), data.draw(instants(around))))
    assert add(calendar, start, a) <= add(calendar, other, a)
    # A zero budget may be due later than a small one: it waits for an opening, not for the end of an hour served.
    small, large = sorted((a, b))
    assert add(calendar, start, small) <= add(calendar, start, large)


@given(st.data(), calendars(), budgets)
def test_sub_is_the_latest_start(data: st.DataObject, drawn: tuple[BusinessCalendar, date], b: timedelta) -> None:
    calendar, around = drawn
    end = data.draw(instants(around))
    try:
        start = calendar.sub(end, b)
    except CalendarNeverOpens:
        assume(False)
        raise
    assert calendar.elapsed(start, end) == b
    tick = timedelta(microseconds=1)
    assert start == end if not b else calendar.elapsed(start + tick, end) == b - tick
    assert not b or calendar.is_open(start)
    assert not b or add(calendar, start, b) <= end


@given(st.data(), calendars())
def test_explanations_fill_the_time_and_add_up(data: st.DataObject, drawn: tuple[BusinessCalendar, date]) -> None:
    calendar, around = drawn
    begin, end, first, last = sorted(data.draw(instants(around)) for _ in range(4))
    intervals = list(calendar.segments(begin, end))
    edges = [begin, *(one.ends_at for one in intervals)]
    assert edges == [*(one.starts_at for one in intervals), end]
    assert sum((one.length for one in intervals if one.counted), timedelta()) == calendar.elapsed(begin, end)
    assert all(calendar.is_open(one.starts_at) == one.counted for one in intervals)
    found = elapsed_with(calendar, begin, last, [(end, first)])
    assert found.elapsed == open_time(calendar, begin, last, [(end, first)])
    assert found.elapsed == calendar.elapsed(begin, end) + calendar.elapsed(first, last)


@few
@given(st.data(), calendars(), st.integers(0, 600))
def test_the_oracle_of_minutes_agrees(data: st.DataObject, drawn: tuple[BusinessCalendar, date], minutes: int) -> None:
    calendar, around = drawn
    limit = SPAN_DAYS * 1440
    served = {one for one in _minutes(calendar, around) if -limit <= one < limit}
    first = data.draw(st.integers(-limit, limit - 1))
    last = data.draw(st.integers(first, limit - 1))
    start, end = _middle(around) + first * MINUTE, _middle(around) + last * MINUTE
    assert [calendar.is_open(start), calendar.is_open(end)] == [first in served, last in served]
    assert calendar.elapsed(start, end) == sum(first <= one < last for one in served) * MINUTE
    ahead = sorted(one for one in served if one >= first)
    if 0 < minutes <= len(ahead):
        assert calendar.add(start, minutes * MINUTE) == start + (ahead[minutes - 1] + 1 - first) * MINUTE
    if ahead:
        assert calendar.next_opening(start) == start + (ahead[0] - first) * MINUTE


def _middle(around: date) -> datetime:
    return datetime(around.year, around.month, around.day, tzinfo=UTC)


@lru_cache
def _readings(tz: str, around: date) -> tuple[dict[datetime, int], dict[datetime, int]]:
    """The first minute, counted from the middle, at which clocks show a reading; and for readings left out, the minute
    they move on to."""
    zone, half = ZoneInfo(tz), (SPAN_DAYS + 5) * 1440
    shown = [
        (_middle(around) + minute * MINUTE).astimezone(zone).replace(tzinfo=None, fold=0)
        for minute in range(-half, half)
    ]
    first: dict[datetime, int] = {}
    moved: dict[datetime, int] = {}
    for minute, (reading, following) in enumerate(pairwise(shown), -half):
        first.setdefault(reading, minute)
        for missing in range(1, (following - reading) // MINUTE):
            moved[reading + missing * MINUTE] = minute + missing
    return first, moved


def _minutes(calendar: BusinessCalendar, around: date) -> set[int]:
    """The open minutes, by the words of the design read one after the other."""
    first, moved = _readings(calendar.tz, around)

    def at(day: date, minute: int) -> int:
        reading = datetime(day.year, day.month, day.day) + minute * MINUTE  # noqa: DTZ001 - what clocks show
        return first[reading] if reading in first else moved[reading]

    days = [around + timedelta(days=offset) for offset in range(-SPAN_DAYS - 2, SPAN_DAYS + 3)]
    shown = {reading.date() for reading in first}
    closed = {day for day in days if day in calendar.holidays and day not in calendar.special_dates}
    served: set[int] = set()
    for day in days:
        if day in shown and day not in closed:
            usual = calendar.weekly[WEEKDAYS[day.weekday()]]
            for one in calendar.special_dates.get(day, usual):
                served.update(range(at(day, one.opens), at(day, one.closes)))
    for day in days:
        shut = [*calendar.breaks.get(day, ()), *([Opening(0, 1440)] if day in closed else [])]
        midnight = at(day, 1440)
        for one in shut if day in shown else []:
            # A break belongs to its date, also where its end is moved on by a gap.
            served.difference_update(range(at(day, one.opens), min(at(day, one.closes), midnight)))
    return served
