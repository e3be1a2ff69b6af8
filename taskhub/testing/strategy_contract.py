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
from random import Random
from typing import Any

from taskhub.assignment.codec import agent_facts, queue_facts
from taskhub.assignment.decide import decide
from taskhub.assignment.explain import against, candidates, outcome
from taskhub.assignment.floor import Floor, enrolled
from taskhub.assignment.model import AgentFacts, Assigned, PassResult, QueueFacts, Snapshot
from taskhub.assignment.record import block_of, record, to_json
from taskhub.assignment.registry import Plugins, built_ins
from taskhub.assignment.rerun import SAME, rerun
from taskhub.assignment.seams import Checking, Patient, PoolAsk, StaffingModel, Strategy
from taskhub.assignment.standing import Standing
from taskhub.testing.offices import KINDS, NOW, example, pool_state, renamed, shuffled

SEEDS = range(20)


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
            ceilings={"offer": 3},
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
            assert decide(shuffled(chance, snapshot), self.plugins()) == decide(snapshot, self.plugins())

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
            ranking = self.strategy.ranking(queue) if isinstance(self.strategy, Patient) else self.strategy
            for who in (Standing(agent, NOW) for agent in snapshot.agents):
                before = ranking.key(who, snapshot.tasks[0].shape, queue)
                assert len(before) == len(ranking.parts)
                assert json.loads(json.dumps(before)) == list(before)
                who.give(snapshot.tasks[0])
                assert ranking.key(who, snapshot.tasks[0].shape, queue) >= before

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

    def test_no_hand_is_idle_beside_work_it_may_take(self) -> None:
        for snapshot, result in self.results():
            floor = Floor(enrolled(snapshot, self.plugins()), self.plugins())
            tasks = {task.id: task for task in snapshot.tasks}
            for one in result.decisions:
                if isinstance(one, Assigned):
                    floor.give(tasks[one.task], one.agent)
                else:
                    assert all(against(floor, who, tasks[one.task]) for who in floor.standing.values())

    def test_one_more_who_may_take_nothing_changes_nothing(self) -> None:
        for chance, snapshot in self.examples():
            extra = replace(chance.choice(snapshot.agents), key="extra", active=False)
            more = replace(snapshot, agents=(*snapshot.agents, extra))
            assert decide(more, self.plugins()) == decide(snapshot, self.plugins())

    def test_its_parameters_are_accepted_and_unknown_ones_named(self) -> None:
        """Of strategies that judge their parameters."""
        if isinstance(self.strategy, Checking):
            assert list(self.strategy.check(self.params)) == []
            found = list(self.strategy.check({**self.params, "no_such_parameter": 1}))
            assert [name for name, _ in found] == ["no_such_parameter"]

    def test_every_stored_decision_runs_again(self) -> None:
        for snapshot, result in self.results():
            _runs_again(snapshot, result, self.plugins())


class ModelContract:
    """Subclass it, name your ``model``, and give ``params`` that suit a queue of the teams ``back`` and ``office``.

    ``lanes``: the pools it may draw a task for, where it has several.
    """

    model: StaffingModel
    params: Mapping[str, Any] = {}
    teams: Sequence[str] = ("back", "office")
    lanes: Sequence[str] = ()

    def plugins(self) -> Plugins:
        """The built-ins and the model under test."""
        own = built_ins()
        return Plugins(own.strategies, {**own.models, (self.model.name, self.model.version): self.model})

    def queue(self, chance: Random, people: Sequence[AgentFacts]) -> QueueFacts:
        """A queue served by the model under test."""
        return QueueFacts(
            "desk",
            tuple(self.teams),
            model=self.model.name,
            model_version=self.model.version,
            params=self.params,
            pool_state=pool_state(chance, people),
        )

    def asks(self) -> Iterator[tuple[Random, PoolAsk]]:
        """Questions a pass would ask."""
        for chance, snapshot in self.examples():
            agents = tuple(agent for agent in snapshot.agents if agent.team in self.teams)
            kind, lane = chance.choice(("", *KINDS)), chance.choice(("", *self.lanes))
            yield chance, PoolAsk(snapshot.queues["desk"], agents, NOW, lane, kind)

    def examples(self) -> Iterator[tuple[Random, Snapshot]]:
        """Offices served by the model under test."""
        for seed in SEEDS:
            chance = Random(seed)
            snapshot = example(chance, QueueFacts("desk", tuple(self.teams)))
            yield chance, replace(snapshot, queues={"desk": self.queue(chance, snapshot.agents)})

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
        """But for what the parameters or a worker say of people by name."""
        for _, ask in self.asks():
            people = [replace(agent, key=f"x{agent.key}", name="?") for agent in ask.agents]
            queue = replace(ask.queue, pool_state=renamed(ask.queue.pool_state))
            expected = {f"x{key}": reason for key, reason in self.model.refused(ask).items()}
            assert self.model.refused(replace(ask, queue=queue, agents=people)) == expected

    def test_who_serves_some_kind_serves_the_queue(self) -> None:
        """Asked without kind and lane it says who belongs to the queue at all: they keep a turn in its rotation."""
        for _, ask in self.asks():
            assert set(self.model.refused(replace(ask, kind="", lane=""))) <= set(self.model.refused(ask))

    def test_the_question_is_left_alone(self) -> None:
        for _, ask in self.asks():
            before = queue_facts(ask.queue), [agent_facts(agent) for agent in ask.agents]
            self.model.refused(ask)
            assert (queue_facts(ask.queue), [agent_facts(agent) for agent in ask.agents]) == before

    def test_a_pass_gives_to_nobody_it_refuses(self) -> None:
        for _, snapshot in self.examples():
            tasks = {task.id: task for task in snapshot.tasks}
            own = [agent for agent in snapshot.agents if agent.team in self.teams]
            for one in decide(snapshot, self.plugins()).decisions:
                if isinstance(one, Assigned):
                    ask = PoolAsk(snapshot.queues["desk"], own, NOW, kind=tasks[one.task].kind)
                    assert one.agent not in self.model.refused(ask)

    def test_every_stored_decision_runs_again(self) -> None:
        for _, snapshot in self.examples():
            _runs_again(snapshot, decide(snapshot, self.plugins()), self.plugins())

    def test_its_parameters_are_accepted(self) -> None:
        assert list(self.model.check(self.params, self.teams)) == []

    def test_unknown_parameters_are_named(self) -> None:
        found = list(self.model.check({**self.params, "no_such_parameter": 1}, self.teams))
        assert any(name == "no_such_parameter" for name, _ in found)


def _runs_again(snapshot: Snapshot, result: PassResult, plugins: Plugins) -> None:
    stored = record(snapshot, result, plugins)
    for one in result.decisions:
        answer = rerun(stored.head, stored.blocks[block_of(stored.positions[one.task])], one, plugins)
        assert answer.status == SAME, answer.why


Check = Callable[[], None]


def checks(contract: StrategyContract | ModelContract) -> Iterator[tuple[str, Check]]:
    """The checks of a contract by name, for callers without pytest."""
    for name in dir(contract):
        if name.startswith("test_"):
            yield name, getattr(contract, name)
