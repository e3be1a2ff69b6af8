from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhub.calendars import BusinessCalendar, Opening, OpenTime
from taskhub.escalation import ladder
from taskhub.escalation.ladder import Facts, Fired
from taskhub.escalation.record import Promise
from taskhub.policy.policies import Policies
from taskhub.policy.promise import EscalationPolicy, SlaPolicy, Step
from taskhub.sla import Pause, SlaClock

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
OFFICE = BusinessCalendar(
    "office", "UTC", {day: [Opening.parse("09:00-17:00")] for day in ("mon", "tue", "wed", "thu", "fri")}
)
HOUR = timedelta(hours=1)


def facts(budget: timedelta = 8 * HOUR, *pauses: Pause, paused_at: datetime | None = None) -> Facts:
    return Facts(SlaClock("completion", OpenTime(budget), MONDAY, pauses=pauses), OFFICE, paused_at)


def policy(*steps: Step) -> EscalationPolicy:
    return EscalationPolicy("late", steps)


def test_a_fraction_counts_open_time_unless_the_file_says_wall_time() -> None:
    business, wall = Step(at_fraction=1.5), Step(at_fraction=1.5, business_time=False)
    assert ladder.first_due(business, facts()) == datetime(2026, 1, 6, 13, tzinfo=UTC)
    assert ladder.first_due(wall, facts()) == datetime(2026, 1, 5, 21, tzinfo=UTC)


def test_overdue_for_counts_from_the_due_time() -> None:
    assert ladder.first_due(Step(overdue_for=timedelta()), facts()) == datetime(2026, 1, 5, 17, tzinfo=UTC)
    assert ladder.first_due(Step(overdue_for=2 * HOUR), facts()) == datetime(2026, 1, 6, 11, tzinfo=UTC)
    wall = Step(overdue_for=2 * HOUR, business_time=False)
    assert ladder.first_due(wall, facts()) == datetime(2026, 1, 5, 19, tzinfo=UTC)


def test_a_pause_that_stops_the_clock_holds_what_is_to_come_but_not_what_was_due() -> None:
    noon = MONDAY + 3 * HOUR
    paused = facts(8 * HOUR, Pause(noon, None, "customer", "ana"))
    assert ladder.first_due(Step(at_fraction=0.25), paused) == MONDAY + 2 * HOUR
    assert ladder.first_due(Step(at_fraction=0.5), paused) is None
    assert ladder.first_due(Step(overdue_for=HOUR), paused) is None
    set_aside = facts(8 * HOUR, Pause(noon, None, "set_aside", "ana", stops_clock=False))
    assert ladder.first_due(Step(at_fraction=0.5), set_aside) == MONDAY + 4 * HOUR


def test_paused_for_counts_the_pause_itself() -> None:
    paused = facts(8 * HOUR, Pause(MONDAY, None, "customer", "ana"), paused_at=MONDAY)
    assert ladder.first_due(Step(paused_for=10 * HOUR), paused) == datetime(2026, 1, 6, 11, tzinfo=UTC)
    assert ladder.first_due(Step(paused_for=10 * HOUR, business_time=False), paused) == MONDAY + 10 * HOUR
    assert ladder.first_due(Step(paused_for=HOUR), facts()) is None


def test_each_pause_has_its_own_steps() -> None:
    """Fired in an earlier pause, a step falls due anew in the next one; within one pause it fires once."""
    step = policy(Step(paused_for=2 * HOUR))
    first = facts(paused_at=MONDAY)
    (due,) = ladder.rungs(step, {}, first)
    assert (due.repetition, due.due_at) == (0, MONDAY + 2 * HOUR)
    fired = {(0, 0): Fired(due.due_at, due.due_at)}
    assert ladder.rungs(step, fired, first) == []
    (again,) = ladder.rungs(step, fired, facts(paused_at=MONDAY + 4 * HOUR))
    assert (again.repetition, again.due_at) == (1, MONDAY + 6 * HOUR)
    fired[0, 1] = Fired(again.due_at, again.due_at)
    assert ladder.rungs(step, fired, facts(paused_at=MONDAY + 4 * HOUR)) == []


