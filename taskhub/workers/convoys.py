"""Rows that were taken together and run as one, where their handler can do several in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from taskhub.db.handler import Handlers, Together
from taskhub.db.ledger import Taken

MOST = 25  # rows in one transaction: they keep their locks until all of them are done


@dataclass(frozen=True, slots=True)
class Convoy(Taken):
    """The first of several rows of one handler, and all of them."""

    rows: tuple[Taken, ...] = ()


def members(row: Taken) -> Sequence[Taken]:
    """Every row that runs when ``row`` does."""
    return row.rows if isinstance(row, Convoy) else (row,)


def convoys(rows: Iterable[Taken], handlers: Handlers) -> list[Taken]:
    """The rows, in their order, but that those of one handler go along with the first of them.

    Only rows on their first try: one that has failed before must not take others with it.
    """
    waiting: dict[str, list[Taken]] = {}
    found: list[list[Taken]] = []
    for row in rows:
        group = waiting.get(row.handler)
        if group is not None and len(group) < MOST and row.attempts == 1:
            group.append(row)
            continue
        found.append([row])
        if row.attempts == 1 and isinstance(handlers.get(row.handler), Together):
            waiting[row.handler] = found[-1]
    return [_one(group) for group in found]


def _one(group: Sequence[Taken]) -> Taken:
    first = group[0]
    if len(group) == 1:
        return first
    return Convoy(**{field.name: getattr(first, field.name) for field in fields(Taken)}, rows=tuple(group))
