"""Each filter on its own, and all of them together, in the order in which people should read them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.assignment.eligibility import covers, may_take_shapes
from taskhub.assignment.model import AgentFacts, Loan, QueueFacts, TaskFacts
from taskhub.assignment.pull import against
from taskhub.assignment.registry import built_ins
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