def test_the_earliest_step_is_next_whatever_its_place_in_the_file() -> None:
    steps = policy(Step(overdue_for=HOUR), Step(at_fraction=0.5), Step(at_fraction=1.0))
    assert [rung.step for rung in ladder.rungs(steps, {}, facts())] == [1, 2, 0]
    fired = {(1, 0): Fired(MONDAY, MONDAY)}
    found = ladder.next_step(steps, fired, facts())
    assert found is not None
    assert (found.step, found.repetition, found.due_at) == (2, 0, datetime(2026, 1, 5, 17, tzinfo=UTC))


def test_repetitions_keep_their_rhythm_and_an_outage_is_not_made_up_for() -> None:
    steps = policy(Step(overdue_for=timedelta(), repeat_every=4 * HOUR, business_time=False))
    due = MONDAY + 8 * HOUR
    on_time = ladder.next_step(steps, {(0, 0): Fired(due, due + timedelta(seconds=1))}, facts())
    assert on_time is not None
    assert (on_time.repetition, on_time.due_at) == (1, due + 4 * HOUR)
    late = due + timedelta(days=3)
    after = ladder.next_step(steps, {(0, 0): Fired(due, late)}, facts())
    assert after is not None
    assert (after.repetition, after.due_at) == (1, late + 4 * HOUR)


def test_a_due_time_moved_out_holds_repetitions_back_too() -> None:
    steps = policy(Step(overdue_for=timedelta(), repeat_every=HOUR))
    fired = {(0, 0): Fired(MONDAY + 8 * HOUR, MONDAY + 8 * HOUR)}
    found = ladder.next_step(steps, fired, facts(16 * HOUR))
    assert found is not None
    assert found.due_at == datetime(2026, 1, 6, 17, tzinfo=UTC)


def test_work_opened_again_has_a_promise_of_its_own_where_that_moves_the_step() -> None:
    """Half of the open time was used up before it lay done; half of the wall time is reached only afterwards."""
    half, wall = Step(at_fraction=0.5), Step(at_fraction=0.5, business_time=False)
    steps, done = policy(half, wall), MONDAY + 5 * HOUR
    fired = {(rung.step, 0): record_of(rung) for rung in ladder.rungs(steps, {}, facts())}
    assert ladder.rungs(steps, fired, facts(8 * HOUR, Pause(done, done + HOUR, "customer", "ana"))) == []
    (again,) = ladder.rungs(steps, fired, facts(8 * HOUR, Pause(done, done + HOUR, "completed", "ana")))
    assert (again.step, again.repetition) == (1, 1)
    assert again.due_at > done + HOUR


def test_a_clock_that_began_anew_has_its_own_steps() -> None:
    steps = policy(Step(overdue_for=timedelta()))
    fired = {(0, 0): record_of(ladder.rungs(steps, {}, facts(HOUR))[0])}
    later = replace(facts(HOUR), clock=SlaClock("completion", OpenTime(HOUR), MONDAY + 4 * HOUR))
    (again,) = ladder.rungs(steps, fired, later)
    assert (again.repetition, again.due_at) == (1, MONDAY + 5 * HOUR)
    fired[0, 1] = record_of(again)
    assert ladder.rungs(steps, fired, later) == []


def test_what_fired_under_a_pause_fires_again_for_a_date_that_was_given_since() -> None:
    steps = policy(Step(overdue_for=timedelta()))
    due = MONDAY + HOUR
    held = facts(HOUR, Pause(due, None, "customer", "ana"))
    fired = {(0, 0): Fired(due, due, "late", "overdue_for=0s", Promise(None, given=False, kind=""))}
    assert ladder.rungs(steps, fired, held) == []
    friday = MONDAY + timedelta(days=4)
    given = replace(held, clock=SlaClock("completion", OpenTime(HOUR), MONDAY, explicit_due_at=friday))
    (again,) = ladder.rungs(steps, fired, given)
    assert (again.repetition, again.due_at) == (1, friday)
    # Time that a pause has moved is nobody's new date.
    resumed = facts(HOUR, Pause(due - HOUR / 2, due + HOUR, "customer", "ana"))
    assert ladder.rungs(steps, fired, resumed) == []


