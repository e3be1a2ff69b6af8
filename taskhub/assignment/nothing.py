"""Why there is nothing to take: how many tasks wait in the caller's queues, and what keeps them from this person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from taskhub.assignment import passes, pull, store
from taskhub.assignment.installed import plugins
from taskhub.db.tx import Tx
from taskhub.tasks import queries

MOST = 100


@dataclass(frozen=True, slots=True)
class Nothing:
    """``waiting`` tasks were looked at, MOST at most; ``reasons``: code -> how many it keeps back, most first."""

    waiting: int
    reasons: tuple[tuple[str, int], ...]


def why(tx: Tx, wanted: Sequence[str] | None) -> Nothing:
    """Looks into the named queues, or those whose teams the caller belongs to. The first reason counts."""
    me = tx.by.agent
    person = store.person(tx, me, passes.paused_queues(tx), lock=False) if me is not None else None
    known = tx.policies.queues
    mine = [
        queue for key, queue in known.items() if (key in wanted if wanted is not None else tx.by.team in queue.teams)
    ]
    if person is None or not mine:
        return Nothing(0, ())
    served = passes.facts(tx, mine)
    rows = store.waiting(tx, queries.first_waiting(tx, list(served), MOST))
    shapes, out = store.shapes(tx, list(served)), store.excluded(tx, [row.id for row in rows])
    found: Counter[str] = Counter()
    for row in rows:
        task = store.facts_of(row, shapes, out)
        codes = pull.against(person, task, served[task.queue], tx.now, plugins())
        found.update(codes[:1])
    return Nothing(len(rows), tuple(found.most_common()))
