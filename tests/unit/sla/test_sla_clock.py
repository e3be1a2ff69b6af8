from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from taskhub.calendars import parse, parse_target
from taskhub.sla import (
    Pause,
    SlaClock,
    at_fraction,
    counted,
    counted_time,
    due_at,
    falls_due,
    ledger,
    meet,
    next_look,
    pause,
    record,
    remaining,
    resume,
    retarget,
    state,
    stopping,
    waited,
    warn_at,
    warn_times,
)

OFFICE = parse(
    {
        "tz": "UTC",
        "weekly": {day: ["09:00-17:00"] for day in ["mon", "tue", "wed", "thu", "fri"]},
        "breaks": {"2026-06-03": ["12:00-13:00"]},
        "holidays": ["2026-06-04"],
    },
    key="office",
)


def june(text: str) -> datetime:
    """`01T10:00` is Monday 2026-06-01, ten o'clock."""
    return datetime.fromisoformat(f"2026-06-{text}Z")


def clock(target: str = "4h", ready: str = "01T10:00", **more: object) -> SlaClock:
    return SlaClock("completion", parse_target(target), june(ready), **more)  # type: ignore[arg-type]


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def test_an_ordinary_life() -> None:
    one = clock()
    assert due_at(one, OFFICE) == june("01T14:00")
    assert warn_at(one, OFFICE) == june("01T13:00")
    shown = [state(one, OFFICE, june(at)) for at in ("01T10:00", "01T12:59", "01T13:00", "01T13:59", "01T14:00")]
    assert shown == ["on_track", "on_track", "at_risk", "at_risk", "breached"]
    assert state(meet(one, june("01T13:30")), OFFICE, june("05T10:00")) == "met"
    assert state(meet(one, june("01T14:00")), OFFICE, june("05T10:00")) == "met"
    assert state(meet(one, june("01T14:01")), OFFICE, june("05T10:00")) == "met_late"


def test_what_falls_due_comes_once_and_in_order() -> None:
    one = clock(warn=(0.75, 0.5))
    assert falls_due(one, OFFICE, june("01T11:59")) == ()
    assert next_look(one, OFFICE) == june("01T12:00")
    late = falls_due(one, OFFICE, june("02T10:00"))
    assert late == (("warned", june("01T12:00")), ("warned", june("01T13:00")), ("breached", june("01T14:00")))
    for fall, at in falls_due(one, OFFICE, june("01T12:30")):
        one = record(one, fall, at)
    assert falls_due(one, OFFICE, june("01T12:30")) == ()
    assert next_look(one, OFFICE) == june("01T13:00")
    for fall, at in falls_due(one, OFFICE, june("02T10:00")):
        one = record(one, fall, at)
    assert next_look(one, OFFICE) is None
    assert falls_due(one, OFFICE, june("09T10:00")) == ()


def test_nothing_falls_due_once_met() -> None:
    done = meet(clock(), june("01T11:00"))
    assert next_look(done, OFFICE) is None
    assert falls_due(done, OFFICE, june("09T10:00")) == ()


def test_a_pause_stops_the_clock() -> None:
    one = pause(clock(), june("01T11:00"), "customer", "ana", stops_clock=True)
    assert due_at(one, OFFICE) is None
    assert warn_at(one, OFFICE) is None
    assert next_look(one, OFFICE) is None
    assert state(one, OFFICE, june("03T10:00")) == "paused"
    assert remaining(one, OFFICE, june("01T10:30")) == hours(3.5)
    assert remaining(one, OFFICE, june("03T10:00")) == hours(3)
    assert counted(one, OFFICE, june("03T10:00")) == hours(1)
    assert waited(one, OFFICE, june("02T10:00")) == hours(8)
    again = resume(one, june("02T10:00"))
    assert due_at(again, OFFICE) == june("02T13:00")
    assert warn_at(again, OFFICE) == june("02T12:00")
    assert state(again, OFFICE, june("01T12:00")) == "paused"
    assert state(again, OFFICE, june("02T10:00")) == "on_track"
    assert remaining(again, OFFICE, june("02T12:00")) == hours(1)


