"""Two calendars in a row keep the laws of one: nothing is counted twice, nothing lost, whatever the instant between."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from taskhub.calendars import BusinessCalendar, CalendarNeverOpens, Spliced, agree
from tests.property.test_calendars import calendars, few, instants

Drawn = tuple[BusinessCalendar, date]
BUDGETS = st.integers(1, 4 * 1440).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def moments(draw: st.DrawFn, around: date, count: int) -> list[datetime]:
    """So many instants near a date, in order."""
    return sorted(draw(instants(around)) for _ in range(count))


@few
@given(calendars(), calendars(), st.data())
def test_sums_are_sums_of_both(one: Drawn, other: Drawn, data: st.DataObject) -> None:
    begin, until, end = data.draw(moments(one[1], 3))
    row = Spliced(one[0], until, other[0])
    assert row.elapsed(begin, end) == one[0].elapsed(begin, until) + other[0].elapsed(until, end)
    pieces = list(row.segments(begin, end))
    assert sum((piece.length for piece in pieces if piece.counted), timedelta()) == row.elapsed(begin, end)
    if begin < end:
        assert (pieces[0].starts_at, pieces[-1].ends_at) == (begin, end)
    assert all(a.ends_at == b.starts_at and a.why != b.why for a, b in pairwise(pieces))


@few
@given(calendars(), calendars(), BUDGETS, st.data())
def test_adding_is_the_inverse_of_measuring(one: Drawn, other: Drawn, budget: timedelta, data: st.DataObject) -> None:
    start, until = data.draw(moments(one[1], 2))
    row = Spliced(one[0], until, other[0])
    try:
        found = row.add(start, budget)
    except CalendarNeverOpens:
        assume(False)
    assert row.elapsed(start, found) == budget
    assert row.elapsed(start, found - timedelta.resolution) < budget


@few
@given(calendars(), BUDGETS, st.data())
def test_a_calendar_followed_by_itself_is_itself(one: Drawn, budget: timedelta, data: st.DataObject) -> None:
    calendar, around = one
    begin, until, end = data.draw(moments(around, 3))
    row = Spliced(calendar, until, calendar)
    assert agree(calendar, row, begin, end)
    assert list(row.segments(begin, end)) == list(calendar.segments(begin, end))
    assert row.business_date(begin) == calendar.business_date(begin)
    try:
        assert row.add(begin, budget) == calendar.add(begin, budget)
        assert row.next_opening(begin) == calendar.next_opening(begin)
    except CalendarNeverOpens:
        assume(False)


@few
@given(calendars(), calendars(), st.data())
def test_calendars_that_agree_need_no_lap(one: Drawn, other: Drawn, data: st.DataObject) -> None:
    begin, until, end = data.draw(moments(one[1], 3))
    row = Spliced(one[0], until, other[0])
    same = agree(one[0], other[0], begin, until)
    if same:
        assert row.elapsed(begin, end) == other[0].elapsed(begin, end)
