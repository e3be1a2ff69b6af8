"""Whose turn it is: a flood from one source keeps neither the other sources nor our own timers and wakes waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from taskhub.db import looks

SOURCES = 8  # looked at in one taking; the others come first in the next
OURS = ""


@dataclass(slots=True)
class Turns:
    """The place in the circle of sources. Each taker has its own: it is a matter of fairness, not of truth."""

    behind: str = OURS

    def ids(self, conn: Connection, now: datetime, rung_before: datetime, limit: int) -> list[int]:
        """Up to ``limit`` rows to take: half for our own, half for the sources; what one leaves the other gets."""
        given = {"now": now, "rung_before": rung_before}

        def first(source: str, most: int) -> list[int]:
            look = looks.FRESH_OF if source else looks.FRESH_OURS
            return list(conn.execute(look, {**given, "source": source, "most": most}).scalars()) if most > 0 else []

        ours = first(OURS, limit)
        sources = self._next(conn)
        theirs: list[int] = []
        room = limit - min(len(ours), (limit + 1) // 2) if sources else 0
        for number, source in enumerate(sources):
            # What is left, evenly among those that still come.
            theirs += first(source, -(-(room - len(theirs)) // (len(sources) - number)))
        return ours[: limit - len(theirs)] + theirs

    def _next(self, conn: Connection) -> Sequence[str]:
        """The next sources in the circle, each once."""
        found = list(conn.execute(looks.SOURCES, {"behind": self.behind, "most": SOURCES}).scalars())
        if self.behind and len(found) < SOURCES:
            again = conn.execute(looks.SOURCES, {"behind": OURS, "most": SOURCES - len(found)}).scalars()
            found += [source for source in again if source <= self.behind]
        self.behind = found[-1] if len(found) == SOURCES else OURS
        return found
