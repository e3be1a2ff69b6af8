"""Dedicated team: the specialist team and nobody else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskhub.assignment.reasons import NOT_IN_POOL
from taskhub.assignment.seams import Complaint, PoolAsk


class Dedicated:
    name = "dedicated"
    version = "1"

    def refused(self, ask: PoolAsk) -> Mapping[str, str]:
        team = ask.queue.params.get("team")
        return {agent.key: NOT_IN_POOL for agent in ask.agents if team is not None and agent.team != team}

    def check(self, params: Mapping[str, Any], teams: Sequence[str]) -> Iterator[Complaint]:
        """``team`` may be left out where the queue names one team only."""
        if "team" not in params:
            if len(teams) != 1:
                yield "team", "say which team; the queue names " + (", ".join(teams) or "none")
        elif params["team"] not in teams:
            yield "team", f"{params['team']!r} is not among the queue's teams: {', '.join(teams)}"
        yield from ((name, "is not a parameter of dedicated") for name in params if name != "team")


dedicated = Dedicated()
