"""Two implementations and answers worked out by hand agree; the intervals of every ledger add up."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from taskhub.calendars import parse_duration
from taskhub.sla import counted, counted_time, due_at, ledger, state, stopping, warn_at
from tests.unit.sla import stepping
from tests.unit.sla.case import CALENDARS, SPECS, Case
from tests.unit.sla.cases_promises import PROMISES
from tests.unit.sla.cases_time import TIME
from tests.unit.sla.stepping import Row, Stepper, instant_of, minute_of

CASES = (*TIME, *PROMISES)
STEPPERS = {key: Stepper(spec) for key, spec in SPECS.items()}
LATER = timedelta(hours=30)


def name(case: Case) -> str:
    return f"{case.calendar}: {case.how}"


def row(case: Case) -> Row:
    return Row([(minute_of(case.at(until)), STEPPERS[key]) for until, key in case.laps], STEPPERS[case.calendar])


def spans(case: Case) -> list[stepping.Span]:
    """The pauses in minutes, those that overlap as one; none under a date given by hand."""
    return [(minute_of(begin), None if end is None else minute_of(end)) for begin, end in stopping(case.clock)]


def test_there_are_enough_of_them_and_none_twice() -> None:
    assert len(CASES) >= 120
    assert len({(name(case), case.ready, case.target) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_due_as_worked_out_by_hand(case: Case) -> None:
    assert due_at(case.clock, CALENDARS[case.calendar]) == case.at(case.due)
    if case.warned:
        assert warn_at(case.clock, CALENDARS[case.calendar]) == case.at(case.warned)


@pytest.mark.parametrize("case", [case for case in CASES if case.given is None], ids=name)
def test_counting_minute_by_minute_comes_to_the_same(case: Case) -> None:
    found = stepping.due(case.clock.target, row(case), minute_of(case.at(case.ready)), spans(case))
    assert (None if found is None else instant_of(found)) == case.at(case.due)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_intervals_add_up(case: Case) -> None:
    clock, calendar = case.clock, CALENDARS[case.calendar]
    until = max(due_at(clock, calendar) or clock.ready_at, clock.ready_at) + LATER
    entries = ledger(clock, calendar, until)
    ends = until if clock.met_at is None else clock.met_at
    assert (entries[0].starts_at, entries[-1].ends_at) == (clock.ready_at, ends)
    assert all(before.ends_at == after.starts_at for before, after in pairwise(entries))
    assert all(entry.length > timedelta() for entry in entries)
    assert sum((entry.length for entry in entries), timedelta()) == ends - clock.ready_at
    assert counted_time(entries) == counted(clock, calendar, until)
    minutes = stepping.counted(row(case), minute_of(clock.ready_at), minute_of(ends), spans(case))
    assert counted_time(entries) == timedelta(minutes=minutes)


SHOWN = [(case, *shown) for case in CASES for shown in case.shown]


@pytest.mark.parametrize(("case", "at", "word", "length"), SHOWN, ids=[f"{name(one[0])} {one[1]}" for one in SHOWN])
def test_what_is_shown(case: Case, at: str, word: str, length: str) -> None:
    now: datetime = case.at(at)
    calendar = CALENDARS[case.calendar]
    assert state(case.clock, calendar, now) == word
    assert counted(case.clock, calendar, now) == parse_duration(length)