def test_a_known_end_of_a_pause_makes_the_due_time_known() -> None:
    one = clock(pauses=(Pause(june("01T11:00"), june("02T10:00"), "customer", "ana"),))
    assert due_at(one, OFFICE) == june("02T13:00")
    assert state(one, OFFICE, june("01T12:00")) == "paused"
    assert remaining(one, OFFICE, june("01T12:00")) == hours(3)


def test_set_aside_runs_on() -> None:
    one = pause(clock(), june("01T11:00"), "set_aside", "ana", stops_clock=False)
    assert due_at(one, OFFICE) == june("01T14:00")
    assert state(one, OFFICE, june("01T12:00")) == "on_track"
    assert state(one, OFFICE, june("01T14:00")) == "breached"
    assert counted(one, OFFICE, june("01T13:00")) == hours(3)


def test_a_pause_after_the_breach_does_not_hide_it() -> None:
    one = pause(clock(), june("01T15:00"), "customer", "ana", stops_clock=True)
    assert due_at(one, OFFICE) == june("01T14:00")
    assert state(one, OFFICE, june("01T16:00")) == "breached"
    assert remaining(one, OFFICE, june("01T14:30")) == hours(-0.5)
    assert remaining(one, OFFICE, june("02T16:00")) == hours(-1)


def test_a_warning_before_a_pause_is_not_lost() -> None:
    one = pause(clock(), june("01T13:30"), "customer", "ana", stops_clock=True)
    assert falls_due(one, OFFICE, june("02T10:00")) == (("warned", june("01T13:00")),)


def test_done_while_paused_is_met() -> None:
    one = meet(pause(clock(), june("01T11:00"), "customer", "ana", stops_clock=True), june("05T16:00"))
    assert one.pauses[0].ends_at == june("05T16:00")
    assert state(one, OFFICE, june("05T16:00")) == "met"
    assert remaining(one, OFFICE, june("09T16:00")) == hours(3)


def test_another_target_keeps_what_was_counted_and_earned() -> None:
    one = resume(pause(clock(), june("01T11:00"), "customer", "ana", stops_clock=True), june("01T13:00"))
    assert due_at(one, OFFICE) == june("01T16:00")
    quicker = retarget(one, parse_target("2h"))
    assert due_at(quicker, OFFICE) == june("01T14:00")
    slower = retarget(one, parse_target("8h"), warn=(0.5,))
    assert due_at(slower, OFFICE) == june("02T12:00")
    assert warn_at(slower, OFFICE) == june("01T16:00")
    for changed in (quicker, slower):
        assert counted(changed, OFFICE, june("01T13:30")) == counted(one, OFFICE, june("01T13:30")) == hours(1.5)


def test_a_later_due_time_may_be_breached_again() -> None:
    one = record(clock(), "breached", june("01T14:00"))
    assert falls_due(retarget(one, parse_target("3h"), warn=()), OFFICE, june("05T10:00")) == ()
    slower = retarget(one, parse_target("5h"), warn=())
    assert state(slower, OFFICE, june("01T14:30")) == "on_track"
    assert falls_due(slower, OFFICE, june("05T10:00")) == (("breached", june("01T15:00")),)


def test_an_explicit_due_time_is_moved_by_nothing() -> None:
    one = clock(explicit_due_at=june("02T12:00"), warn=(0.5,))
    one = pause(one, june("01T11:00"), "customer", "ana", stops_clock=True)
    assert due_at(one, OFFICE) == june("02T12:00")
    assert stopping(one) == []
    assert warn_at(one, OFFICE) == june("01T15:00")
    assert remaining(one, OFFICE, june("02T10:00")) == hours(2)
    assert due_at(retarget(one, parse_target("4h")), OFFICE) is None
    bare = SlaClock("first_start", None, june("01T10:00"), explicit_due_at=june("01T09:00"))
    assert warn_times(bare, OFFICE) == ()
    assert state(bare, OFFICE, june("01T10:00")) == "breached"


