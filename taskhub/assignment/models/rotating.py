"""In turn: versatile front-line people, task by task, as long as no front-line work of theirs waits.

Back-office work goes into their protected blocks, or until it has filled its share of the shift; with neither, it may
come at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskhub.agents.availability import Weekly, inside, problems, weekly
from taskhub.assignment.model import AgentFacts, Instant
from taskhub.assignment.params import fraction, some_teams, unknown
from taskhub.assignment.reasons import FRONT_LINE_FIRST, NOT_IN_POOL, SHARE_USED
from taskhub.assignment.seams import Complaint, PoolAsk

PARAMS = ("protected_block", "share_of_shift", "teams")


class Rotating:
    """``teams`` (default the queue's), ``protected_block`` (weekly openings), ``share_of_shift``.

    >>> from taskhub.assignment.model import QueueFacts
    >>> desk = QueueFacts("desk", ("red",), params={"share_of_shift": 0.25})
    >>> people = (AgentFacts("ann", "red", share_served=0.1), AgentFacts("bob", "red", share_served=0.25))
    >>> rotating.refused(PoolAsk(desk, people, None))
    {'bob': 'share_used'}
    """

    name = "rotating"
    version = "1"
    needs = ("front_line_waiting", "share_served")

    def refused(self, ask: PoolAsk) -> Mapping[str, str]:
        params = ask.queue.params
        teams = frozenset(params.get("teams") or ask.queue.teams)
        blocks = weekly(params.get("protected_block") or {})
        share = params.get("share_of_shift")
        found = ((agent.key, _why_not(agent, teams, blocks, share, ask.now)) for agent in ask.agents)
        return {key: reason for key, reason in found if reason}

    def check(self, params: Mapping[str, Any], teams: Sequence[str]) -> Iterator[Complaint]:
        """``teams`` default to the queue's; ``protected_block`` is weekly openings, ``share_of_shift`` in (0, 1]."""
        yield from unknown(self.name, params, PARAMS)
        yield from some_teams(params, "teams", teams)
        yield from fraction(params, "share_of_shift")
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
