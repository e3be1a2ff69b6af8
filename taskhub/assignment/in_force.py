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


_known: dict[tuple[Any, ...], InForce] = {}


def of(policies: Policies, keys: Sequence[str], switches: Rows, states: Rows, stopped: Collection[str]) -> InForce:
    """The named queues as they are served; said once for as long as policies, switches and pools stay the same.

    ``switches`` and ``states`` are rows of ``staffing`` and ``pool_state`` by queue; ``stopped``: paused by a person.
    """
    switched = tuple((key, switches[key]["id"]) for key in keys if key in switches)
    pools = tuple((key, states[key]["version"]) for key in keys if key in states)
    place = policies.hash, tuple(keys), switched, pools, tuple(key for key in keys if key in stopped)
    known = _known.get(place)
    if known is None or known.policies is not policies:
        if len(_known) >= KNOWN:
            _known.clear()
        now = {key: _now(policies.queues[key], switches.get(key), paused=key in stopped) for key in keys}
        queues = {key: served(policies, now[key], states.get(key)) for key in keys}
        known = _known[place] = InForce(policies, queues, needs.of_pull(queues.values(), plugins()))
    return known


def _now(queue: Queue, switch: Mapping[str, Any] | None, *, paused: bool) -> Queue:
    return replace(queue, staffing=staffing_of(queue.staffing, switch or {}), paused=queue.paused or paused)


def served(policies: Policies, queue: Queue, state: Mapping[str, Any] | None) -> QueueFacts:
    """The facts of a queue that is served as it stands in ``queue``; a pool found for another model is left out."""
    found = None
    if state is not None and state["facts"].get("model") == queue.staffing.model:
        found = pool_state(state)
    return serving.served(queue, plugins(), pool_state=found, kinds=policies.kinds.values())


def pool_state(row: Mapping[str, Any]) -> PoolState:
    """A row of ``pool_state`` as models see it."""
    members = row["members"]
    kinds = {key: tuple(named) for key, named in row["facts"].get("kinds", {}).items()}
    return PoolState(row["version"], row["open"], None if members is None else frozenset(members), kinds)
