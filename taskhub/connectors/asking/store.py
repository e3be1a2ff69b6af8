"""The only SQL that writes what was asked of a CRM."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Text, and_, cast, func, or_, select, update

from taskhub.connectors.asking.model import PENDING, CrmAct
from taskhub.db import rows
from taskhub.db.tables import message
from taskhub.db.tables_crm import crm_act
from taskhub.db.tx import Tx

c = crm_act.c
_ALL: Select[Any] = select(*[c[field.name] for field in fields(CrmAct)])
MOST = 100
HANDLER = "crm.ask"


def add(tx: Tx, new: CrmAct) -> None:
    """Puts it on record; its record is locked, so that nobody else asks meanwhile."""
    rows.insert(tx.conn, crm_act, [asdict(new)])


def get(tx: Tx, id_: str, *, locked: bool = False) -> CrmAct | None:
    """One of them."""
    wanted = _ALL.where(c.id == id_)
    row = tx.conn.execute(wanted.with_for_update() if locked else wanted).first()
    return CrmAct(*row) if row else None


def save(tx: Tx, one: CrmAct) -> None:
    """Writes a locked one."""
    tx.conn.execute(update(crm_act).where(c.id == one.id).values(asdict(one)))


def pending(tx: Tx, records: Collection[str]) -> dict[str, CrmAct]:
    """What waits for an answer, by record."""
    wanted = _ALL.where(c.record.in_(records), c.state == PENDING)
    return {row.record: CrmAct(*row) for row in tx.conn.execute(wanted)} if records else {}


def open_of(tx: Tx, connection: str, kind: str) -> list[CrmAct]:
    """What a connection has been asked and has not answered, the oldest first."""
    wanted = _ALL.where(c.connection == connection, c.state == PENDING, c.kind == kind, c.answered_at.is_(None))
    return [CrmAct(*row) for row in tx.conn.execute(wanted.order_by(c.at, c.id).limit(MOST))]


def in_doubt(tx: Tx, connection: str, kind: str, until: datetime) -> list[CrmAct]:
    """What a connection was asked until then and may have done, its word not heard yet; the newest first."""
    wanted = _ALL.where(c.connection == connection, c.in_doubt_since.is_not(None), c.at <= until)
    wanted = wanted.where(c.kind == kind, c.seen_at.is_(None))
    return [CrmAct(*row) for row in tx.conn.execute(wanted.order_by(c.at.desc(), c.id.desc()).limit(MOST))]


def dead_row(tx: Tx, id_: str) -> int | None:
    """The row that tried to ask, once it is not tried any more."""
    wanted = select(message.c.id).where(message.c.handler == HANDLER, message.c.key == id_)
    return tx.conn.execute(wanted.where(message.c.dead_at.is_not(None)).limit(1)).scalar()


def given_up(tx: Tx, most: int) -> list[tuple[str, str]]:
    """Id and last error of what waits, is not tried any more, and is not marked so yet."""
    over = or_(message.c.dead_at.is_not(None), message.c.discarded_at.is_not(None))
    dead = and_(message.c.handler == HANDLER, message.c.key == c.id, over)
    wanted = select(c.id, func.coalesce(message.c.error, "")).join_from(crm_act, message, dead)
    wanted = wanted.where(c.state == PENDING, c.answered_at.is_(None), c.given_up_at.is_(None))
    return [(id_, error) for id_, error in tx.conn.execute(wanted.order_by(c.id).limit(most))]


def about(tx: Tx, record: str) -> list[CrmAct]:
    """What was asked about a record, or has made it; the newest first."""
    noun, _, id_ = record.partition(":")
    made = (c.deal == id_,) if noun == "deal" else ()
    wanted = _ALL.where(or_(c.record == record, *made)).order_by(c.at.desc(), c.id.desc())
    return [CrmAct(*row) for row in tx.conn.execute(wanted.limit(MOST))]


def forget(tx: Tx, before: datetime, limit: int) -> int:
    """Empties what was said in up to ``limit`` that ended before then. Returns how many."""
    old = list(tx.conn.execute(select(c.id).where(*_said(before)).order_by(c.id).limit(limit)).scalars())
    if old:
        tx.conn.execute(update(crm_act).where(c.id.in_(old)).values(asked={}))
    return len(old)


def count(tx: Tx, before: datetime) -> int:
    """How many ``forget`` would empty."""
    return int(tx.conn.execute(select(func.count()).select_from(crm_act).where(*_said(before))).scalar_one())


def _said(before: datetime) -> tuple[Any, ...]:
    return c.ended_at < before, cast(c.asked, Text) != "{}"
