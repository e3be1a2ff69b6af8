"""What each strategy puts first, and which parameters it takes."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.assignment.decide import decide
from taskhub.assignment.explain import candidates, explain
from taskhub.assignment.floor import Floor, enrolled
from taskhub.assignment.model import AgentFacts, Assigned, QueueFacts, Snapshot, TaskFacts, Waiting
from taskhub.assignment.registry import built_ins
from taskhub.assignment.standing import Standing
from taskhub.assignment.strategies.best_skill import best_skill
from taskhub.assignment.strategies.expected_work import expected_work
from taskhub.assignment.strategies.fairness import fairness
from taskhub.assignment.strategies.least_loaded import least_loaded
from taskhub.assignment.strategies.longest_idle import longest_idle
from taskhub.assignment.strategies.round_robin import round_robin
from taskhub.assignment.strategies.sticky import FALLBACKS, sticky
from taskhub.assignment.strategies.weighted_round_robin import CYCLE, weight_of, weighted_round_robin
from taskhub.tasks.shape import Shape

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SHAPE = Shape.of("desk", "offer")
ANN = AgentFacts("ann", "red", skills={"offer": 1}, capacity=99)
BOB = replace(ANN, key="bob")
CYD = replace(ANN, key="cyd")


def task(id: str = "t1", **changes: Any) -> TaskFacts:
    return replace(TaskFacts(id, SHAPE, NOW, NOW, ready_at=NOW), **changes)


def tasks(count: int, **changes: Any) -> tuple[TaskFacts, ...]:
    return tuple(task(f"t{number:04d}", **changes) for number in range(count))


def snapshot(strategy: str, people: tuple[AgentFacts, ...], work: tuple[TaskFacts, ...], **params: Any) -> Snapshot:
    queue = QueueFacts("desk", ("red",), strategy=strategy, strategy_params=params)
    turns = {"desk": {agent.key: place for place, agent in enumerate(people)}}
    return Snapshot(NOW, {"desk": queue}, people, work, turns)


def gifts(seen: Snapshot) -> list[str]:
    return [one.agent if isinstance(one, Assigned) else "-" for one in decide(seen, built_ins()).decisions]


def first(strategy: str, *people: AgentFacts, work: TaskFacts | None = None, **params: Any) -> tuple[str, str]:
    one = decide(snapshot(strategy, people, (work or task(),), **params), built_ins()).decisions[0]
    return (one.agent, one.tie) if isinstance(one, Assigned) else ("-", ",".join(one.reasons))


def standing(**facts: Any) -> Standing:
    return Standing(replace(ANN, **facts), NOW)


def desk(**params: Any) -> QueueFacts:
    return QueueFacts("desk", ("red",), strategy_params=params)


# ── in turn ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_round_robin_goes_round_whatever_anybody_holds() -> None:
    people = (replace(ANN, held=9, load=9.0), BOB, replace(CYD, given_today=8))
    assert gifts(snapshot("round_robin", people, tasks(7))) == ["ann", "bob", "cyd", "ann", "bob", "cyd", "ann"]
    assert round_robin.next_turn(3, 17, standing(), desk()) == 18
    assert round_robin.key(standing(load=9.0), SHAPE, desk()) == ()


def test_weights_come_out_exact_over_every_cycle_and_spread() -> None:
    weights = {"ann": 3, "bob": 2}
    row = gifts(snapshot("weighted_round_robin", (ANN, BOB, CYD), tasks(18), weights=weights))
    for cycle in (row[:6], row[6:12], row[12:]):
        assert Counter(cycle) == {"ann": 3, "bob": 2, "cyd": 1}
    assert "".join(who[0] for who in row[:6]) == "abcaba"
    assert row[6:12] == row[:6]


def test_a_weighted_turn_moves_by_its_part_of_the_cycle() -> None:
    def turn(own: int, end: int, **params: Any) -> int:
        return weighted_round_robin.next_turn(own, end, standing(), desk(**params))

    assert turn(5, 5) == 5 + CYCLE
    assert turn(5, 5, weights={"ann": 4}) == 5 + CYCLE // 4
    assert turn(5, 5 + CYCLE, weights={"ann": 4}) == 5 + CYCLE // 4
    assert turn(5, 9 + CYCLE, weights={"ann": 4}) == 9 + CYCLE // 4
    assert all(CYCLE % weight == 0 for weight in range(1, 21))
    assert weighted_round_robin.key(standing(), SHAPE, desk()) == ()


@pytest.mark.parametrize(
    ("capacity", "weights", "weight"),
    [
        (4, {"bob": 7}, 1),
        (4, {"ann": 7}, 7),
        (4.4, "capacity", 4),
        (0, "capacity", 1),
        (300, "capacity", 20),
        (4, {"ann": 20}, 20),
    ],
)
def test_weights_lie_between_1_and_20(capacity: float, weights: Any, weight: int) -> None:
    assert weight_of(standing(capacity=capacity), {"weights": weights}) == weight


def test_who_comes_back_is_next_once_and_no_more_than_their_cycle() -> None:
    people = (ANN, BOB, CYD)
    turns = {"desk": {"ann": 0, "bob": 50 * CYCLE, "cyd": 50 * CYCLE + 1}}
    back = replace(snapshot("weighted_round_robin", people, tasks(7), weights={"ann": 2}), turns=turns)
    assert [who[0] for who in gifts(back)] == list("aabcaab")


# ── by load, by time, by skill ───────────────────────────────────────────────────────────────────────────────────────


def test_the_lightest_load_then_the_fewest_today() -> None:
    assert first("least_loaded", replace(ANN, load=2.0), replace(BOB, load=1.5)) == ("bob", "load")
    assert first("least_loaded", replace(ANN, given_today=3), BOB) == ("bob", "given_today")
    assert least_loaded.key(standing(load=2.0, given_today=3), SHAPE, desk()) == (2.0, 3)
    row = gifts(snapshot("least_loaded", (ANN, BOB), (*tasks(2, weight=5.0), task("z"))))
    assert Counter(row) == {"ann": 2, "bob": 1}


def test_expected_work_counts_the_minutes_this_very_person_needs() -> None:
    assert first("expected_work", replace(ANN, load_minutes=31), replace(BOB, load_minutes=30.5)) == ("bob", "minutes")
    assert first("expected_work", replace(ANN, given_today=1), BOB) == ("bob", "given_today")
    slow, fast = replace(ANN, minutes_by_kind={"offer": 60.0}), replace(BOB, minutes_by_kind={"offer": 20.0})
    assert Counter(gifts(snapshot("expected_work", (slow, fast), tasks(8)))) == {"ann": 2, "bob": 6}
    who = standing(load_minutes=10.0, minutes_by_kind={"contract": 99.0})
    who.give(task(minutes=7.0))
    assert expected_work.key(who, SHAPE, desk()) == (17.0, 1)


def test_the_longest_idle_are_those_without_work_for_longest() -> None:
    early, late = NOW - 30 * MINUTE, NOW - 5 * MINUTE
    assert first("longest_idle", replace(ANN, idle_since=late), replace(BOB, idle_since=early)) == ("bob", "idle")
    held = replace(ANN, idle_since=early, held=1)
    assert first("longest_idle", held, replace(BOB, idle_since=late)) == ("bob", "held")
    assert first("longest_idle", replace(ANN, idle_since=early), BOB)[0] == "bob"
    assert longest_idle.key(standing(held=2), SHAPE, desk()) == (2, 0.0)
    people = tuple(replace(one, idle_since=NOW - age * MINUTE) for one, age in ((ANN, 5), (BOB, 9), (CYD, 7)))
    assert gifts(snapshot("longest_idle", people, tasks(4))) == ["bob", "cyd", "ann", "bob"]


def test_the_best_skill_for_this_task_then_the_lightest_load() -> None:
    expert = replace(BOB, skills={"offer": 4, "contract": 5}, load=8.0)
    assert first("best_skill", replace(ANN, skills={"offer": 3}), expert) == ("bob", "skill")
    assert first("best_skill", replace(ANN, load=1.0), BOB) == ("bob", "load")
    assert first("best_skill", replace(ANN, given_today=1), BOB) == ("bob", "given_today")
    assert best_skill.key(standing(load=1.0, given_today=2), Shape.of("desk", "law"), desk()) == (0, 1.0, 2)


def test_the_fairest_is_whoever_carried_least_for_the_time_they_were_there() -> None:
    whole, half = replace(ANN, ledger={"minutes": 150}), replace(BOB, ledger={"minutes": 100}, credit=0.5)
    assert first("fairness", whole, half) == ("ann", "ledger")
    assert first("fairness", replace(ANN, given_today=1), BOB) == ("bob", "given_today")
    ledger = {"minutes": 10.0, "hard": 1, "late": 2, "duty": 1}
    assert fairness.key(standing(ledger=ledger), SHAPE, desk()) == (10.0 + 15 + 30 + 60, 0)
    assert fairness.key(standing(ledger=ledger), SHAPE, desk(hard=0, late=1, duty=2.5)) == (14.5, 0)
    assert fairness.key(standing(), SHAPE, desk()) == (0.0, 0)
    assert fairness.key(standing(ledger={"minutes": 3}, credit=0.0), SHAPE, desk()) == (300.0, 0)


def test_the_ledger_grows_with_what_a_pass_gives() -> None:
    who = standing(ledger={"minutes": 10.0}, minutes_by_kind={"offer": 4.0}, credit=0.5)
    who.give(task(shape=Shape.of("desk", "offer", level=3)))
    assert fairness.key(who, SHAPE, desk()) == (28.0, 1)
    who.give(task(shape=Shape.of("desk", "offer", level=4)))
    assert fairness.key(who, SHAPE, desk()) == (66.0, 2)
    assert Counter(gifts(snapshot("fairness", (replace(ANN, credit=0.5), BOB), tasks(9)))) == {"ann": 3, "bob": 6}


# ── the same hands ───────────────────────────────────────────────────────────────────────────────────────────────────

FULL = replace(ANN, held=99)
MINE = task(served_by="ann")


def test_the_favourite_goes_first_when_free() -> None:
    assert first("sticky", replace(ANN, load=50.0), BOB, work=MINE) == ("ann", "favourite")
    assert first("sticky", replace(ANN, load=50.0), BOB) == ("bob", "load")
    assert first("sticky", ANN, work=MINE) == ("ann", "favourite")
    assert sticky.key(standing(held=2), SHAPE, desk(fallback="longest_idle")) == (2, 0.0)
    assert sticky.next_turn(1, 1, standing(), desk(fallback="round_robin")) == 2


@pytest.mark.parametrize(
    ("favourite", "waits"),
    [
        (FULL, True),
        (replace(ANN, presence="busy"), True),
        (replace(FULL, presence="busy"), True),
        (replace(ANN, capacity_minutes=10.0, held_minutes=10.0), True),
        (replace(ANN, held=1, ramp_until=NOW + MINUTE, ramp_share=0.01), True),
        (replace(ANN, presence="away"), False),
        (replace(ANN, presence="offline"), False),
        (replace(FULL, active=False), False),
        (replace(FULL, team="blue"), False),
        (replace(FULL, skills={}), False),
        (replace(FULL, shifts=(("tue", ("09:00-12:00",)),)), False),
        (replace(FULL, absences=((NOW - MINUTE, NOW + MINUTE),)), False),
    ],
)
def test_a_task_waits_for_a_favourite_who_will_soon_be_free(favourite: AgentFacts, waits: bool) -> None:
    seen = snapshot("sticky", (favourite, CYD), (MINE,), wait="30m")
    assert gifts(seen) == ["-" if waits else "cyd"]
    others = {one.agent: one.reasons for one in explain(seen, "t1", built_ins()) if one.agent != favourite.key}
    assert others == {"cyd": ("waits_for_favourite",) if waits else ()}


@pytest.mark.parametrize(
    ("work", "params", "waits"),
    [
        (MINE, {}, False),
        (replace(MINE, ready_at=NOW - 29 * MINUTE), {"wait": "30m"}, True),
        (replace(MINE, ready_at=NOW - 30 * MINUTE), {"wait": "30m"}, False),
        (replace(MINE, ready_at=None, created_at=NOW - 29 * MINUTE), {"wait": "30m"}, True),
        (replace(MINE, ready_at=None, created_at=NOW - 31 * MINUTE), {"wait": "30m"}, False),
        (replace(MINE, excluded={"ann": "declined"}), {"wait": "30m"}, False),
        (replace(MINE, served_by=None), {"wait": "30m"}, False),
        (replace(MINE, served_by="gone"), {"wait": "30m"}, False),
    ],
)
def test_it_waits_no_longer_than_it_may(work: TaskFacts, params: dict[str, str], waits: bool) -> None:
    assert first("sticky", FULL, BOB, work=work, **params) == (
        ("-", "waits_for_favourite") if waits else ("bob", "only")
    )


def test_where_nobody_else_could_take_it_the_usual_reasons_are_told() -> None:
    assert first("sticky", FULL, replace(BOB, presence="away"), work=MINE, wait="1h") == (
        "-", "at_capacity,presence_away",
    )  # fmt: skip


def test_a_favourite_over_their_ceiling_is_not_waited_for() -> None:
    seen = snapshot("sticky", (replace(ANN, presence="busy", kinds_today={"offer": 2}), BOB), (MINE,), wait="1h")
    seen = replace(seen, queues={"desk": replace(seen.queues["desk"], ceilings={"offer": 2})})
    assert gifts(seen) == ["bob"]
    assert gifts(replace(seen, agents=(replace(seen.agents[0], presence="available", held=99), BOB))) == ["bob"]


def test_a_favourite_who_fills_up_in_the_pass_is_waited_for() -> None:
    people = (replace(ANN, capacity=1), BOB)
    assert gifts(snapshot("sticky", people, tasks(2, served_by="ann"), wait="1h")) == ["ann", "-"]
    assert gifts(snapshot("sticky", people, tasks(2, served_by="ann"))) == ["ann", "bob"]


def test_in_a_pull_queue_nothing_waits_for_anybody() -> None:
    seen = snapshot("sticky", (FULL, BOB), (MINE,), wait="1h")
    seen = replace(seen, queues={"desk": replace(seen.queues["desk"], pull=True)})
    assert decide(seen, built_ins()).decisions == (Waiting("t1", ("ready_to_pull",)),)
    floor = Floor(enrolled(seen, built_ins()), built_ins())
    assert all(one.eligible for one in candidates(floor, MINE))


@pytest.mark.parametrize("name", sorted(FALLBACKS))
def test_the_fallback_puts_the_others_in_order(name: str) -> None:
    people = (
        replace(ANN, load=3.0, held=2, load_minutes=9.0, ledger={"minutes": 3}),
        replace(BOB, skills={"offer": 2}),
    )
    assert first("sticky", *people, fallback=name) == first(name, *people)
    assert sticky.ranking(desk(fallback=name)).name == name


# ── parameters ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("strategy", "params", "wrong"),
    [
        (least_loaded, {}, []),
        (least_loaded, {"weights": {}}, ["weights"]),
        (weighted_round_robin, {}, []),
        (weighted_round_robin, {"weights": {"ann": 1, "bob": 20}}, []),
        (weighted_round_robin, {"weights": "capacity"}, []),
        (weighted_round_robin, {"weights": "load"}, ["weights"]),
        (weighted_round_robin, {"weights": [1]}, ["weights"]),
        (weighted_round_robin, {"weights": {"ann": 0, "bob": 21, "cyd": 1.5, "dan": True}}, [
            "weights.ann", "weights.bob", "weights.cyd", "weights.dan",
        ]),
        (weighted_round_robin, {"weight": {}}, ["weight"]),
        (fairness, {"hard": 0, "late": 1000, "duty": 0.5}, []),
        (fairness, {"hard": -1, "late": 1001, "duty": "x", "early": 1}, ["early", "hard", "late", "duty"]),
        (fairness, {"hard": True, "late": float("nan")}, ["hard", "late"]),
        (sticky, {"wait": "30m", "fallback": "fairness"}, []),
        (sticky, {"wait": "24h"}, []),
        (sticky, {"wait": "24h1s"}, ["wait"]),
        (sticky, {"wait": "0m"}, ["wait"]),
        (sticky, {"wait": "soon"}, ["wait"]),
        (sticky, {"wait": 30}, ["wait"]),
        (sticky, {"fallback": "sticky"}, ["fallback"]),
        (sticky, {"fallbck": "fairness"}, ["fallbck"]),
    ],
)  # fmt: skip
def test_parameters_are_checked(strategy: Any, params: dict[str, Any], wrong: list[str]) -> None:
    assert [name for name, _ in strategy.check(params)] == wrong


def test_complaints_say_the_valid_range() -> None:
    assert dict(weighted_round_robin.check({"weights": {"ann": 0}})) == {
        "weights.ann": "must be a whole number from 1 to 20, not 0"
    }
    assert dict(sticky.check({"fallback": "x"}))["fallback"].startswith("must be one of least_loaded, round_robin, ")
    assert dict(fairness.check({"duty": -1})) == {"duty": "must be a number of minutes from 0 to 1000, not -1"}
    assert dict(best_skill.check({"x": 1})) == {"x": "is not a parameter of best_skill"}