def record_of(rung: ladder.Rung) -> Fired:
    return Fired(rung.due_at, rung.due_at, "late", rung.mark, rung.promise)


def test_a_met_clock_has_no_ladder() -> None:
    done = facts()
    met = replace(done, clock=replace(done.clock, met_at=MONDAY))
    assert ladder.next_step(policy(Step(at_fraction=0.5)), {}, met) is None


def test_a_task_finds_its_ladder_by_its_sla_policy() -> None:
    late = policy(Step(at_fraction=1.0))
    target = OpenTime(HOUR)
    policies = Policies(
        "h", sla={"quick": SlaPolicy("quick", target, escalation="late"), "plain": SlaPolicy("plain", target)},
        escalations={"late": late},
    )  # fmt: skip
    assert ladder.policy_of(policies, "quick") is late
    assert [ladder.policy_of(policies, sla) for sla in ("plain", "gone", None)] == [None, None, None]


WAITS = st.integers(1, 40).map(lambda quarters: quarters * timedelta(minutes=15))
REPEATS = st.one_of(st.none(), WAITS)
STEPS = st.one_of(
    st.builds(Step, at_fraction=st.floats(0.05, 3), business_time=st.booleans(), repeat_every=REPEATS),
    st.builds(Step, overdue_for=WAITS, business_time=st.booleans(), repeat_every=REPEATS),
)
LOOKS = st.lists(st.integers(0, 14 * 24 * 4), min_size=1, max_size=25, unique=True).map(sorted)
PAUSES = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=2)


@given(steps=st.lists(STEPS, min_size=1, max_size=5), looks=LOOKS, pauses=PAUSES)
def test_never_early_each_once_and_in_due_order(
    steps: list[Step], looks: list[int], pauses: list[tuple[int, int]]
) -> None:
    spans = [Pause(MONDAY + at * HOUR, MONDAY + (at + length) * HOUR, "customer", "ana") for at, length in pauses]
    known, ladder_of = facts(8 * HOUR, *spans), policy(*steps)
    fired: dict[tuple[int, int], Fired] = {}
    for quarter in looks:
        now = MONDAY + quarter * timedelta(minutes=15)
        due = ladder.due_steps(ladder_of, fired, known, now)
        assert [rung.due_at for rung in due] == sorted(rung.due_at for rung in due)
        assert len({rung.step for rung in due}) == len(due)
        for rung in due:
            first = ladder.first_due(steps[rung.step], known)
            assert first is not None
            assert first <= rung.due_at <= now
            assert (rung.step, rung.repetition) not in fired
            assert rung.repetition == 0 or (rung.step, rung.repetition - 1) in fired
            fired[rung.step, rung.repetition] = Fired(rung.due_at, now)
        upcoming = ladder.next_step(ladder_of, fired, known)
        assert upcoming is None or upcoming.due_at > now
    last = MONDAY + looks[-1] * timedelta(minutes=15)
    passed = [i for i, step in enumerate(steps) if (at := ladder.first_due(step, known)) is not None and at <= last]
    assert {step for step, _ in fired} == set(passed)


@pytest.mark.parametrize("business", [True, False])
def test_a_watch_without_gaps_and_one_look_at_the_end_fire_the_same_steps(business: bool) -> None:
    steps = [Step(at_fraction=f, business_time=business) for f in (0.5, 0.75, 1.0, 1.25)]
    known, end = facts(), MONDAY + timedelta(days=4)
    at_once = ladder.due_steps(policy(*steps), {}, known, end)
    fired: dict[tuple[int, int], Fired] = {}
    watched = []
    while rung := ladder.next_step(policy(*steps), fired, known):
        fired[rung.step, rung.repetition] = Fired(rung.due_at, rung.due_at)
        watched.append(rung)
    assert watched == at_once
