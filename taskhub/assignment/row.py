"""The people who may take tasks of one shape, kept best first while a pass gives them work.

A heap holds each of them once with the score they had when it was pushed. Scores only grow inside a pass, so an entry
that is out of date stands too far forward, never too far back: it is found out, and moved or dropped, when it comes to
the top.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from heapq import heapify, heappop, heappush, heapreplace
from typing import NamedTuple

from taskhub.assignment import reasons
from taskhub.assignment.floor import Floor, Scale
from taskhub.assignment.model import Score
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape

Entry = tuple[Score, int, int, Standing]
ONLY = "only"
FAVOURITE = "favourite"


class Chosen(NamedTuple):
    """Who, with which score, and what set them apart from the next."""

    agent: str
    score: Score
    tie: str


class Row:
    """The people who may take tasks of one shape, best first."""

    __slots__ = ("_heap", "_members", "_settled", "_soon", "_static", "scale")

    def __init__(self, floor: Floor, shape: Shape) -> None:
        self.scale = Scale(floor, shape)
        self._members: dict[str, Standing] = {}
        self._static: set[str] = set()
        self._soon: dict[str, Standing] = {}
        self._settled: tuple[str, ...] | None = None
        for agent in floor.agents:
            codes = floor.codes(agent, shape)
            if not codes:
                self._members[agent.key] = floor.standing[agent.key]
            elif reasons.OUTSIDE.isdisjoint(codes):
                self._static.add(codes[0])
                if reasons.SOON.issuperset(codes):
                    self._soon[agent.key] = floor.standing[agent.key]
        able = [who for who in self._members.values() if not self._shut(who)]
        self.scale.prepare(able)
        self._heap = [self._entry(who) for who in able]
        heapify(self._heap)

    def best(self, excluded: Mapping[str, str]) -> Chosen | None:
        """The best person who is not excluded; the next one tells what set them apart."""
        if excluded and self._members.keys() <= excluded.keys():
            return None
        heap = self._heap
        found: list[Entry] = []
        passed: list[Entry] = []
        while heap and len(found) < 2:
            if not self._fresh():
                continue
            entry = heappop(heap)
            (passed if entry[3].key in excluded else found).append(entry)
        for entry in (*passed, *found):
            heappush(heap, entry)
        if not found:
            return None
        score = found[0][0]
        return Chosen(found[0][3].key, score, self.scale.tie(score, found[1][0]) if len(found) > 1 else ONLY)

    def favourite(self, agent: str, excluded: Mapping[str, str]) -> Chosen | None:
        """This very person, if they may take it."""
        who = self._members.get(agent)
        if who is None or agent in excluded or self._shut(who):
            return None
        return Chosen(agent, self.scale.score(who), FAVOURITE)

    def soon(self, agent: str, excluded: Mapping[str, str]) -> bool:
        """Whether this very person may take it, but for what will soon be over."""
        if agent in excluded:
            return False
        if agent in self._soon:
            return not self._ceiling(self._soon[agent])
        return agent in self._members and self._shut(self._members[agent]) in reasons.SOON

    def hands_free(self) -> bool:
        """Whether anybody is left with room."""
        while self._heap and not self._fresh():
            continue
        return bool(self._heap)

    def reasons(self, excluded: Mapping[str, str]) -> tuple[str, ...]:
        """Why nobody gets it: one code per person who belongs to the queue, each code once.

        In a pull queue room does not count, a ceiling does: whether somebody may take it today is the question.
        """
        if not excluded and self._settled is not None:
            return self._settled
        queue = self.scale.queue
        codes = {
            excluded.get(key) or (self._ceiling(who) or reasons.READY_TO_PULL if queue.pull else self._shut(who) or "")
            for key, who in self._members.items()
        }
        found = summed(self._static | codes)
        if not excluded:
            self._settled = found
        return found

    def _fresh(self) -> bool:
        """Whether the top of the row is up to date; if not, it is dropped (no room) or moved to where it belongs."""
        _, _, version, who = self._heap[0]
        if version == who.version:
            return True
        if self._shut(who):
            heappop(self._heap)
        else:
            heapreplace(self._heap, self._entry(who))
        return False

    def _shut(self, who: Standing) -> str | None:
        """Why no more tasks of this shape fit this person; None while they do."""
        return self._ceiling(who) or who.no_room(self.scale.queue.key)

    def _ceiling(self, who: Standing) -> str | None:
        queue = self.scale.queue
        return who.ceiling(queue, self.scale.shape.kind) if queue.ceilings else None

    def _entry(self, who: Standing) -> Entry:
        return self.scale.score(who), self.scale.lot(who), who.version, who


def summed(codes: Collection[str]) -> tuple[str, ...]:
    """The reasons of a waiting task from the codes of the people who belong to its queue."""
    for alone in (reasons.READY_TO_PULL, reasons.WAITS_FOR_FAVOURITE):
        if alone in codes:
            return (alone,)
    return tuple(sorted(codes)) or (reasons.POOL_EMPTY,)
