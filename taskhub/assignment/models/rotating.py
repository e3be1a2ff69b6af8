"""In turn: versatile front-line people, task by task, as long as no front-line work of theirs waits.

Back-office work goes into their protected blocks, or until it has filled its share of the shift; with neither, it may
come at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskhub.agents.availability import Weekly, inside, problems, weekly
from taskhub.assignment.model import AgentFacts, Instant
from taskhub.assignment.reasons import FRONT_LINE_FIRST, NOT_IN_POOL, SHARE_USED
from taskhub.assignment.seams import Complaint, PoolAsk

PARAMS = ("protected_block", "share_of_shift", "teams")


class Rotating:
    name = "rotating"
    version = "1"

    def refused(self, ask: PoolAsk) -> Mapping[str, str]:
        params = ask.queue.params
        teams = frozenset(params.get("teams") or ask.queue.teams)
        blocks = weekly(params.get("protected_block") or {})
        share = params.get("share_of_shift")
        found = ((agent.key, _why_not(agent, teams, blocks, share, ask.now)) for agent in ask.agents)
        return {key: reason for key, reason in found if reason}

    def check(self, params: Mapping[str, Any], teams: Sequence[str]) -> Iterator[Complaint]:
        """``teams`` default to the queue's; ``protected_block`` is weekly openings, ``share_of_shift`` in (0, 1]."""
        yield from ((name, "is not a parameter of rotating") for name in params if name not in PARAMS)
        for team in params.get("teams", ()):
            if team not in teams:
                yield "teams", f"{team!r} is not among the queue's teams: {', '.join(teams)}"
        share = params.get("share_of_shift")
        if share is not None and not (isinstance(share, int | float) and 0 < share <= 1):
            yield "share_of_shift", f"must lie above 0 and not above 1, not {share!r}"
        for path, message in problems(params.get("protected_block", {})):
            yield f"protected_block{path}", message


def _why_not(agent: AgentFacts, teams: frozenset[str], blocks: Weekly, share: float | None, now: Instant) -> str | None:
    if agent.team not in teams:
        return NOT_IN_POOL
    if agent.front_line_waiting:
        return FRONT_LINE_FIRST
    if inside(agent.time_zone, blocks, now):
        return None
    if share is not None:
        return None if agent.share_served < share else SHARE_USED
    return SHARE_USED if blocks else None


rotating = Rotating()
