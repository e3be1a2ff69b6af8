"""Duty rota: whoever is on duty, each for the kinds of their duty; planned ahead, rotating, fair over a quarter.

The plan (duty_plan.py) is made by workers and comes in as ``pool_state``. Until there is one, everybody of the teams
serves: work must not wait for a plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskhub.assignment.model import AgentFacts, PoolState
from taskhub.assignment.params import choice, some_teams, unknown, whole
from taskhub.assignment.reasons import NOT_IN_POOL, NOT_ON_DUTY, OTHER_KINDS
from taskhub.assignment.seams import Complaint, PoolAsk

PARAMS = ("teams", "slice", "kinds_per_slice", "people_per_kind")
SLICES = ("half_day", "day", "week")
MOST = 100


class DutyRota:
    """``teams`` (default the queue's), ``slice`` (default day), ``kinds_per_slice`` and ``people_per_kind`` (both 1).

    >>> from taskhub.assignment.model import QueueFacts
    >>> today = PoolState(members=frozenset({"ann"}), kinds={"ann": ("offer",)})
    >>> desk = QueueFacts("desk", ("red",), pool_state=today)
    >>> people = (AgentFacts("ann", "red"), AgentFacts("bob", "red"))
    >>> duty_rota.refused(PoolAsk(desk, people, None, kind="offer"))
    {'bob': 'not_on_duty'}
    >>> duty_rota.refused(PoolAsk(desk, people, None, kind="contract"))
    {'ann': 'other_kinds', 'bob': 'not_on_duty'}
    """

    name = "duty_rota"
    version = "1"
    needs: tuple[str, ...] = ()

    def refused(self, ask: PoolAsk) -> Mapping[str, str]:
        teams = frozenset(ask.queue.params.get("teams") or ask.queue.teams)
        state = ask.queue.pool_state or PoolState()
        found = ((agent.key, _why_not(agent, teams, state, ask.kind)) for agent in ask.agents)
        return {key: reason for key, reason in found if reason}

    def check(self, params: Mapping[str, Any], teams: Sequence[str]) -> Iterator[Complaint]:
        yield from unknown(self.name, params, PARAMS)
        yield from some_teams(params, "teams", teams)
        yield from choice(params, "slice", SLICES)
        yield from whole(params, "kinds_per_slice", 1, MOST)
        yield from whole(params, "people_per_kind", 1, MOST)


def _why_not(agent: AgentFacts, teams: frozenset[str], state: PoolState, kind: str) -> str | None:
    if agent.team not in teams:
        return NOT_IN_POOL
    if state.members is not None and agent.key not in state.members:
        return NOT_ON_DUTY
    return OTHER_KINDS if kind and kind not in state.kinds.get(agent.key, (kind,)) else None


duty_rota = DutyRota()
