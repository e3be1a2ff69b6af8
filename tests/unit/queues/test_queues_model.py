"""What holds of a queue at an instant, and what may be asked of it."""

from datetime import UTC, datetime, timedelta

import pytest

from taskhub.calendars import WEEKDAYS, BusinessCalendar, Opening
from taskhub.errors import InvalidInput
from taskhub.policy.work import Staffing
from taskhub.queues import model
from taskhub.queues.model import Held, Period, State, Switch
from taskhub.testing.organisation import queue

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
MORNING, AFTERNOON, THURSDAY = map(Opening.parse, ("09:00-13:00", "14:00-17:00", "09:00-12:00"))
SPLIT = BusinessCalendar("split", "UTC", {"mon": [MORNING, AFTERNOON], "thu": [THURSDAY]})
ALWAYS = BusinessCalendar("always", "Europe/Paris", {day: [Opening.parse("00:00-24:00")] for day in WEEKDAYS})


def switch(id_: str, at: datetime, name: str | None = "rotating", strategy: str | None = None) -> Switch:
    return Switch(id_, "desk", name, strategy, {"teams": ["x"]} if name else {}, {}, at, NOON, "me")


def period(begin: int, end: int, hours: float) -> Period:
    return Period(f"{begin}", "desk", "me", NOON + begin * HOUR, NOON + end * HOUR, NOON, hours * 3600)


def test_the_newest_switch_whose_time_has_come_holds() -> None:
    every = [switch("a", NOON - HOUR), switch("b", NOON), switch("c", NOON + HOUR)]
    assert model.holding(every[::-1], NOON) is every[1]
    assert model.holding(every, NOON + HOUR) is every[2]
    assert model.holding(every, NOON - 2 * HOUR) is None
    assert model.holding([switch("b", NOON), switch("a", NOON)], NOON).id == "b"  # type: ignore[union-attr]


def test_what_a_switch_leaves_out_is_the_files() -> None:
    file = Staffing("dedicated", {"team": "a"}, "round_robin", {"x": 1})
    plain = model.staffing_of(file, {"model": "rotating", "params": {"teams": ["b"]}})
    assert plain == Staffing("rotating", {"teams": ["b"]}, "round_robin", {"x": 1})
    own = model.staffing_of(file, {"model": "rotating", "params": {}, "strategy": "least_loaded"})
    assert (own.strategy, own.strategy_params) == ("least_loaded", {})
    assert model.staffing_of(file, {"model": None}) is model.staffing_of(file, {}) is file


def test_a_queue_nothing_was_said_of_is_its_file() -> None:
    file = queue()
    assert model.as_served(file, Held(None, State("desk"))) == file
    assert model.as_served(file, Held(switch("a", NOON, None), State("desk"))) == file


def test_file_and_person_stop_a_queue_alike() -> None:
    now = model.as_served(queue(closed=True), Held(None, State("desk", paused=True)))
    assert (now.closed, now.paused) == (True, True)


def test_of_several_periods_the_longest_counts_while_it_holds() -> None:
    every = [period(0, 2, 1), period(1, 3, 4)]
    ahead = [model.ahead_of(every, NOON + n * HOUR) for n in range(-1, 4)]
    assert ahead == [timedelta(), HOUR, 4 * HOUR, 4 * HOUR, timedelta()]


@pytest.mark.parametrize(
    ("calendar", "now", "begins"),
    [
        (SPLIT, NOON, NOON + 2 * HOUR),  # inside the morning: the afternoon
        (SPLIT, NOON + HOUR, NOON + 2 * HOUR),  # in the break
        (SPLIT, NOON + 2 * HOUR, datetime(2026, 3, 5, 9, tzinfo=UTC)),  # exactly at an opening: the one after
        (SPLIT, NOON + 9 * HOUR, datetime(2026, 3, 5, 9, tzinfo=UTC)),
        (ALWAYS, NOON, datetime(2026, 3, 2, 23, tzinfo=UTC)),  # never closes: local midnight
    ],
)
def test_the_next_shift_is_the_next_opening_that_begins(
    calendar: BusinessCalendar, now: datetime, begins: datetime
) -> None:
    assert model.next_shift(calendar, now) == begins


def test_spans_that_cannot_be_are_refused_by_name() -> None:
    for begin, end, code in (
        (None, NOON, "ends_before_begin"), (NOON + HOUR, NOON + HOUR, "ends_before_begin"),
        (NOON - HOUR, NOON + HOUR, "from_in_past"), (None, NOON + 367 * 24 * HOUR, "too_far_ahead"),
        (NOON + 367 * 24 * HOUR, NOON + 368 * 24 * HOUR, "too_far_ahead"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            model.span(begin, end, NOON)
        assert refused.value.stable_code == code
    assert model.span(None, NOON + HOUR, NOON) == (NOON, NOON + HOUR)


def test_spans_that_only_touch_do_not_overlap() -> None:
    every = [period(0, 2, 1)]
    assert model.overlapping(every, NOON + 2 * HOUR, NOON + 3 * HOUR) is None
    assert model.overlapping(every, NOON - HOUR, NOON) is None
    assert model.overlapping(every, NOON + HOUR, NOON + 3 * HOUR) == "0"
