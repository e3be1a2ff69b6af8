"""Who will be on leave when a task falls due: the fast form of the filter ``absent_when_due``, for a whole pass."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from taskhub.assignment import reasons
from taskhub.assignment.model import AgentFacts, Instant

_NOBODY: Mapping[str, str] = {}


class Leaves:
    """Who will be on leave when a task falls due. Between two edges of leaves the answer is the same, so it is kept."""

    def __init__(self, agents: tuple[AgentFacts, ...], now: Instant) -> None:
        self._leaves = [
            (agent.key, since, until)
            for agent in agents
            for since, until in agent.absences
            if until is None or until > now
        ]
        self._edges = sorted({edge for _, since, until in self._leaves for edge in (since, until) if edge})
        self._known: dict[int, Mapping[str, str]] = {}

    def at(self, due_at: Instant | None) -> Mapping[str, str]:
        """Agent -> absent_before_due, for a task due at that time."""
        if not self._leaves or due_at is None:
            return _NOBODY
        place = bisect_right(self._edges, due_at)
        known = self._known.get(place)
        if known is None:
            gone = (key for key, since, until in self._leaves if since <= due_at and (until is None or due_at < until))
            known = self._known[place] = dict.fromkeys(gone, reasons.ABSENT_BEFORE_DUE)
        return known
