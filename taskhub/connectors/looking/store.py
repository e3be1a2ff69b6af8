"""The only SQL that writes how far looks have come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import exists, func, select, update

from taskhub.connectors.looking.model import Place
from taskhub.db import rows
from taskhub.db.ledger import Taken
from taskhub.db.tables import message
from taskhub.db.tables_connectors import crm_option, poll_place, poll_watch
from taskhub.db.tx import Tx
from taskhub.policy.policies import Options

Offered = Mapping[str, Options | None]


class Known(NamedTuple):
    """What the mapped fields of a noun offer, when that was read, and when it was asked for last, also in vain."""

    offered: Offered
    read_at: datetime
    asked_at: datetime


m, place, watch, option = message.c, poll_place.c, poll_watch.c, crm_option.c
_WAITS = (m.mode == "outside", m.done_at.is_(None), m.dead_at.is_(None))


def watched(tx: Tx, connection: str) -> Mapping[str, Any]:
    """What is known of the looks at a connection; empty before the first."""
    row = tx.conn.execute(select(poll_watch).where(watch.connection == connection)).mappings().first()
    return dict(row) if row else {}


def all_watched(tx: Tx) -> dict[str, Mapping[str, Any]]:
    """The same of every connection."""
    return {row["connection"]: dict(row) for row in tx.conn.execute(select(poll_watch)).mappings()}


def watch_with(tx: Tx, connection: str, **changes: Any) -> None:
    """Notes something about the looks at a connection."""
    rows.put(tx.conn, poll_watch, [{"connection": connection, **changes}])


def places(tx: Tx, connection: str, *, locked: bool = False) -> dict[str, Place]:
    """How far each noun has come; ``locked`` until the transaction ends."""
    mine = select(place.noun, place.begun_at, place.cursor, place.read_at).where(place.connection == connection)
    found = tx.conn.execute(mine.order_by(place.noun).with_for_update() if locked else mine)
    return {row.noun: Place(*row) for row in found}


def add_place(tx: Tx, connection: str, one: Place) -> bool:
    """Where a noun stands that nobody has looked at; False when somebody has, also at this very moment."""
    row = {"connection": connection, "noun": one.noun, "cursor": one.cursor, "begun_at": one.begun_at}
    added = rows.add(
        tx.conn, poll_place, [{**row, "read_at": one.read_at}], unique="connection, noun", back="noun"
    )  # fmt: skip
    return bool(added)


def move_place(tx: Tx, connection: str, one: Place) -> None:
    """Moves a locked place on."""
    row = {"connection": connection, "noun": one.noun, "cursor": one.cursor, "begun_at": one.begun_at}
    rows.put(tx.conn, poll_place, [{**row, "read_at": one.read_at}])


def next_try(tx: Tx, handler: str, key: str) -> datetime | None:
    """When the next open row of ``handler`` for ``key`` is tried; None: there is none."""
    which = (m.handler == handler, m.key == key, *_WAITS)
    return tx.conn.execute(select(func.min(m.due_at)).where(*which)).scalar()


def later_one(tx: Tx, row: Taken, before: datetime) -> bool:
    """Whether the same is asked for once more ``before``, by an open row that came after this one: it reads later."""
    which = (m.handler == row.handler, m.key == row.key, m.id > row.id, m.due_at < before, *_WAITS)
    return bool(tx.conn.execute(select(exists().where(*which))).scalar())


def options(tx: Tx, connection: str) -> dict[str, Known]:
    """Noun → what its mapped fields offer."""
    wanted = select(option.noun, option.options, option.read_at, option.asked_at)
    return {
        noun: Known({key: Options(**one) if one else None for key, one in told.items()}, at, asked or at)
        for noun, told, at, asked in tx.conn.execute(wanted.where(option.connection == connection))
    }


def keep_options(tx: Tx, connection: str, noun: str, offered: Offered) -> None:
    """Written over what was known before."""
    told = {key: asdict(one) if one else None for key, one in offered.items()}
    row = {"connection": connection, "noun": noun, "options": told, "read_at": tx.now, "asked_at": tx.now}
    rows.put(tx.conn, crm_option, [row])


def keep_refusal(tx: Tx, connection: str, noun: str) -> None:
    """They were asked in vain: what is known stays known, and as old as it is."""
    blank = {"connection": connection, "noun": noun, "options": {}, "read_at": tx.now, "asked_at": tx.now}
    rows.keep(tx.conn, crm_option, [blank])
    mine = (option.connection == connection, option.noun == noun)
    tx.conn.execute(update(crm_option).where(*mine).values(asked_at=tx.now))
