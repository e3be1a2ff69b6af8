"""Who is in a queue's pool under some staffing: what a switch is shown by before it is made. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from taskhub.assignment import eligibility, in_force, passes, reasons, serving, store
from taskhub.assignment.installed import plugins
from taskhub.assignment.model import AgentFacts, QueueFacts
from taskhub.assignment.registry import built_ins
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.policy.policies import Policies
from taskhub.policy.work import Queue, Staffing

PLANNED = frozenset({"overflow", "duty_rota", "chain"})
_AWAY = frozenset({reasons.INACTIVE, reasons.ABSENT, reasons.OFF_SHIFT, *reasons.PRESENCE.values()}) - {"presence_busy"}


@dataclass(frozen=True, slots=True)
class Pool:
    """``refused``: person -> why they are not in the pool; None: only a worker may ask this plug-in.

    ``planned``: workers will say who of them is in turn; until then it is everybody who may be.
    """

    people: tuple[str, ...]
    refused: Mapping[str, str] | None
    planned: bool = False


def check(tx: Tx, queue: Queue, staffing: Staffing) -> None:
    """What ``config check`` says of such a staffing. Raises InvalidInput naming every fault, range and nearest name."""
    found = complaints(tx.policies, queue, staffing)
    if not found:
        return
    faults = [(path.removeprefix("staffing."), _said(message, hint)) for path, message, hint in found]
    errors = [{"path": path, "message": message} for path, message in faults]
    raise InvalidInput(
        " ".join(f"{path}: {message}" for path, message in faults), code="staffing_invalid", errors=errors
    )


def complaints(policies: Policies, queue: Queue, staffing: Staffing) -> list[serving.Complaint]:
    """What is wrong with a staffing of a queue under these policies."""
    return list(serving.complaints(replace(queue, staffing=staffing), plugins(), policies.kinds.values()))


def _said(message: str, hint: str | None) -> str:
    return message if hint is None or hint in message else f"{message} Did you mean {hint!r}?"


def of(tx: Tx, queue: Queue, at: datetime) -> Pool:
    """The pool of the queue as it stands in ``queue`` at an instant: shifts and absences of then, presence aside.

    In the pool is who would be asked for any kind of the queue.
    """
    people = _people(tx, queue)
    active = [one for one in people if one.active]
    names = tuple(one.key for one in active)
    if queue.staffing.model not in built_ins().model_names:
        return Pool(names, None)
    facts = in_force.served(tx.policies, queue, store.pool_states(tx, [queue.key]).get(queue.key))
    planned = queue.staffing.model in PLANNED and facts.pool_state is None
    return Pool(names, _refused(tx, facts, active, at), planned)


def _people(tx: Tx, queue: Queue) -> list[AgentFacts]:
    return store.people(tx, queue.teams, passes.paused_queues(tx), None, [queue.key])


def on_shift(tx: Tx, queue: Queue) -> int:
    """How many people of the pool are at work now and able to do something there.

    Neither off shift nor absent; whom a phone keeps busy counts.
    """
    facts = passes.facts(tx, [queue])[queue.key]
    able = [
        one
        for one in _people(tx, queue)
        if any(kind.skill_key in one.skills for kind in tx.policies.kinds_of(queue.key))
    ]
    there = [one for one in able if _AWAY.isdisjoint(eligibility.of_person(one, tx.now))]
    if facts.model not in built_ins().model_names:
        return len(there)
    return len(there) - len(_refused(tx, facts, there, tx.now))


def _refused(tx: Tx, facts: QueueFacts, people: list[AgentFacts], at: datetime) -> dict[str, str]:
    shapes = [serving.shape_of(kind) for kind in tx.policies.kinds_of(facts.key)]
    each = [eligibility.pool(facts, people, at, shape, plugins()) for shape in shapes]
    return {one.key: each[0][one.key] for one in people if each and all(one.key in refused for refused in each)}
