"""Bus factor: how many people could do a kind at all, and when planned absences leave it with nobody, or only one.

What passes by itself does not count here: presence, shifts, room, whose turn it is. What lasts does: being in the
queue's pool, skill, level, attributes. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from taskhub.assignment import eligibility, reasons
from taskhub.assignment.model import AgentFacts, Instant, QueueFacts
from taskhub.assignment.registry import Plugins, built_ins
from taskhub.tasks.shape import Shape

LASTING = frozenset({
    reasons.INACTIVE, reasons.NOT_IN_POOL, reasons.ATTRIBUTE_MISSING, reasons.SKILL_MISSING, reasons.SKILL_TOO_LOW,
})  # fmt: skip
# In a ring one's kinds stay the same; on a rota they are others tomorrow.
RINGS = frozenset({"chain"})
FEW = 1
NOBODY, ONLY_ONE = "kind_without_anyone", "kind_with_one"

Away = Mapping[str, Sequence[tuple[datetime, datetime | None]]]


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which only ``left`` are there for a kind; ``until`` None: no end in sight."""

    since: datetime
    until: datetime | None
    left: tuple[str, ...]

    @property
    def code(self) -> str:
        """Nobody, or only one."""
        return ONLY_ONE if self.left else NOBODY


def able(
    queue: QueueFacts, agents: Sequence[AgentFacts], shape: Shape, now: Instant, plugins: Plugins
) -> dict[str, tuple[str, ...]]:
    """Everybody of ``agents`` -> what lastingly keeps them from tasks of ``shape``; nothing: they could do them."""
    # A paused queue is judged by its teams and loans alone: models of others are for workers to ask.
    asked = queue if queue.model in built_ins().model_names else replace(queue, paused=True)
    outside = eligibility.pool(asked, agents, now, shape, plugins)
    lasting = LASTING | {reasons.OTHER_KINDS} if queue.model in RINGS else LASTING
    against = {
        agent.key: eligibility.joined(
            outside.get(agent.key), eligibility.of_person(agent, now), eligibility.of_shape(agent, shape)
        )
        for agent in agents
    }
    return {key: tuple(code for code in codes if code in lasting) for key, codes in against.items()}


def gaps(people: Collection[str], away: Away, since: datetime, until: datetime | None, few: int = FEW) -> list[Gap]:
    """The stretches of [since, until) in which at most ``few`` of ``people`` are there, joined where they touch.

    >>> from datetime import UTC, timedelta
    >>> day = [datetime(2026, 1, n, tzinfo=UTC) for n in range(1, 9)]
    >>> [(g.since.day, g.until.day, g.left) for g in
    ...  gaps(["a", "b", "c"], {"a": [(day[0], day[4])], "b": [(day[2], day[6])]}, day[1], day[5])]
    [(3, 5, ('c',))]
    """
    edges = sorted({since, *_edges(people, away, since, until)})
    ends: list[datetime | None] = [*edges[1:], until]
    found = [Gap(begin, end, _there(people, away, begin)) for begin, end in zip(edges, ends, strict=True)]
    return _joined(gap for gap in found if len(gap.left) <= few)


def _edges(people: Collection[str], away: Away, since: datetime, until: datetime | None) -> Iterable[datetime]:
    spans = [span for key in people for span in away.get(key, ())]
    return (at for span in spans for at in span if at is not None and since < at and (until is None or at < until))


def _there(people: Collection[str], away: Away, at: datetime) -> tuple[str, ...]:
    def gone(key: str) -> bool:
        return any(begin <= at and (end is None or at < end) for begin, end in away.get(key, ()))

    return tuple(sorted(key for key in people if not gone(key)))


def _joined(found: Iterable[Gap]) -> list[Gap]:
    row = list(found)
    starts = [0, *(n for n, (a, b) in enumerate(pairwise(row), 1) if a.until != b.since or a.left != b.left)]
    ends = [*starts[1:], len(row)]
    return [Gap(row[a].since, row[b - 1].until, row[a].left) for a, b in zip(starts, ends, strict=True) if row]
