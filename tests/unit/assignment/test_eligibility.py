"""Each filter on its own, and all of them together, in the order in which people should read them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.assignment.decide import decide
from taskhub.assignment.eligibility import covers, may_take_shapes
from taskhub.assignment.model import AgentFacts, Assigned, Loan, QueueFacts, Snapshot, TaskFacts, Waiting
from taskhub.assignment.pull import against
from taskhub.assignment.registry import Plugins, built_ins
from taskhub.assignment.seams import PoolAsk
from taskhub.tasks.shape import Shape

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
DESK = QueueFacts("desk", ("red", "blue"), params={"team": "red"})
SHAPE = Shape.of("desk", "contract", level=2, requires={"language": "de"})
TASK = TaskFacts("t", SHAPE, NOW, NOW, due_at=NOW + 5 * HOUR)
ZOE = AgentFacts("zoe", "red", skills={"contract": 2}, attributes={"language": ["de", "fr"]})


def codes(agent: AgentFacts, task: TaskFacts = TASK, queue: QueueFacts = DESK) -> tuple[str, ...]:
    return against(agent, task, queue, NOW, built_ins())


def test_nothing_against_somebody_fit_and_free() -> None:
    assert codes(ZOE) == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"active": False}, "inactive"),
        ({"team": "blue"}, "not_in_pool"),
        ({"team": "elsewhere"}, "not_in_pool"),
        ({"skills": {}}, "skill_missing"),
        ({"skills": {"contract": 1}}, "skill_too_low"),
        ({"attributes": {"language": "fr"}}, "attribute_missing"),
        ({"attributes": {}}, "attribute_missing"),
        ({"shifts": (("mon", ("12:00-18:00",)),)}, "off_shift"),
        ({"absences": ((NOW - HOUR, NOW + HOUR),)}, "absent"),
        ({"absences": ((NOW + HOUR, NOW + 9 * HOUR),)}, "absent_before_due"),
        ({"presence": "busy"}, "presence_busy"),
        ({"presence": "away"}, "presence_away"),
        ({"presence": "offline", "presence_until": NOW + HOUR}, "presence_offline"),
        ({"presence": "available", "presence_until": NOW}, "presence_offline"),
        ({"held": 3}, "at_capacity"),
        ({"held": 9}, "at_capacity"),
        ({"capacity": 0}, "at_capacity"),
        ({"capacity_minutes": 60.0, "held_minutes": 60.0}, "at_capacity"),
        ({"queue_caps": {"desk": 1}, "held_by_queue": {"desk": 1}}, "at_capacity"),
        ({"held": 1, "ramp_until": NOW + HOUR, "ramp_share": 0.4}, "ramping"),
    ],
)
def test_one_reason(change: dict[str, Any], code: str) -> None:
    assert codes(replace(ZOE, **change)) == (code,)


@pytest.mark.parametrize(
    "change",
    [
        {"absences": ((NOW - 2 * HOUR, NOW),)},
        {"absences": ((NOW + HOUR, NOW + 2 * HOUR),)},  # back before it falls due
        {"presence": "away", "presence_until": NOW},
        {"held": 2},
        {"queue_caps": {"other": 0}},
        {"capacity_minutes": 60.0, "held_minutes": 59.0},
        {"held": 1, "ramp_until": NOW, "ramp_share": 0.1},
        {"team": "elsewhere", "loans": (Loan("desk", NOW - HOUR, NOW + HOUR),)},
    ],
)
def test_no_reason(change: dict[str, Any]) -> None:
    assert codes(replace(ZOE, **change)) == ()


def test_a_loan_ends_by_itself_and_is_for_one_queue() -> None:
    for loan in (
        Loan("desk", NOW - HOUR, NOW),
        Loan("desk", NOW + HOUR, NOW + 2 * HOUR),
        Loan("x", NOW - HOUR, NOW + HOUR),
    ):
        assert codes(replace(ZOE, team="elsewhere", loans=(loan,))) == ("not_in_pool",)


@pytest.mark.parametrize("why", ["declined", "conflict_of_interest", "not_by"])
def test_a_task_may_exclude_a_person(why: str) -> None:
    assert codes(ZOE, replace(TASK, excluded={"zoe": why})) == (why,)
    assert codes(ZOE, replace(TASK, excluded={"max": why})) == ()


def test_overdue_work_is_not_kept_from_people_who_were_away_when_it_fell_due() -> None:
    back = replace(ZOE, absences=((NOW - 9 * HOUR, NOW - HOUR),))
    assert codes(back, replace(TASK, due_at=NOW - 2 * HOUR)) == ()


def test_an_escalation_lets_other_teams_in() -> None:
    wider = replace(TASK, shape=SHAPE._replace(extra_teams=("elsewhere",)))
    assert codes(replace(ZOE, team="elsewhere"), wider) == ()
    assert codes(replace(ZOE, team="elsewhere"), wider, replace(DESK, paused=True)) == ("queue_paused",)


def test_a_paused_queue_gives_nothing_and_still_knows_its_people() -> None:
    paused = replace(DESK, paused=True)
    assert codes(ZOE, queue=paused) == ("queue_paused",)
    assert codes(replace(ZOE, team="elsewhere"), queue=paused) == ("not_in_pool",)


def test_what_holds_longest_comes_first() -> None:
    worst = replace(ZOE, active=False, team="x", skills={}, attributes={}, presence="away", held=3)
    assert codes(worst) == (
        "inactive", "presence_away", "not_in_pool", "attribute_missing", "skill_missing", "at_capacity",
    )  # fmt: skip
    assert codes(replace(ZOE, skills={}, presence="busy", held=3)) == ("skill_missing", "presence_busy", "at_capacity")


@pytest.mark.parametrize(
    ("has", "wanted", "met"),
    [
        ("de", "de", True),
        (None, "de", False),
        (["de", "fr"], "fr", True),
        ("de", ("de", "fr"), False),
        (["de", "fr", "en"], ("de", "fr"), True),
        (100, 50, True),
        (49.9, 50, False),
        ([10, 60], 50, True),
        (True, True, True),
        (1, True, False),
        (True, 1, False),
        ("50", 50, False),
        (False, False, True),
    ],
)
def test_attributes_cover_what_is_asked(has: Any, wanted: Any, met: bool) -> None:
    assert covers(has, wanted) is met


def test_a_claim_learns_what_the_caller_may_take_and_why_not_the_rest() -> None:
    hard, other = SHAPE._replace(level=3), Shape.of("second", "offer")
    queues = {"desk": DESK, "second": QueueFacts("second", ("blue",))}
    may = may_take_shapes(ZOE, (SHAPE, hard, other), queues, NOW, built_ins())
    assert may.shapes == (SHAPE,)
    assert may.refused == {hard: ("skill_too_low",), other: ("not_in_pool", "skill_missing")}
    full = may_take_shapes(replace(ZOE, held=3), (SHAPE,), queues, NOW, built_ins())
    assert full.refused == {SHAPE: ("at_capacity",)}


CAPPED = replace(DESK, ceilings={"contract": 2, "offer": 1})


def test_a_variety_ceiling_holds_for_its_kind_and_day() -> None:
    assert codes(replace(ZOE, kinds_today={"contract": 1, "offer": 9}), queue=CAPPED) == ()
    assert codes(replace(ZOE, kinds_today={"contract": 2}), queue=CAPPED) == ("variety_ceiling",)
    assert codes(replace(ZOE, kinds_today={"contract": 9}), queue=DESK) == ()
    assert codes(replace(ZOE, kinds_today={"contract": 3}, held=3), queue=CAPPED) == ("variety_ceiling", "at_capacity")
    may = may_take_shapes(replace(ZOE, kinds_today={"contract": 2}), [SHAPE], {"desk": CAPPED}, NOW, built_ins())
    assert (may.shapes, dict(may.refused)) == ((), {SHAPE: ("variety_ceiling",)})


def test_a_ceiling_is_reached_within_a_pass_and_leaves_other_kinds_open() -> None:
    queue = replace(CAPPED, teams=("red",), params={})
    both = replace(ZOE, skills={"contract": 2, "offer": 1}, capacity=9, kinds_today={"contract": 1})
    shapes = [SHAPE, SHAPE, Shape.of("desk", "offer"), Shape.of("desk", "offer"), Shape.of("desk", "offer")]
    tasks = tuple(TaskFacts(f"t{number}", shape, NOW, NOW) for number, shape in enumerate(shapes))
    snapshot = Snapshot(NOW, {"desk": queue}, (both,), tasks)
    given = [one.agent if isinstance(one, Assigned) else one.reasons for one in decide(snapshot, built_ins()).decisions]
    assert given == ["zoe", ("variety_ceiling",), "zoe", ("variety_ceiling",), ("variety_ceiling",)]


def test_in_a_pull_queue_a_ceiling_is_a_reason_and_room_is_none() -> None:
    queue = replace(CAPPED, pull=True)

    def told(**facts: Any) -> Any:
        snapshot = Snapshot(NOW, {"desk": queue}, (replace(ZOE, **facts),), (TASK,))
        return decide(snapshot, built_ins()).decisions[0]

    assert told(held=9) == Waiting("t", ("ready_to_pull",))
    assert told(held=9, kinds_today={"contract": 2}) == Waiting("t", ("variety_ceiling",))


def test_a_pool_is_asked_for_the_kind_and_the_lane() -> None:
    asked: list[tuple[str, str]] = []

    class Listening:
        name, version = "listening", "1"

        def refused(self, ask: PoolAsk) -> dict[str, str]:
            asked.append((ask.kind, ask.lane))
            return {agent.key: "other_kinds" for agent in ask.agents if ask.kind == "offer"}

        def check(self, params: Any, teams: Any) -> Any:
            return iter(())

    plugins = Plugins(built_ins().strategies, {("listening", "1"): Listening()})
    queue = QueueFacts("desk", ("red",), model="listening")
    person = replace(ZOE, skills={"offer": 1, "contract": 1})
    tasks = tuple(TaskFacts(kind, Shape.of("desk", kind, lane="a"), NOW, NOW) for kind in ("offer", "contract"))
    decisions = decide(Snapshot(NOW, {"desk": queue}, (person,), tasks), plugins).decisions
    assert {one.task: isinstance(one, Assigned) for one in decisions} == {"offer": False, "contract": True}
    assert set(asked) == {("", ""), ("offer", "a"), ("contract", "a")}
