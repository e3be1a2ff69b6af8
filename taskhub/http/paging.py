"""Cursor paging: ``limit`` and an opaque ``cursor``; lists answer ``{"items", "next_cursor"}``."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Query

from taskhub.errors import InvalidInput
from taskhub.events.reading import storable
from taskhub.events.times import read_instant
from taskhub.http.inputs import BIGGEST

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="next_cursor of the page before.")]


def encode(*place: str | datetime) -> str:
    """Where the next page begins, as a cursor.

    >>> decode(encode("a", "b"), 2)
    ['a', 'b']
    """
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in place]
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def decode(cursor: str, length: int) -> list[str]:
    """The place a cursor names. Raises InvalidInput for anything ``encode`` did not make."""
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        parts = None
    if (
        not isinstance(parts, list)
        or len(parts) != length
        or not all(isinstance(p, str) and storable(p) for p in parts)
    ):
        raise InvalidInput("This cursor did not come from here. Start again without one.", code="bad_cursor")
    return parts


def key_after(cursor: str | None) -> str:
    """The key behind which a page sorted by key begins."""
    return decode(cursor, 1)[0] if cursor else ""


def instant_after(cursor: str | None) -> tuple[datetime, str] | None:
    """The (instant, id) behind which a page sorted by time begins."""
    if not cursor:
        return None
    at, id_ = decode(cursor, 2)
    try:
        return read_instant(at), id_
    except ValueError:
        raise InvalidInput("This cursor did not come from here. Start again without one.", code="bad_cursor") from None


def number_after(cursor: str | None) -> tuple[datetime, int] | None:
    """The same of rows with numbers: (instant, number)."""
    found = instant_after(cursor)
    if found is not None and not (found[1].isascii() and found[1].isdigit() and int(found[1]) <= BIGGEST):
        raise InvalidInput("This cursor did not come from here. Start again without one.", code="bad_cursor")
    return None if found is None else (found[0], int(found[1]))


def page(items: Sequence[Any], next_cursor: str | None) -> dict[str, Any]:
    """One page as it is answered."""
    return {"items": list(items), "next_cursor": next_cursor}


def by_key(rows: Sequence[Any], limit: int) -> tuple[Sequence[Any], str | None]:
    """Cuts one row too many off and says where the next page begins; rows have a ``key``."""
    return rows[:limit], encode(rows[limit - 1].key) if len(rows) > limit else None
