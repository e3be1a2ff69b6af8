"""How queues are served at this moment: their files, the switches that hold, what workers found for their pools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taskhub.assignment import needs, serving
from taskhub.assignment.installed import plugins
from taskhub.assignment.model import PoolState, QueueFacts
from taskhub.policy.policies import Policies
from taskhub.policy.work import Staffing

KNOWN = 1_000
Rows = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class InForce:
    """Queues as they are served now, and which facts of people a claim from them needs."""

    policies: Policies
    queues: Mapping[str, QueueFacts]
    needs: frozenset[str]


_known: dict[tuple[Any, ...], InForce] = {}


def of(policies: Policies, keys: Sequence[str], switches: Rows, states: Rows) -> InForce:
    """The named queues as they are served; said once for as long as policies, switches and pools stay the same.

    ``switches`` and ``states`` are rows of ``staffing`` and ``pool_state`` by queue.
    """
    switched = tuple((key, switches[key]["id"]) for key in keys if key in switches)
    pools = tuple((key, states[key]["version"]) for key in keys if key in states)
    place = policies.hash, tuple(keys), switched, pools
    known = _known.get(place)
    if known is None or known.policies is not policies:
        if len(_known) >= KNOWN:
            _known.clear()
        queues = {key: _served(policies, key, switches.get(key), states.get(key)) for key in keys}
        known = _known[place] = InForce(policies, queues, needs.of_pull(queues.values(), plugins()))
    return known


def _served(
    policies: Policies, key: str, switch: Mapping[str, Any] | None, state: Mapping[str, Any] | None
) -> QueueFacts:
    queue = policies.queues[key]
    staffing = switched_to(queue.staffing, switch)
    model = (staffing or queue.staffing).model
    found = pool_state(state) if state is not None and state["facts"].get("model") == model else None
    return serving.served(queue, plugins(), switch=staffing, pool_state=found, kinds=policies.kinds.values())


def switched_to(own: Staffing, switch: Mapping[str, Any] | None) -> Staffing | None:
    """What a switch says; None where there is none, or where it returns to the file."""
    if switch is None or switch["model"] is None:
        return None
    return Staffing(switch["model"], switch["params"], switch["strategy"] or own.strategy)


def pool_state(row: Mapping[str, Any]) -> PoolState:
    """A row of ``pool_state`` as models see it."""
    members = row["members"]
    kinds = {key: tuple(named) for key, named in row["facts"].get("kinds", {}).items()}
    return PoolState(row["version"], row["open"], None if members is None else frozenset(members), kinds)
