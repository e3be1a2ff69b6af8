"""What managers are told about assignment itself: who stopped starting offers, what only one person could take."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any

from taskhub.agents.model import Agent
from taskhub.assignment import cover
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.escalation import store
from taskhub.escalation.notifications.model import LATE, Notice
from taskhub.escalation.notifications.tell import tell
from taskhub.policy.work import Queue
from taskhub.tasks import moves
from taskhub.tasks import service as tasks
from taskhub.tasks.model import QUEUED, Task

SOLE = -2  # the step under which it is recorded that the only person for a task gave it back

log = logging.getLogger(__name__)

Say = Callable[[str], str]


def missed(tx: Tx, person: Agent, queue: Queue, misses: int) -> None:
    """Somebody let ``misses`` offers in a row run out and was set away."""
    log.warning("%s did not start %d offers in a row and was set away", person.key, misses)

    def say(language: str) -> str:
        name = queue.name.in_(language)
        if language.startswith("fr"):
            return f"{person.name} n’a pas commencé {misses} tâches de suite ({name}) et est maintenant en absence."
        return f"{person.name} did not start {misses} offers in a row ({name}) and is away now."

    _tell(tx, (person.team,), None, say)


def declined(tx: Tx, row: Taken) -> None:
    """A task was given back. Where nobody else may take it, its managers are told, and that it is offered again."""
    task = moves.locked(tx, row.key)
    agent = str(row.payload["agent"])
    queue = tx.policies.queues.get(task.queue)
    if task.state != QUEUED or queue is None or not _alone(tx, task, agent):
        return
    past = [one for one in store.steps(tx, task.id) if one.step == SOLE]
    log.warning("task %s was given back by %s, the only person for it", task.id, agent)
    told = _tell(tx, queue.teams, task.id, lambda language: _sole(task, agent, queue, language))
    done: dict[str, Any] = {"agent": agent, "notified": told, "offered_again_at": tx.after(queue.cool_down).isoformat()}
    step = {"task": task.id, "step": SOLE, "repetition": len(past), "policy": "sole_agent", "due_at": tx.now}
    store.record(tx, {**step, "at": tx.now, "effects": done})
    change: dict[str, Any] = {"policy": "sole_agent", "step": SOLE, "repetition": len(past), "due": tx.now.isoformat()}
    tx.record("escalation", task.id, "fire", {**change, **done})


def _alone(tx: Tx, task: Task, agent: str) -> bool:
    kept_out = [who for who, _, until in tasks.exclusions(tx, task.id) if until is None or until > tx.now]
    return bool(cover.nobody_for(tx, task.queue, task.shape, agent, kept_out))


def _sole(task: Task, agent: str, queue: Queue, language: str) -> str:
    name = queue.name.in_(language)
    if language.startswith("fr"):
        return (
            f"{task.title} ({name}) : {agent} l’a rendue et personne d’autre ne peut la prendre ; reproposée ensuite."
        )
    return f"{task.title} ({name}): {agent} gave it back and nobody else may take it; it will be offered to them again."


def _tell(tx: Tx, teams: Collection[str], task: str | None, say: Say) -> list[str]:
    """One notice to each leader and manager of the teams. Returns whom."""
    rows = store.teams(tx, teams)
    wanted = {key for team in rows for key in (team.leader, *team.managers) if key}
    people = [person for person in store.people(tx, wanted) if person.active]
    topic = "sole_agent" if task else "missed"
    for person in people:
        subject = say(person.language)
        tell(tx, Notice(topic, LATE, subject, subject, person.key, email=person.email, task=task))
    return sorted(person.key for person in people)
