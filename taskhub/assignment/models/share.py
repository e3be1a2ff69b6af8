"""Share: a fixed part of the work to each of two or more pools, exact over every cycle.

Which pool a task belongs to is drawn once, when it becomes ready (lanes.py), and stands in its shape as the lane. A
task that was never drawn, or drawn for a pool that is no more, is for all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskhub.assignment.params import is_whole, unknown
from taskhub.assignment.reasons import NOT_IN_POOL, OTHER_POOL
from taskhub.assignment.seams import Complaint, PoolAsk

PARAMS = ("weights", "pools")
MOST = 1_000


class Share:
    """``weights`` {pool: 0..1000}; a pool is a team, unless ``pools`` {pool: [teams]} says which teams are in it.

    >>> from taskhub.assignment.model import AgentFacts, QueueFacts
    >>> desk = QueueFacts("desk", ("red", "blue"), params={"weights": {"red": 3, "blue": 1}})
    >>> people = (AgentFacts("ann", "red"), AgentFacts("bob", "blue"))
    >>> share.refused(PoolAsk(desk, people, None, lane="red")), share.refused(PoolAsk(desk, people, None))
    ({'bob': 'other_pool'}, {})
    """

    name = "share"
    version = "1"
    needs: tuple[str, ...] = ()

    def refused(self, ask: PoolAsk) -> Mapping[str, str]:
        pools = pools_of(ask.queue.params)
        everybody = frozenset(team for teams in pools.values() for team in teams)
        inside = frozenset(pools.get(ask.lane, everybody))
        return {
            agent.key: OTHER_POOL if agent.team in everybody else NOT_IN_POOL
            for agent in ask.agents
            if agent.team not in inside
        }

    def check(self, params: Mapping[str, Any], teams: Sequence[str]) -> Iterator[Complaint]:
        yield from unknown(self.name, params, PARAMS)
        weights = params.get("weights")
        if not isinstance(weights, Mapping) or len(weights) < 2:
            yield "weights", f"must give at least two pools a weight, such as {{ red = 3, blue = 1 }}, not {weights!r}"
            return
        wrong = [pool for pool in weights if not is_whole(weights[pool], 0, MOST)]
        for pool in wrong:
            yield f"weights.{pool}", f"must be a whole number from 0 to {MOST}, not {weights[pool]!r}"
        if not wrong and not sum(weights.values()):
            yield "weights", "sum to 0; at least one pool must have a weight above 0"
        yield from _pool_complaints(params, teams)


def pools_of(params: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Pool -> its teams."""
    return params.get("pools") or {team: (team,) for team in params.get("weights", {})}


def pool_of(params: Mapping[str, Any], team: str) -> str | None:
    """The pool a team is in, if any."""
    return next((pool for pool, teams in pools_of(params).items() if team in teams), None)


def _pool_complaints(params: Mapping[str, Any], teams: Sequence[str]) -> Iterator[Complaint]:
    pools = params.get("pools", {})
    if not isinstance(pools, Mapping) or not all(isinstance(listed, list | tuple) for listed in pools.values()):
        yield "pools", f"must be a table pool = [teams], not {pools!r}"
        return
    if pools and set(pools) != set(params["weights"]):
        yield "pools", "must name the pools that have a weight, and no others: " + ", ".join(params["weights"])
    where = "pools" if pools else "weights"
    named = [(pool, team) for pool, listed in pools_of(params).items() for team in listed]
    yield from (
        (f"{where}.{pool}", f"{team!r} is not among the queue's teams: {', '.join(teams)}")
        for pool, team in named
        if team not in teams
    )
    yield from ((f"pools.{pool}", "has no team") for pool, listed in pools.items() if not listed)
    twice = [team for team, times in Counter(str(team) for _, team in named).items() if times > 1]
    yield from ((where, f"{team!r} is in two pools; its people would have two shares") for team in twice)


share = Share()
