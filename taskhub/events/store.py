"""The only SQL that writes the inbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, literal, select, tuple_

from taskhub.db import rows
from taskhub.db.quick import quick, run
from taskhub.db.tables import counter, event
from taskhub.events.codec import event_from_json
from taskhub.events.inbox import Raw, Stored

_SHOWN = [event.c[name] for name in Stored.__slots__ if name != "event"] + [event.c.normalised]

# Built once: the toolkit then finds what it compiled without looking through the statement at every call.
_ONE = select(*_SHOWN).where(event.c.id == bindparam("event"))
_LOCKED = _ONE.with_for_update()
_QUICK = quick(f"SELECT {', '.join(one.name for one in _SHOWN)} FROM event WHERE id = :event FOR UPDATE")  # noqa: S608


def insert_new(conn: Connection, new: Sequence[Mapping[str, Any]]) -> set[str]:
    """Inserts the rows whose (delivery_key, variant) is new. Returns their ids."""
    # In the order of their keys: two batches with the same events then cannot wait for each other.
    ordered = sorted(new, key=lambda row: (row["delivery_key"], row["variant"]))
    return rows.add(conn, event, ordered, unique="delivery_key, variant", back="id")


def known(conn: Connection, keys: Iterable[str]) -> dict[tuple[str, str], tuple[str, str]]:
    """(id, body hash) of what is stored under the delivery keys, by (delivery_key, variant)."""
    c = event.c
    rows = conn.execute(select(c.delivery_key, c.variant, c.id, c.body_hash).where(c.delivery_key.in_(list(keys))))
    return {(row.delivery_key, row.variant): (row.id, row.body_hash) for row in rows}


def get(conn: Connection, event_id: str, *, locked: bool = False) -> Stored | None:
    """One stored delivery; ``locked`` until the transaction ends."""
    if locked and conn.dialect.name == "postgresql":
        row: Any = next(iter(run(conn, _QUICK, {"event": event_id})), None)
    else:
        row = conn.execute(_LOCKED if locked else _ONE, {"event": event_id}).first()
    return _stored(row) if row else None


def locked_elsewhere(conn: Connection, ids: Sequence[str]) -> set[str]:
    """Those of ``ids`` that somebody else has locked; the others are locked now, until the transaction ends."""
    wanted = select(event.c.id).where(event.c.id.in_(ids)).order_by(event.c.id)
    ours = set(conn.execute(wanted.with_for_update(skip_locked=True)).scalars())
    return set(conn.execute(wanted).scalars()) - ours


def raw(conn: Connection, event_id: str) -> Raw | None:
    """The bytes of one stored delivery."""
    c = event.c
    row = conn.execute(select(c.raw, c.content_type, c.headers).where(c.id == event_id)).first()
    return Raw(bytes(row.raw), row.content_type, row.headers) if row else None


def find(
    conn: Connection, filters: Mapping[str, str], after: tuple[datetime, str] | None, limit: int
) -> list[Stored]:  # fmt: skip
    """Deliveries matching every filter (column -> value), newest first."""
    wanted: Select[Any] = select(*_SHOWN).order_by(event.c.received_at.desc(), event.c.id.desc()).limit(limit)
    for name, value in filters.items():
        wanted = wanted.where(event.c[name] == value)
    if after is not None:
        place = tuple_(literal(after[0], event.c.received_at.type), after[1])
        wanted = wanted.where(tuple_(event.c.received_at, event.c.id) < place)
    return [_stored(row) for row in conn.execute(wanted)]


def understood_since(
    conn: Connection, since: datetime, after: tuple[datetime, str] | None, limit: int
) -> list[Stored]:  # fmt: skip
    """Deliveries that were applied or ignored, in the order in which they came."""
    place = (event.c.received_at, event.c.id)
    wanted: Select[Any] = select(*_SHOWN).where(event.c.received_at >= since, event.c.state.in_(("applied", "ignored")))
    if after is not None:
        wanted = wanted.where(tuple_(*place) > tuple_(literal(after[0], event.c.received_at.type), after[1]))
    return [_stored(row) for row in conn.execute(wanted.order_by(*place).limit(limit))]


def save(conn: Connection, event_id: str, changes: Mapping[str, Any]) -> None:
    """Writes changed columns of a locked delivery."""
    rows.alter(conn, event, [{"id": event_id, **changes}])


def waiting(conn: Connection, most: int) -> int:
    """How many deliveries wait to be applied, counted up to ``most``."""
    some = select(event.c.id).where(event.c.state == "received").limit(most).subquery()
    return int(conn.execute(select(func.count()).select_from(some)).scalar_one())


def bodies(conn: Connection, state: str, after: datetime | None, before: datetime, limit: int) -> list[Any]:
    """Up to ``limit`` deliveries in ``state`` whose body is there, received from ``after`` on: id, received_at."""
    c = event.c
    wanted = select(c.id, c.received_at).where(c.state == state, c.received_at < before, func.length(c.raw) > 0)
    if after is not None:
        wanted = wanted.where(c.received_at >= after)
    return list(conn.execute(wanted.order_by(c.received_at).limit(limit)))


def forget_bodies(conn: Connection, ids: Sequence[str]) -> None:
    """What came in is forgotten; what was made of it stays."""
    if ids:
        conn.execute(event.update().where(event.c.id.in_(ids)).values(raw=b"", headers={}))


def mark(conn: Connection, name: str) -> datetime | None:
    """How far a sweep through the inbox has come."""
    value = conn.execute(select(counter.c.value).where(counter.c.name == name)).scalar()
    return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


def set_mark(conn: Connection, name: str, at: datetime) -> None:
    """A sweep has come so far."""
    rows.put(conn, counter, [{"name": name, "value": int(at.timestamp() * 1000)}])


def _stored(row: Any) -> Stored:
    *plain, normalised = row
    fields: list[Any] = [*plain, event_from_json(normalised) if normalised else None]
    return Stored(*fields)
