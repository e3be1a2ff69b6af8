"""The one history: append-only, one row per transition of any record, written in the transition's own transaction."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from taskhub.db.quick import later, packed, rows_into
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
    counted = _last(conn, [entry for entry in entries if entry.seq is None])
    rows = []
    for entry in entries:
        seq = entry.seq
        if seq is None:
            counted[entry.noun, entry.id] += 1
            seq = counted[entry.noun, entry.id]
        rows.append(
            {"noun": entry.noun, "id": entry.id, "seq": seq, "act_id": act_id, "at": at, "by": by, "act": entry.act,
             "change": entry.change}
        )  # fmt: skip
    if conn.dialect.name == "sqlite":
        conn.execute(_ADD, rows)
    else:
        later(conn, _QUICK, {"rows": packed(rows)})


_COLUMNS = ("noun", "id", "seq", "act_id", "at", "by", "act", "change")
_ADD = insert(history).values(xid=0)
_QUICK = rows_into(history, _COLUMNS, xid="pg_current_xact_id()::text::bigint")


def _last(conn: Connection, entries: Sequence[Entry]) -> Counter[tuple[str, str]]:
    """The last number given so far to each of these records."""
    found: Counter[tuple[str, str]] = Counter()
    ids: defaultdict[str, set[str]] = defaultdict(set)
    for entry in entries:
        ids[entry.noun].add(entry.id)
    for noun, known in ids.items():
        for row in conn.execute(_LAST, {"noun": noun, "ids": sorted(known)}):
            found[noun, row.id] = row.last
    return found


_LAST = (
    select(history.c.id, func.max(history.c.seq).label("last"))
    .where(history.c.noun == bindparam("noun"), history.c.id.in_(bindparam("ids", expanding=True)))
    .group_by(history.c.id)
)


def of(conn: Connection, noun: str, id_: str) -> list[dict[str, Any]]:
    """Every row of one record, oldest first."""
    rows = conn.execute(select(history).where(history.c.noun == noun, history.c.id == id_).order_by(history.c.seq))
    return [dict(row._mapping) for row in rows]
