"""What reports read of sales: moves of a period, the records they are about, conversions that left no work."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, or_, select, true, tuple_

from taskhub.db.tables import event, task
from taskhub.db.tables_sales import RECORDS, lead, stage_change
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.policy.policies import Pipeline
from taskhub.sales import progress
from taskhub.sales.model import BROUGHT_IN
from taskhub.sales.progress import Facts, Move, Standing

MOST = 500_000
FIRST_SYNC = "first_sync"
c = stage_change.c


def of_owners(
    tx: Tx, owners: Collection[str] | None, since: datetime, until: datetime, lines: Collection[Pipeline]
) -> list[dict[str, Any]]:  # fmt: skip
    """The progress of these people (None: of everybody). Raises InvalidInput for a period with more than MOST moves."""
    found: list[dict[str, Any]] = []
    for noun in ("lead", "deal"):
        moves = _moves(tx, noun, owners, since, until)
        facts, now = _facts(tx, noun, owners, since, until), _standing(tx, noun, owners)
        found += progress.report(noun, list(lines), moves, facts, now, since)
    return found


def _mine(noun: str, owners: Collection[str] | None) -> ColumnElement[bool]:
    table = RECORDS[noun]
    return and_(table.c.deleted.is_(False), true() if owners is None else table.c.owner.in_(owners))


def _moved(noun: str, owners: Collection[str] | None, since: datetime, until: datetime) -> Select[Any]:
    """Ids of the records that moved in the period."""
    table = RECORDS[noun]
    inside = c.noun == noun, c.at >= since, c.at < until
    return select(c.record).join(table, table.c.id == c.record).where(*inside, _mine(noun, owners)).distinct()


def _moves(tx: Tx, noun: str, owners: Collection[str] | None, since: datetime, until: datetime) -> list[Move]:
    ids = _moved(noun, owners, since, until).scalar_subquery()
    columns = (c.record, c.at, c.type, c.stage, c.status)
    wanted = select(*columns).where(c.noun == noun, c.at < until, c.record.in_(ids))
    rows = list(tx.conn.execute(wanted.order_by(c.record, c.at, c.event).limit(MOST + 1)))
    if len(rows) > MOST:
        raise InvalidInput(f"The period holds more than {MOST} moves; ask for a shorter one.", code="too_many")
    return [Move(*row) for row in rows]


def _facts(
    tx: Tx, noun: str, owners: Collection[str] | None, since: datetime, until: datetime
) -> dict[str, Facts]:  # fmt: skip
    table = RECORDS[noun]
    ids = _moved(noun, owners, since, until).scalar_subquery()
    rows = tx.conn.execute(select(table.c.id, table.c.pipeline, table.c.fields).where(table.c.id.in_(ids)))
    return {
        row.id: Facts(row.pipeline, *(row.fields.get(name) for name in ("amount", "currency", "lost_reason")))
        for row in rows
    }


def _standing(tx: Tx, noun: str, owners: Collection[str] | None) -> list[Standing]:
    table = RECORDS[noun]
    is_open = or_(table.c.status == "open", table.c.status.is_(None))
    place = table.c.pipeline, table.c.stage
    rows = select(*place, func.count()).where(is_open, _mine(noun, owners)).group_by(*place)
    return [Standing(*row) for row in tx.conn.execute(rows)]


def conversions(
    tx: Tx, owners: Collection[str] | None, after: tuple[datetime, str] | None, limit: int, *, owing: bool,
    since: datetime | None = None, until: datetime | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Leads that became customers, newest first, with how much work is open and done; ``owing``: without any work.

    Work counts that the conversion or something later made; what was cancelled does not. Nobody owes any for what a
    file or a first sync told: that happened before.
    """
    about = or_(task.c.lead == lead.c.id, task.c.deal == lead.c.fields["deal"].as_string())
    later = or_(task.c.version_at >= c.at, and_(task.c.version_at.is_(None), task.c.created_at >= c.at))
    work = and_(about, later, task.c.state != "cancelled")
    done = func.coalesce(func.sum(case((task.c.state == "completed", 1), else_=0)), 0)
    counted = select(func.count()).where(work).scalar_subquery(), select(done).where(work).scalar_subquery()
    wanted = select(c.at, c.by, lead.c.id, lead.c.owner, lead.c.fields, *counted)
    wanted = wanted.join(lead, and_(c.noun == "lead", c.record == lead.c.id, c.status == "converted"))
    wanted = wanted.where(c.at == _last_converted(), lead.c.status == "converted", _mine("lead", owners))
    wanted = wanted.where(*([c.at >= since] if since else []), *([c.at < until] if until else []))
    if owing:
        told_before = exists(select(event.c.id).where(event.c.id == c.event, event.c.reason == FIRST_SYNC))
        wanted = wanted.where(c.source != BROUGHT_IN, ~told_before, ~exists(select(task.c.id).where(work)))
    if after is not None:
        wanted = wanted.where(tuple_(c.at, lead.c.id) < tuple_(literal(after[0], c.at.type), after[1]))
    rows = tx.conn.execute(wanted.order_by(c.at.desc(), lead.c.id.desc()).limit(limit))
    return [_conversion(*row) for row in rows]


def _last_converted() -> ColumnElement[Any]:
    """A lead may have been converted, opened again and converted anew."""
    again = stage_change.alias()
    mine = again.c.noun == "lead", again.c.record == lead.c.id, again.c.status == "converted"
    return select(func.max(again.c.at)).where(*mine).scalar_subquery()


def _conversion(
    at: datetime, by: str | None, id_: str, owner: str | None, fields: dict[str, Any], *work: int
) -> dict[str, Any]:  # fmt: skip
    links = {name: fields.get(name) for name in ("company", "name", "account", "contact", "deal")}
    return {"lead": id_, "at": at, "by": by, "owner": owner, **links, "tasks": work[0], "done": work[1]}
