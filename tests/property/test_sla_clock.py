"""Laws of SLA clocks: nothing early, nothing twice, nothing lost, and a ledger that adds up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from taskhub.calendars import parse, parse_target
from taskhub.sla import (
    SlaClock,
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
)

OFFICE = parse(
    {
        "tz": "Europe/Paris",
        "weekly": {
            **{day: ["09:00-12:00", "13:00-17:00"] for day in ["mon", "tue", "wed", "thu"]},
            "fri": ["09:00-12:00", "22:00-04:00"],
            "sat": ["22:00-06:00"],
        },
        "holidays": ["2026-03-25"],
        "breaks": {"2026-03-27": ["09:30-10:00"]},
        "special_dates": {"2026-03-24": ["09:00-12:00"]},
    },
    key="office",
)
TARGETS = [
    "30m",
    "4h",
    "20h",
    "1 working day, end of day",
    "2 working days, 18:00",
    "same day if in before 15:00",
    "last working day of the month, 17:00",
]
START = datetime(2026, 3, 22, tzinfo=UTC)

targets = st.sampled_from(TARGETS).map(parse_target)
instants = st.integers(0, 10 * 1440).map(lambda minutes: START + timedelta(minutes=minutes))


@st.composite
def clocks(draw: st.DrawFn) -> SlaClock:
    """A clock with pauses that happened one after the other; the last may be open."""
    moments = sorted(draw(st.sets(instants, min_size=1, max_size=6)))
    clock = SlaClock("completion", draw(targets), moments[0], warn=draw(st.sampled_from([(), (0.75,), (0.5, 0.9)])))
    for index, at in enumerate(moments[1:]):
        stops = draw(st.booleans())
        clock = resume(clock, at) if index % 2 else pause(clock, at, "customer", "ana", stops_clock=stops)
    return clock


@given(clocks(), instants)
def test_the_ledger_adds_up(clock: SlaClock, now: datetime) -> None:
    entries = ledger(clock, OFFICE, now)
    assert counted_time(entries) == counted(clock, OFFICE, now)
    assert sum((one.length for one in entries), timedelta()) == max(now - clock.ready_at, timedelta())
    assert all(one.ends_at == two.starts_at for one, two in pairwise(entries))


@given(clocks(), st.lists(instants, max_size=12))
def test_everything_falls_due_once_in_order_and_never_early(clock: SlaClock, looks: list[datetime]) -> None:
    at_once = falls_due(clock, OFFICE, max(looks, default=START))
    seen = []
    for now in sorted(looks):
        for fall, at in falls_due(clock, OFFICE, now):
            assert at <= now
            seen.append((fall, at))
            clock = record(clock, fall, at)
        following = next_look(clock, OFFICE)
        assert following is None or following > now
    assert tuple(seen) == at_once
    assert [at for _, at in seen] == sorted(at for _, at in seen)


@given(clocks(), instants)
def test_states_agree_with_the_due_time(clock: SlaClock, now: datetime) -> None:
    due, shown = due_at(clock, OFFICE), state(clock, OFFICE, now)
    assert (shown == "breached") == (due is not None and due <= now)
    left = remaining(clock, OFFICE, now)
    assert left <= timedelta() if shown == "breached" else left >= timedelta()
    assert state(meet(clock, now), OFFICE, now) in {"met", "met_late"}


@given(clocks(), targets)
def test_another_target_keeps_the_counted_time(clock: SlaClock, target: object) -> None:
    changed = retarget(clock, target)  # type: ignore[arg-type]
    now = START + timedelta(days=10)
    assert counted(changed, OFFICE, now) == counted(clock, OFFICE, now)
    assert retarget(changed, clock.target) == clock


@given(clocks(), st.integers(1, 3000))
def test_a_longer_pause_is_never_due_earlier(clock: SlaClock, minutes: int) -> None:
    if not clock.pauses or clock.pauses[-1].ends_at is not None:
        return
    opened = clock.pauses[-1].starts_at
    sooner, later = (resume(clock, opened + timedelta(minutes=count)) for count in (minutes, minutes + 30))
    first, last = due_at(sooner, OFFICE), due_at(later, OFFICE)
    assert first is not None
    assert last is not None
    assert first <= last
