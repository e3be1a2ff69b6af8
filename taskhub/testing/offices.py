"""Small offices drawn at random, the same for the same seed: what the contract suite lets plug-ins decide about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from taskhub.assignment.model import AgentFacts, PoolState, QueueFacts, Snapshot, TaskFacts
from taskhub.tasks.shape import Shape

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
KINDS = ("offer", "contract")
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
        skills={kind: chance.randint(1, 5) for kind in KINDS if chance.random() < 0.9},
        capacity=chance.randint(2, 9),
        held=held,
        load=float(held + chance.randint(0, 2)),
        given_today=chance.randint(0, 3),
        presence="busy" if chance.random() < 0.1 else "available",
        shifts=chance.choice(((), (), OFFICE, OFFICE, (("sun", ("09:00-12:00",)),))),
        absences=((leave, leave + timedelta(days=1)),) if chance.random() < 0.3 else (),
        front_line_waiting=chance.random() < 0.1,
        share_served=chance.random() / 2,
        idle_since=chance.choice((None, NOW - timedelta(minutes=chance.randint(1, 90)))),
        load_minutes=15.0 * held,
        minutes_by_kind={kind: float(chance.randint(5, 40)) for kind in KINDS if chance.random() < 0.5},
        kinds_today={kind: chance.randint(0, 3) for kind in KINDS if chance.random() < 0.5},
        ledger={"minutes": chance.randint(0, 900), "hard": chance.randint(0, 5), "duty": chance.randint(0, 3)},
        credit=chance.choice((1.0, 1.0, 0.5, 0.0)),
    )


def _task(chance: Random, number: int, queue: str, people: Sequence[AgentFacts]) -> TaskFacts:
    return TaskFacts(
        id=f"task-{number}",
        shape=Shape.of(queue, chance.choice(KINDS), level=chance.randint(1, 4)),
        start_by=NOW + timedelta(minutes=chance.randint(-60, 60)),
        created_at=NOW - timedelta(minutes=chance.randint(0, 600)),
        weight=chance.choice((0.5, 1.0, 2.0)),
        due_at=chance.choice((None, NOW - timedelta(hours=1), NOW + timedelta(hours=3))),
        served_by=chance.choice(people).key if chance.random() < 0.4 else None,
        ready_at=NOW - timedelta(minutes=chance.randint(0, 60)),
        excluded={chance.choice(people).key: "declined"} if chance.random() < 0.3 else {},
    )


def shuffled(chance: Random, snapshot: Snapshot) -> Snapshot:
    agents, tasks = list(snapshot.agents), list(snapshot.tasks)
    chance.shuffle(agents)
    chance.shuffle(tasks)
    return replace(snapshot, agents=tuple(agents), tasks=tuple(tasks))


def pool_state(chance: Random, people: Sequence[AgentFacts]) -> PoolState | None:
    """What a worker may have found for a model that looks beyond the person: nothing, a door, or a list."""
    if chance.random() < 0.25:
        return None
    if chance.random() < 0.3:
        return PoolState(open=chance.random() < 0.5)
    members = sorted(agent.key for agent in people if chance.random() < 0.6)
    kinds = {key: tuple(chance.sample(KINDS, chance.randint(1, 2))) for key in members if chance.random() < 0.7}
    return PoolState(1, open=True, members=frozenset(members), kinds=kinds)


def renamed(state: PoolState | None) -> PoolState | None:
    """The same state about people with an x before their key."""
    if state is None:
        return None
    members = None if state.members is None else frozenset(f"x{key}" for key in state.members)
    return replace(state, members=members, kinds={f"x{key}": kinds for key, kinds in state.kinds.items()})
