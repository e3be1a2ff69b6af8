"""Dedicated team: the specialist team and nobody else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskhub.assignment.params import one_team, unknown
from taskhub.assignment.reasons import NOT_IN_POOL
from taskhub.assignment.seams import Complaint, PoolAsk


class Dedicated:
    """``team``, which may be left out where the queue names one only.

    >>> from taskhub.assignment.model import AgentFacts, QueueFacts
    >>> desk = QueueFacts("desk", ("red", "blue"), params={"team": "red"})
    >>> dedicated.refused(PoolAsk(desk, (AgentFacts("ann", "red"), AgentFacts("bob", "blue")), None))
    {'bob': 'not_in_pool'}
    """

    name = "dedicated"
    version = "1"
    needs: tuple[str, ...] = ()

    def refused(self, ask: PoolAsk) -> Mapping[str, str]:
        team = ask.queue.params.get("team")
        return {agent.key: NOT_IN_POOL for agent in ask.agents if team is not None and agent.team != team}

    def check(self, params: Mapping[str, Any], teams: Sequence[str]) -> Iterator[Complaint]:
        """``team`` may be left out where the queue names one team only."""
        yield from one_team(params, "team", teams)
        yield from unknown(self.name, params, ("team",))


dedicated = Dedicated()
