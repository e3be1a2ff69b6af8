"""Rehearsal over what is stored: loads the tasks whose ladder may move in the next hours, and the people around."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.escalation import ladder, service, store
from taskhub.escalation.people import house_of
from taskhub.escalation.rehearsal import Climber, Foreseen, rehearse, shown
from taskhub.escalation.whereabouts import House
from taskhub.tasks import service as tasks
from taskhub.tasks.model import BLOCKED, PAUSED, Task

TIMERS = ("escalation.step", "task.snooze")
MOST_TASKS = 500
LONGEST = 24 * 14


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """``more``: there are further tasks, due later than those looked at."""

    now: datetime
    until: datetime
    foreseen: Sequence[Foreseen]
    house: House
    more: bool

    def items(self) -> list[dict[str, Any]]:
        """Every firing to come as it is read, in due order."""
        named = {key: person.name for key, person in self.house.people.items()}
        return [shown(one, named) for one in self.foreseen]


def rehearsal(tx: Tx, hours: float, queues: Collection[str] | None = None) -> Rehearsal:
    """What will escalate within ``hours`` if nobody does anything; in ``queues``, or (None) anywhere."""
    if not 0 < hours <= LONGEST:
        raise InvalidInput(f"hours must lie above 0 and be at most {LONGEST}.", field="hours")
    until = tx.now + timedelta(hours=hours)
    promises = [key for key in tx.policies.sla if ladder.policy_of(tx.policies, key) is not None]
    # What has no ladder, or lies in another queue, takes no place among the tasks looked at.
    keys = store.to_come(tx, TIMERS, until, MOST_TASKS + 1, promises=promises, queues=queues)
    climbers = list(_climbers(tx, keys[:MOST_TASKS]))
    house = _house(tx, climbers)
    found = [firing for one in climbers for firing in rehearse(one, house, tx.now, until)]
    found.sort(key=lambda one: (max(one.rung.due_at, tx.now), one.task, one.rung.due_at, one.rung.step))
    return Rehearsal(tx.now, until, found, house, len(keys) > MOST_TASKS)


def _climbers(tx: Tx, keys: Sequence[str]) -> Iterator[Climber]:
    for key in keys:
        task = tasks.get(tx, key)
        policy = ladder.policy_of(tx.policies, task.sla)
        if policy is not None:
            yield from _climber(tx, task, policy)


def _climber(tx: Tx, task: Task, policy: Any) -> Iterator[Climber]:
    facts = service.facts_of(tx, task)
    queue = tx.policies.queues.get(task.queue)
    if facts is not None:
        yield Climber(
            task.id, task.title, task.queue, policy, service.fired_of(tx, task, policy), facts, task.agent,
            tuple(queue.teams) if queue else (), tuple(task.extra_teams),
            task.paused_until if task.state == PAUSED and _stands_still(facts) else None,
            is_blocked=task.state == BLOCKED,
        )  # fmt: skip


def _stands_still(facts: ladder.Facts) -> bool:
    return any(pause.ends_at is None for pause in facts.clock.pauses)


def _house(tx: Tx, climbers: Sequence[Climber]) -> House:
    holders = {one.holder for one in climbers if one.holder}
    teams = {team for one in climbers for team in (*one.queue_teams, *one.extra_teams)}
    steps = [step for one in climbers for step in one.policy.steps]
    teams |= {team for step in steps for team in step.widen}
    return house_of(tx, holders, teams, {to for step in steps for to in step.notify}, ahead=True)
