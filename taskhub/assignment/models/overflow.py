"""Dedicated with help: the specialist team always, other teams while the forecast says that promises are at risk.

The forecast is made by workers (at_risk.py) and comes in as ``pool_state``; without one no help is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskhub.assignment.model import AgentFacts, PoolState
from taskhub.assignment.params import fraction, one_team, some_teams, unknown
from taskhub.assignment.reasons import NOT_IN_POOL, POOL_CLOSED
from taskhub.assignment.seams import Complaint, PoolAsk

PARAMS = ("team", "overflow_teams", "at_risk_fraction")
AT_RISK_FRACTION = 0.2


class Overflow:
    """``team``, ``overflow_teams``, ``at_risk_fraction`` of the waiting tasks (default 0.2) from which help comes.

    >>> from dataclasses import replace
    >>> from taskhub.assignment.model import QueueFacts
    >>> desk = QueueFacts("desk", ("red", "blue"), params={"team": "red", "overflow_teams": ["blue"]})
    >>> people = (AgentFacts("ann", "red"), AgentFacts("bob", "blue"))
    >>> overflow.refused(PoolAsk(desk, people, None))
    {'bob': 'pool_closed'}
    >>> overflow.refused(PoolAsk(replace(desk, pool_state=PoolState(open=True)), people, None))
    {}
    """

    name = "overflow"
    version = "1"
    needs: tuple[str, ...] = ()

    def refused(self, ask: PoolAsk) -> Mapping[str, str]:
        params = ask.queue.params
        own, helpers = params.get("team"), frozenset(params.get("overflow_teams") or ())
        state = ask.queue.pool_state or PoolState(open=False)
        found = ((agent.key, _why_not(agent, own, helpers, state)) for agent in ask.agents)
        return {key: reason for key, reason in found if reason}

    def check(self, params: Mapping[str, Any], teams: Sequence[str]) -> Iterator[Complaint]:
        yield from unknown(self.name, params, PARAMS)
        yield from one_team(params, "team", teams)
        helping = [team for team in teams if team != params.get("team")]
        if "overflow_teams" not in params:
            yield "overflow_teams", "say which teams help; the queue names besides: " + (", ".join(helping) or "none")
        else:
            yield from some_teams(params, "overflow_teams", helping)
        yield from fraction(params, "at_risk_fraction")


def _why_not(agent: AgentFacts, own: str | None, helpers: frozenset[str], state: PoolState) -> str | None:
    if agent.team == own:
        return None
    if agent.team not in helpers:
        return NOT_IN_POOL
    return None if state.open else POOL_CLOSED


overflow = Overflow()
