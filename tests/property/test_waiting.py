"""How long a task can wait: whatever comes later than its start_by goes after it, and a freed hand takes the oldest."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskhub.assignment.decide import Run, decide, in_order
from taskhub.assignment.explain import against
from taskhub.assignment.floor import Floor, enrolled
from taskhub.assignment.model import AgentFacts, Assigned, QueueFacts, Snapshot, TaskFacts
from taskhub.assignment.registry import built_ins
from taskhub.tasks.order import ORDERS, start_by
from taskhub.tasks.shape import Shape

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLUGINS = built_ins()
MAX_WAIT = {"low": 60 * MINUTE, "normal": 30 * MINUTE, "high": 10 * MINUTE, "urgent": 2 * MINUTE}


class RoundTheClock:
    """A calendar that is always open."""

    def add(self, start: datetime, budget: timedelta) -> datetime:
        return start + budget

    def sub(self, end: datetime, budget: timedelta) -> datetime:
        return end - budget


ARRIVALS = st.lists(
    st.tuples(
        st.integers(0, 40),  # minute it becomes ready
        st.sampled_from(sorted(MAX_WAIT)),
        st.one_of(st.none(), st.integers(-10, 90)),  # due so many minutes later
        st.sampled_from(["offer", "contract"]),
        st.sampled_from([5.0, 30.0]),
    ),
    min_size=1,
    max_size=14,
)
TEAM = st.lists(
    st.tuples(st.integers(1, 2), st.sampled_from([("offer",), ("contract",), ("contract", "offer")])),
    min_size=1,
    max_size=3,
)
PASSES = st.lists(st.tuples(st.integers(0, 45), st.integers(0, 3)), min_size=1, max_size=8)


@dataclass
class House:
    """One queue over time: who holds how much, what waits, and a pass now and then."""

    queue: QueueFacts
    held: dict[str, int]
    skills: dict[str, tuple[str, ...]]
    waiting: list[TaskFacts]

    def people(self) -> tuple[AgentFacts, ...]:
        return tuple(
            AgentFacts(key, "red", skills=dict.fromkeys(self.skills[key], 1), capacity=2, held=held, load=float(held))
            for key, held in self.held.items()
        )

    def run(self, now: datetime) -> None:
        """One pass; after each gift, nothing that should have gone before it to that person is left waiting."""
        there = [task for task in self.waiting if task.ready_at and task.ready_at <= now]
        run = Run(enrolled(Snapshot(now, {"desk": self.queue}, self.people()), PLUGINS), PLUGINS)
        for task in in_order(there):
            before = _copy(run.floor)
            one = run.decide(task)
            if isinstance(one, Assigned):
                there.remove(task)
                self.waiting.remove(task)
                self.held[one.agent] += 1
                for older in there:
                    if task.ready_at and task.ready_at > older.start_by:
                        assert against(before, before.standing[one.agent], older), (older, task)

    def free(self, count: int) -> None:
        """So many tasks are done, by those who hold most."""
        for _ in range(count):
            key = max(self.held, key=lambda one: self.held[one])
            self.held[key] = max(0, self.held[key] - 1)


def _copy(floor: Floor) -> Floor:
    again = Floor(Snapshot(floor.now, floor.queues, floor.agents, (), floor.turns()), floor.plugins)
    again.restore(floor.state())
    return again


@settings(max_examples=2 * settings().max_examples)
@given(ARRIVALS, TEAM, PASSES, st.sampled_from(sorted(ORDERS)), st.sampled_from(PLUGINS.strategy_names))
def test_nothing_created_after_a_start_by_overtakes_it(
    arrivals: Any, team: Any, passes: Any, order: str, strategy: str
) -> None:
    tasks = []
    for number, (minute, priority, due, kind, minutes) in enumerate(arrivals):
        ready = NOW + minute * MINUTE
        due_at = None if due is None else ready + due * MINUTE
        first = start_by(
            order, ready_at=ready, due_at=due_at, minutes=minutes, priority=priority, max_wait=MAX_WAIT,
            calendar=RoundTheClock(),
        )  # fmt: skip
        assert first >= ready
        tasks.append(TaskFacts(f"t{number}", Shape.of("desk", kind), first, ready, ready_at=ready, served_by="p0"))
    params = {"wait": "10m"} if strategy == "sticky" else {}
    house = House(
        QueueFacts("desk", ("red",), strategy=strategy, strategy_params=params),
        {f"p{number}": held for number, (held, _) in enumerate(team)},
        {f"p{number}": skills for number, (_, skills) in enumerate(team)},
        tasks,
    )
    for minute, freed in sorted(passes):
        house.free(freed)
        house.run(NOW + minute * MINUTE)


@pytest.mark.parametrize("strategy", PLUGINS.strategy_names)
def test_all_are_full_and_the_freed_hand_takes_the_oldest(strategy: str) -> None:
    people = tuple(AgentFacts(f"p{number}", "red", skills={"offer": 1}, held=3) for number in range(4))
    tasks = tuple(
        TaskFacts(f"t{number}", Shape.of("desk", "offer"), NOW + (number * 7 % 10) * MINUTE, NOW)
        for number in range(10)
    )
    full = Snapshot(NOW, {"desk": QueueFacts("desk", ("red",), strategy=strategy)}, people, tasks)
    assert not any(isinstance(one, Assigned) for one in decide(full, PLUGINS).decisions)
    freed = replace(full, agents=(*people[:2], replace(people[2], held=2), people[3]))
    given_away = [(one.task, one.agent) for one in decide(freed, PLUGINS).decisions if isinstance(one, Assigned)]
    assert given_away == [("t0", "p2")]
