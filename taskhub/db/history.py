"""The one history: append-only, one row per transition of any record, written in the transition's own transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from taskhub.db.quick import packed, rows_into, run
from taskhub.db.tables import history


@dataclass(frozen=True, slots=True)
class Entry:
    """One row to write. ``seq`` None: counted here; the record must be locked."""

    noun: str
    id: str
    act: str
    change: dict[str, Any]
    seq: int | None = None


def write(conn: Connection, entries: Sequence[Entry], *, act_id: str, at: datetime, by: str) -> None:
    """Appends ``entries`` in order."""
    counted: Counter[tuple[str, str]] = Counter()
    rows = []
    for entry in entries:
        seq = entry.seq
        if seq is None:
            place = (entry.noun, entry.id)
            if place not in counted:
                counted[place] = _last(conn, entry.noun, entry.id)
            counted[place] += 1
            seq = counted[place]
        rows.append(
            {"noun": entry.noun, "id": entry.id, "seq": seq, "act_id": act_id, "at": at, "by": by, "act": entry.act,
             "change": entry.change}
        )  # fmt: skip
    if conn.dialect.name == "sqlite":
        conn.execute(_ADD, rows)
    else:
        run(conn, _QUICK, {"rows": packed(rows)})


_COLUMNS = ("noun", "id", "seq", "act_id", "at", "by", "act", "change")
_ADD = insert(history).values(xid=0)
_QUICK = rows_into(history, _COLUMNS, xid="pg_current_xact_id()::text::bigint")


def _last(conn: Connection, noun: str, id_: str) -> int:
    found = conn.execute(select(func.max(history.c.seq)).where(history.c.noun == noun, history.c.id == id_)).scalar()
    return found or 0


def of(conn: Connection, noun: str, id_: str) -> list[dict[str, Any]]:
    """Every row of one record, oldest first."""
    rows = conn.execute(select(history).where(history.c.noun == noun, history.c.id == id_).order_by(history.c.seq))
    return [dict(row._mapping) for row in rows]
