"""What is run as one: a row, or rows taken together whose handler can do them in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from taskhub.db.handler import Handlers, Together
from taskhub.db.ledger import Taken

MOST = 25  # rows in one transaction: they keep their locks until all of them are done

Piece = Sequence[Taken]


def pieces(rows: Iterable[Taken], handlers: Handlers) -> Iterator[Piece]:
    """The rows, in their order, but that those of one handler go along with the first of them.

    Only rows on their first try: one that has failed before must not take others with it.
    """
    waiting: dict[str, list[Taken]] = {}
    found: list[list[Taken]] = []
    for row in rows:
        piece = waiting.get(row.handler)
        if piece is not None and len(piece) < MOST and row.attempts == 1:
            piece.append(row)
            continue
        found.append([row])
        if row.attempts == 1 and isinstance(handlers.get(row.handler), Together):
            waiting[row.handler] = found[-1]
    yield from found