def test_day_targets_warn_by_open_time() -> None:
    one = clock("1 working day, end of day")
    assert due_at(one, OFFICE) == june("02T17:00")
    assert at_fraction(one, OFFICE, 0.5) == june("02T09:30")
    assert at_fraction(one, OFFICE, 1) == june("02T17:00")
    assert at_fraction(one, OFFICE, 1.2) == june("03T12:00")


def test_a_promise_without_open_time_is_divided_by_real_time() -> None:
    one = clock("1 working day, 09:00", ready="06T09:00", warn=(0.5,))
    assert due_at(one, OFFICE) == june("08T09:00")
    assert warn_at(one, OFFICE) == june("07T09:00")


def test_overlapping_pause_rows_count_once() -> None:
    rows = (
        Pause(june("01T11:00"), june("01T13:00"), "customer", "ana"),
        Pause(june("01T12:00"), june("01T14:00"), "customer", "bob"),
        Pause(june("01T14:00"), june("01T14:00"), "customer", "bob"),
        Pause(june("01T12:30"), june("01T15:00"), "set_aside", "bob", stops_clock=False),
    )
    one = clock(pauses=rows)
    assert stopping(one) == [(june("01T11:00"), june("01T14:00"))]
    assert due_at(one, OFFICE) == june("02T09:00").replace(day=1, hour=17)
    entries = ledger(one, OFFICE, june("01T17:00"))
    assert [(one.text, one.length) for one in entries] == [
        ("open", hours(1)),
        ("paused: customer by ana", hours(2)),
        ("paused: customer by bob", hours(1)),
        ("open: set_aside by bob", hours(1)),
        ("open", hours(2)),
    ]
    assert counted_time(entries) == counted(one, OFFICE, june("01T17:00")) == hours(4)


def test_the_ledger_explains_every_stretch() -> None:
    one = pause(clock("20h", ready="02T16:00"), june("02T16:30"), "customer", "ana", stops_clock=True)
    one = pause(resume(one, june("03T10:00")), june("05T09:00"), "third_party", "ana", stops_clock=True)
    entries = ledger(one, OFFICE, june("05T18:00"))
    assert [(entry.starts_at, entry.counted, entry.text) for entry in entries] == [
        (june("02T16:00"), True, "open"),
        (june("02T16:30"), False, "paused: customer by ana"),
        (june("02T17:00"), False, "closed"),
        (june("03T09:00"), False, "paused: customer by ana"),
        (june("03T10:00"), True, "open"),
        (june("03T12:00"), False, "break"),
        (june("03T13:00"), True, "open"),
        (june("03T17:00"), False, "closed"),
        (june("04T00:00"), False, "holiday"),
        (june("05T00:00"), False, "closed"),
        (june("05T09:00"), False, "paused: third_party by ana"),
        (june("05T17:00"), False, "closed"),
    ]
    assert entries[-1].ends_at == june("05T18:00")
    assert counted_time(entries) == counted(one, OFFICE, june("05T18:00")) == hours(6.5)


def test_the_ledger_ends_when_the_promise_is_met() -> None:
    assert ledger(meet(clock(), june("01T12:00")), OFFICE, june("05T12:00"))[-1].ends_at == june("01T12:00")
    assert ledger(clock(), OFFICE, june("01T09:00")) == ()


def test_clocks_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="needs a target"):
        SlaClock("completion", None, june("01T10:00"))
    with pytest.raises(ValueError, match="between 0 and 1"):
        clock(warn=(1.5,))
    with pytest.raises(ValueError, match="between 0 and 1"):
        replace(clock(), warn=(0.0,))
