"""Who comes next over many passes: turns kept between them, weights exact, nobody far from their due."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskhub.assignment.decide import Run, decide
from taskhub.assignment.floor import enrolled
from taskhub.assignment.model import AgentFacts, Assigned, QueueFacts, Snapshot, TaskFacts
from taskhub.assignment.record import from_json, to_json
from taskhub.assignment.registry import built_ins
from taskhub.tasks.shape import Shape

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLUGINS = built_ins()
OFFER = Shape.of("first", "offer")
PEOPLE = st.integers(1, 7)


def person(key: str, **facts: Any) -> AgentFacts:
    return replace(AgentFacts(key, "red", skills={"offer": 1}, capacity=99_999), **facts)


class Desk:
    """A queue over many passes: turns, and what people were given, are carried from one to the next."""

    def __init__(self, strategy: str, people: list[AgentFacts], **params: Any) -> None:
        self.queue = QueueFacts("first", ("red",), strategy=strategy, strategy_params=params)
        self.people = {agent.key: agent for agent in people}
        self.turns: dict[str, dict[str, int]] = {}
        self.given_to: Counter[str] = Counter()
        self.made = 0

    def burst(self, size: int) -> list[str]:
        """So many tasks in one instant; who got them, in order."""
        tasks = tuple(TaskFacts(f"t{self.made + number:06d}", OFFER, NOW, NOW) for number in range(size))
        self.made += size
        snapshot = Snapshot(NOW, {"first": self.queue}, tuple(self.people.values()), tasks, self.turns)
        result = decide(snapshot, PLUGINS)
        for rotation, moved in result.turns.items():
            self.turns = {**self.turns, rotation: {**self.turns.get(rotation, {}), **moved}}
        row = [one.agent for one in result.decisions if isinstance(one, Assigned)]
        self.given_to.update(row)
        return row

    def restart(self) -> None:
        """Everything that is kept goes out and comes back as JSON."""
        snapshot = Snapshot(NOW, {"first": self.queue}, tuple(self.people.values()), (), self.turns)
        back = from_json(to_json(snapshot))
        self.turns = {rotation: dict(turns) for rotation, turns in back.turns.items()}

    def change(self, key: str, **facts: Any) -> None:
        """Something about a person is different from now on."""
        self.people[key] = replace(self.people[key], **facts)


def gap(given_to: Counter[str], keys: list[str]) -> int:
    """How far apart the luckiest and the unluckiest of these are."""
    return max(given_to[key] for key in keys) - min(given_to[key] for key in keys)


# What may happen between two bursts: (what, to whom of those who come and go).
EVENTS = st.tuples(st.sampled_from(["join", "leave", "away", "back", "restart", "gift", "load"]), st.integers(0, 9))
DAYS = st.lists(st.tuples(st.integers(0, 9), st.lists(EVENTS, max_size=3)), max_size=12)


@given(
    PEOPLE, DAYS, st.permutations(range(7)), st.integers(0, 7), st.sampled_from(["round_robin", "weighted_round_robin"])
)
def test_in_turn_is_fair_among_people_always_there(
    people: int, days: Any, row: list[int], known: int, strategy: str
) -> None:
    """Whatever the bursts, joins, leaves, restarts, gifts by hand, ids, first turns, and who is new."""
    steady = [f"{9 - row[number]}" for number in range(people)]
    desk = Desk(strategy, [person(key) for key in steady])
    desk.turns = {"first": {key: place * 3 for place, key in enumerate(steady[:known])}}
    total = 0
    for size, events in days:
        for what, number in events:
            _happens(desk, what, f"guest-{number}", steady[number % people])
        desk.burst(size)
        total += size
    assert sum(desk.given_to.values()) == total
    assert gap(desk.given_to, steady) <= 1


def _happens(desk: Desk, what: str, guest: str, steady: str) -> None:
    if what == "join":
        desk.people.setdefault(guest, person(guest))
    elif what == "leave":
        desk.people.pop(guest, None)
    elif what == "restart":
        desk.restart()
    elif what == "gift":  # by hand: it counts as work, and does not move the turn
        held = desk.people[steady].held + 1
        desk.change(steady, held=held, load=float(held), given_today=held)
    elif what == "load":
        desk.change(steady, load=50.0, kinds_today={"offer": 9})
    elif guest in desk.people:
        desk.change(guest, presence="away" if what == "away" else "available")


@settings(max_examples=max(5, settings().max_examples // 20))
@given(st.integers(1, 30), st.integers(0, 29))
def test_a_bulk_of_ten_thousand_in_one_second_is_shared_evenly(people: int, absent: int) -> None:
    keys = [f"p{number:02d}" for number in range(people)]
    desk = Desk("round_robin", [person(key) for key in keys])
    desk.burst(absent)
    desk.burst(10_000)
    assert sum(desk.given_to.values()) == 10_000 + absent
    assert gap(desk.given_to, keys) <= 1


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=6),
    st.permutations(range(6)),
    st.lists(st.integers(1, 30), max_size=6),
    st.integers(1, 3),
)
def test_weights_are_exact_over_every_cycle(weights: list[int], row: list[int], cuts: list[int], cycles: int) -> None:
    """However the stream is cut into bursts, whatever the ids."""
    keys = [f"p{row[number]}" for number in range(len(weights))]
    named = dict(zip(keys, weights, strict=True))
    desk, cycle = Desk("weighted_round_robin", [person(key) for key in keys], weights=named), sum(weights)
    stream: list[str] = []
    for cut in cuts:
        stream += desk.burst(min(cut, cycles * cycle - len(stream)))
        desk.restart()
    stream += desk.burst(cycles * cycle - len(stream))
    for start in range(0, cycles * cycle, cycle):
        assert Counter(stream[start : start + cycle]) == named


@given(st.lists(st.integers(1, 20), min_size=2, max_size=5), st.integers(1, 200))
def test_weights_are_spread_within_a_cycle(weights: list[int], count: int) -> None:
    """At any moment nobody is two tasks or more away from their part."""
    named = {f"p{number}": weight for number, weight in enumerate(weights)}
    desk = Desk("weighted_round_robin", [person(key) for key in named], weights=named)
    desk.burst(count)
    for key, weight in named.items():
        assert abs(desk.given_to[key] - count * weight / sum(weights)) < len(weights)


@given(PEOPLE, st.lists(st.integers(0, 9), max_size=8), st.integers(1, 20))
def test_equal_weights_are_round_robin(people: int, bursts: list[int], weight: int) -> None:
    keys = [f"p{number}" for number in range(people)]
    plain = Desk("round_robin", [person(key) for key in keys])
    weighted = Desk("weighted_round_robin", [person(key) for key in keys], weights=dict.fromkeys(keys, weight))
    for burst in bursts:
        assert plain.burst(burst) == weighted.burst(burst)


@given(PEOPLE, st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=1, max_size=40))
def test_least_loaded_never_leaves_a_gap_wider_than_one_task(people: int, weights: list[float]) -> None:
    agents = tuple(person(f"p{number}") for number in range(people))
    run = Run(enrolled(Snapshot(NOW, {"first": QueueFacts("first", ("red",))}, agents), PLUGINS), PLUGINS)
    for number, weight in enumerate(weights):
        run.decide(TaskFacts(f"t{number:02d}", OFFER, NOW, NOW, weight=weight))
    loads = [who.load for who in run.floor.standing.values()]
    assert max(loads) - min(loads) <= max(weights)


@given(PEOPLE, st.lists(st.sampled_from([5.0, 15.0, 240.0]), min_size=1, max_size=40))
def test_expected_work_and_fairness_leave_no_gap_wider_than_one_task(people: int, minutes: list[float]) -> None:
    agents = tuple(person(f"p{number}") for number in range(people))
    for strategy in ("expected_work", "fairness"):
        queues = {"first": QueueFacts("first", ("red",), strategy=strategy)}
        run = Run(enrolled(Snapshot(NOW, queues, agents), PLUGINS), PLUGINS)
        for number, length in enumerate(minutes):
            run.decide(TaskFacts(f"t{number:02d}", OFFER, NOW, NOW, minutes=length))
        found = [who.load_minutes for who in run.floor.standing.values()]
        assert max(found) - min(found) <= max(minutes)


SPREADING = [name for name in PLUGINS.strategy_names if name != "sticky"]


@pytest.mark.parametrize("strategy", SPREADING)
@pytest.mark.parametrize("kept", [True, False], ids=["work kept open", "work done at once"])
def test_thirty_people_and_one_task_a_run_for_thirty_runs_is_one_each(strategy: str, kept: bool) -> None:
    desk = Desk(strategy, [person(f"p{number:02d}") for number in range(30)])
    for run in range(30):
        (key,) = desk.burst(1)
        before = desk.people[key]
        desk.change(key, given_today=before.given_today + 1, ledger={"minutes": 15.0}, idle_since=NOW + run * MINUTE)
        if kept:
            desk.change(key, held=before.held + 1, load=before.load + 1, load_minutes=before.load_minutes + 15)
    assert set(desk.given_to.values()) == {1}
    assert len(desk.given_to) == 30


@pytest.mark.parametrize("strategy", PLUGINS.strategy_names)
def test_three_equals_and_thirty_tasks_are_ten_each(strategy: str) -> None:
    desk = Desk(strategy, [person("ann"), person("bob"), person("cyd")])
    desk.burst(30)
    assert desk.given_to == {"ann": 10, "bob": 10, "cyd": 10}
