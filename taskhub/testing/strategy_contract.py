"""What every strategy and every staffing model must keep; built-ins run it, plug-ins should.

Plain classes that pytest collects when they are subclassed, no fixtures needed:

    from taskhub.testing.strategy_contract import StrategyContract

    class TestMine(StrategyContract):
        strategy = my_strategy
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from taskhub.assignment.decide import decide
from taskhub.assignment.explain import against, candidates, outcome
from taskhub.assignment.floor import Floor, enrolled
from taskhub.assignment.model import AgentFacts, Assigned, PassResult, QueueFacts, Snapshot, TaskFacts
from taskhub.assignment.record import block_of, record, to_json
from taskhub.assignment.registry import Plugins, built_ins
from taskhub.assignment.rerun import SAME, rerun
from taskhub.assignment.seams import PoolAsk, StaffingModel, Strategy
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
SEEDS = range(20)
OFFICE = (("mon", ("09:00-18:00",)), ("tue", ("09:00-18:00",)))


def example(chance: Random, queue: QueueFacts) -> Snapshot:
    """A small office on a Monday: some are full, away, on leave or unskilled, some tasks are not for everybody."""
    people = tuple(_agent(chance, number, queue.teams) for number in range(chance.randint(2, 8)))
    tasks = tuple(_task(chance, number, queue.key, people) for number in range(chance.randint(1, 25)))
    known = [agent.key for agent in people if chance.random() < 0.7]
    chance.shuffle(known)
    turns = {queue.turn_key: {key: place * 2 + 1 for place, key in enumerate(known)}}
    return Snapshot(NOW, {queue.key: queue}, people, tasks, turns, "example")


def _agent(chance: Random, number: int, teams: Sequence[str]) -> AgentFacts:
    held = chance.randint(0, 3)
    leave = NOW + timedelta(hours=chance.choice((-2, 2, 30)))
    return AgentFacts(
        key=f"agent-{number}",
        team=chance.choice((*teams, *teams, *teams, "elsewhere")),
        active=chance.random() < 0.9,
        skills={kind: chance.randint(1, 5) for kind in ("offer", "contract") if chance.random() < 0.9},
        capacity=chance.randint(2, 9),
        held=held,
        load=float(held + chance.randint(0, 2)),
        given_today=chance.randint(0, 3),
        presence="busy" if chance.random() < 0.1 else "available",
        shifts=chance.choice(((), (), OFFICE, OFFICE, (("sun", ("09:00-12:00",)),))),
        absences=((leave, leave + timedelta(days=1)),) if chance.random() < 0.3 else (),
        front_line_waiting=chance.random() < 0.1,
        share_served=chance.random() / 2,
    )


def _task(chance: Random, number: int, queue: str, people: Sequence[AgentFacts]) -> TaskFacts:
    return TaskFacts(
        id=f"task-{number}",
        shape=Shape.of(queue, chance.choice(("offer", "contract")), level=chance.randint(1, 3)),
        start_by=NOW + timedelta(minutes=chance.randint(-60, 60)),
        created_at=NOW - timedelta(minutes=chance.randint(0, 600)),
        weight=chance.choice((0.5, 1.0, 2.0)),
        due_at=chance.choice((None, NOW - timedelta(hours=1), NOW + timedelta(hours=3))),
        excluded={chance.choice(people).key: "declined"} if chance.random() < 0.3 else {},
    )


def _shuffled(chance: Random, snapshot: Snapshot) -> Snapshot:
    agents, tasks = list(snapshot.agents), list(snapshot.tasks)
    chance.shuffle(agents)
    chance.shuffle(tasks)
    return replace(snapshot, agents=tuple(agents), tasks=tuple(tasks))


class StrategyContract:
    """Subclass it, name your ``strategy``, and give ``params`` if it needs any."""

    strategy: Strategy
    params: Mapping[str, Any] = {}

    def plugins(self) -> Plugins:
        """The built-ins and the strategy under test."""
        own = built_ins()
        mine = {(self.strategy.name, self.strategy.version): self.strategy}
        return Plugins({**own.strategies, **mine}, own.models)

    def examples(self) -> Iterator[tuple[Random, Snapshot]]:
        """Offices served by the strategy under test."""
        queue = QueueFacts(
            "desk",
            ("back", "office"),
            model="rotating",
            strategy=self.strategy.name,
            strategy_version=self.strategy.version,
            strategy_params=self.params,
        )
        for seed in SEEDS:
            chance = Random(seed)
            yield chance, example(chance, queue)

    def results(self) -> Iterator[tuple[Snapshot, PassResult]]:
        """Those offices with their decisions."""
        for _, snapshot in self.examples():
            yield snapshot, decide(snapshot, self.plugins())

    def test_has_a_name_and_a_version(self) -> None:
        assert (type(self.strategy.name), type(self.strategy.version)) == (str, str)
        assert self.strategy.name
        assert self.strategy.version

    def test_same_snapshot_same_decisions(self) -> None:
        for snapshot, result in self.results():
            assert decide(snapshot, self.plugins()) == result

    def test_order_of_people_and_tasks_does_not_matter(self) -> None:
        for chance, snapshot in self.examples():
            assert decide(_shuffled(chance, snapshot), self.plugins()) == decide(snapshot, self.plugins())

    def test_input_is_left_alone(self) -> None:
        for _, snapshot in self.examples():
            before = to_json(snapshot)
            decide(snapshot, self.plugins())
            assert to_json(snapshot) == before

    def test_nobody_gets_what_they_may_not_take(self) -> None:
        for snapshot, result in self.results():
            floor = Floor(snapshot, self.plugins())
            tasks = {task.id: task for task in snapshot.tasks}
            for one in result.decisions:
                if isinstance(one, Assigned):
                    assert against(floor, Standing(floor.standing[one.agent].facts, NOW), tasks[one.task]) == ()

    def test_the_row_and_the_full_ranking_agree(self) -> None:
        """Fails when keys shrink while work is given, or depend on more than the person and the shape."""
        for _, snapshot in self.examples():
            floor = Floor(enrolled(snapshot, self.plugins()), self.plugins())
            tasks = {task.id: task for task in snapshot.tasks}
            for one in decide(snapshot, self.plugins()).decisions:
                assert outcome(tasks[one.task], candidates(floor, tasks[one.task])) == one
                if isinstance(one, Assigned):
                    floor.give(tasks[one.task], one.agent)

    def test_keys_are_numbers_named_by_parts_and_never_shrink(self) -> None:
        for _, snapshot in self.examples():
            queue = snapshot.queues["desk"]
            for who in (Standing(agent, NOW) for agent in snapshot.agents):
                before = self.strategy.key(who, snapshot.tasks[0].shape, queue)
                assert len(before) == len(self.strategy.parts)
                assert json.loads(json.dumps(before)) == list(before)
                who.give(snapshot.tasks[0])
                assert self.strategy.key(who, snapshot.tasks[0].shape, queue) >= before

    def test_ties_are_not_settled_by_id_or_name(self) -> None:
        """People alike in everything but key and name have the same key: the turn decides between them."""
        for _, snapshot in self.examples():
            queue, shape = snapshot.queues["desk"], snapshot.tasks[0].shape
            twins = [replace(snapshot.agents[0], key=key, name=key.title()) for key in ("aaa", "zzz", "m1")]
            assert len({self.strategy.key(Standing(twin, NOW), shape, queue) for twin in twins}) == 1

    def test_a_gift_moves_the_turn_back(self) -> None:
        for _, snapshot in self.examples():
            queue, who = snapshot.queues["desk"], Standing(snapshot.agents[0], NOW)
            for own, end in ((0, 0), (1, 9), (9, 9)):
                after = self.strategy.next_turn(own, end, who, queue)
                assert type(after) is int
                assert after > own

    def test_every_stored_decision_runs_again(self) -> None:
        for snapshot, result in self.results():
            stored = record(snapshot, result, self.plugins())
            for one in result.decisions:
                block = stored.blocks[block_of(stored.positions[one.task])]
                answer = rerun(stored.head, block, one, self.plugins())
                assert answer.status == SAME, answer.why


class ModelContract:
    """Subclass it, name your ``model``, and give ``params`` that suit a queue of the teams ``back`` and ``office``."""

    model: StaffingModel
    params: Mapping[str, Any] = {}
    teams: Sequence[str] = ("back", "office")

    def asks(self) -> Iterator[tuple[Random, PoolAsk]]:
        """Questions a pass would ask."""
        queue = QueueFacts("desk", tuple(self.teams), model=self.model.name, params=self.params)
        for seed in SEEDS:
            chance = Random(seed)
            agents = example(chance, queue).agents
            yield chance, PoolAsk(queue, tuple(agent for agent in agents if agent.team in self.teams), NOW)

    def test_has_a_name_and_a_version(self) -> None:
        assert (type(self.model.name), type(self.model.version)) == (str, str)
        assert self.model.name
        assert self.model.version

    def test_refuses_only_people_it_was_asked_about_and_says_why(self) -> None:
        for _, ask in self.asks():
            refused = self.model.refused(ask)
            assert set(refused) <= {agent.key for agent in ask.agents}
            assert all(type(reason) is str and reason for reason in refused.values())

    def test_same_question_same_answer_in_any_order(self) -> None:
        for chance, ask in self.asks():
            agents = list(ask.agents)
            chance.shuffle(agents)
            assert self.model.refused(replace(ask, agents=agents)) == self.model.refused(ask)

    def test_asked_one_by_one_it_answers_the_same(self) -> None:
        """A claim asks about the caller alone. What lies beyond the person belongs into ``pool_state``."""
        for _, ask in self.asks():
            alone: dict[str, str] = {}
            for agent in ask.agents:
                alone |= self.model.refused(replace(ask, agents=(agent,)))
            assert alone == self.model.refused(ask)

    def test_id_and_name_do_not_matter(self) -> None:
        for _, ask in self.asks():
            renamed = [replace(agent, key=f"x{agent.key}", name="?") for agent in ask.agents]
            expected = {f"x{key}": reason for key, reason in self.model.refused(ask).items()}
            assert self.model.refused(replace(ask, agents=renamed)) == expected

    def test_its_parameters_are_accepted(self) -> None:
        assert list(self.model.check(self.params, self.teams)) == []

    def test_unknown_parameters_are_named(self) -> None:
        found = list(self.model.check({**self.params, "no_such_parameter": 1}, self.teams))
        assert any(name == "no_such_parameter" for name, _ in found)


Check = Callable[[], None]


def checks(contract: StrategyContract | ModelContract) -> Iterator[tuple[str, Check]]:
    """The checks of a contract by name, for callers without pytest."""
    for name in dir(contract):
        if name.startswith("test_"):
            yield name, getattr(contract, name)
