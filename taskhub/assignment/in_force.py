"""How queues are served at this moment: their files, the switches that hold, what workers found for their pools."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from taskhub.assignment import needs, serving
from taskhub.assignment.installed import plugins
from taskhub.assignment.model import PoolState, QueueFacts
from taskhub.policy.policies import Policies
from taskhub.policy.work import Queue
from taskhub.queues.model import staffing_of

KNOWN = 1_000
Rows = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class InForce:
    """Queues as they are served now, and which facts of people a claim from them needs."""

    policies: Policies
    queues: Mapping[str, QueueFacts]
    needs: frozenset[str]


_known: dict[tuple[str, ...], tuple[Any, InForce]] = {}


def of(policies: Policies, keys: Sequence[str], switches: Rows, stopped: Collection[str], states: Rows) -> InForce:
    """The named queues as they are served; said once for as long as policies, switches and pools stay the same.

    Of the same queues only the newest is known: what was before must not keep its policies in memory.
    ``switches`` that hold by queue, queues that are ``stopped``, ``states``: rows of ``pool_state`` by queue.
    """
    switched = tuple((key, switches[key]["id"]) for key in keys if key in switches)
    pools = tuple((key, states[key]["version"]) for key in keys if key in states)
    named, place = tuple(keys), (switched, tuple(key for key in keys if key in stopped), pools)
    before, known = _known.get(named, (None, None))
    if known is None or before != place or known.policies is not policies:
        if len(_known) >= KNOWN:
            _known.clear()
        files = (_switched(policies.queues[key], switches.get(key, {}), stopped) for key in keys)
        queues = {queue.key: served(policies, queue, states.get(queue.key)) for queue in files}
        known = InForce(policies, queues, needs.of_pull(queues.values(), plugins()))
        _known[named] = place, known
    return known


def _switched(file: Queue, switch: Mapping[str, Any], stopped: Collection[str]) -> Queue:
    return replace(file, staffing=staffing_of(file.staffing, switch), paused=file.paused or file.key in stopped)


def served(policies: Policies, queue: Queue, state: Mapping[str, Any] | None) -> QueueFacts:
    """The facts of a queue as it stands; a state that was found for another model says nothing about this one."""
    same = state is not None and state["facts"].get("model") == queue.staffing.model
    found = pool_state(state) if state is not None and same else None
    return serving.served(queue, plugins(), pool_state=found, kinds=policies.kinds.values())


def pool_state(row: Mapping[str, Any]) -> PoolState:
    """A row of ``pool_state`` as models see it."""
    members = row["members"]
    kinds = {key: tuple(named) for key, named in row["facts"].get("kinds", {}).items()}
    return PoolState(row["version"], row["open"], None if members is None else frozenset(members), kinds)
