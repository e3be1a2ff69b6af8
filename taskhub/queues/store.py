"""The only SQL that writes switches, loans, periods and what stops a queue."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Table, Text, cast, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from taskhub.db.tables import agent, loan, period, queue_state, staffing
from taskhub.db.tx import Tx
from taskhub.queues.model import Lending, Period, State, Switch

_SWITCH = [staffing.c[name] for name in Switch.__slots__]
_LENDING = [loan.c[name] for name in Lending.__slots__]
_PERIOD = [period.c[name] for name in Period.__slots__]
_STATE = [queue_state.c[name] for name in State.__slots__]


def planned(tx: Tx, queues: Collection[str]) -> list[Switch]:
    """Switches of these queues that have not started, in the order in which they will."""
    ahead = staffing.c.queue.in_(queues), staffing.c.effective_at > tx.now
    rows = select(*_SWITCH).where(*ahead).order_by(staffing.c.effective_at, staffing.c.id)
    return [Switch(*row) for row in tx.conn.execute(rows)]


def past(tx: Tx, queue: str, most: int) -> list[Switch]:
    """The newest switches of a queue that have started, the one that holds first."""
    come = staffing.c.queue == queue, staffing.c.effective_at <= tx.now
    rows = select(*_SWITCH).where(*come).order_by(staffing.c.effective_at.desc(), staffing.c.id.desc())
    return [Switch(*row) for row in tx.conn.execute(rows.limit(most))]


def holding(tx: Tx, queues: Collection[str]) -> dict[str, Switch]:
    """The newest switch of each queue whose time has come; of the others none is read, however many there are."""
    if tx.lite:
        keys: Any = func.json_each(json.dumps(list(queues))).table_valued("value", name="k")
    else:
        keys = func.unnest(cast(list(queues), ARRAY(Text))).table_valued("value", name="k").render_derived()
    each = staffing.alias("each")
    come = each.c.queue == keys.c.value, each.c.effective_at <= tx.now
    newest = select(each.c.id).where(*come).order_by(each.c.effective_at.desc(), each.c.id.desc()).limit(1)
    rows = select(*_SWITCH).select_from(keys).join(staffing, staffing.c.id == newest.scalar_subquery())
    return {row.queue: Switch(*row) for row in tx.conn.execute(rows)}


def switch(tx: Tx, id_: str, *, lock: bool = True) -> Switch | None:
    """One switch, locked until the transaction ends."""
    wanted = select(*_SWITCH).where(staffing.c.id == id_)
    row = tx.conn.execute(wanted.with_for_update() if lock else wanted).first()
    return Switch(*row) if row else None


def lending(tx: Tx, id_: str) -> Lending | None:
    """One loan, locked until the transaction ends."""
    row = tx.conn.execute(select(*_LENDING).where(loan.c.id == id_).with_for_update()).first()
    return Lending(*row) if row else None


def lendings(tx: Tx, since: datetime, **which: Any) -> list[Lending]:
    """Loans that end after ``since``, by their beginning; ``which`` names columns (a list: any of them)."""
    rows = select(*_LENDING).where(loan.c.until_at > since, *_where(loan, which)).order_by(loan.c.from_at, loan.c.id)
    return [Lending(*row) for row in tx.conn.execute(rows)]


def one_period(tx: Tx, id_: str) -> Period | None:
    """One period, locked until the transaction ends."""
    row = tx.conn.execute(select(*_PERIOD).where(period.c.id == id_).with_for_update()).first()
    return Period(*row) if row else None


def periods(tx: Tx, since: datetime, **which: Any) -> list[Period]:
    """Periods that end after ``since``, by their beginning."""
    rows = select(*_PERIOD).where(period.c.until_at > since, *_where(period, which))
    return [Period(*row) for row in tx.conn.execute(rows.order_by(period.c.from_at, period.c.id))]


def states(tx: Tx, queues: Collection[str]) -> dict[str, State]:
    """What was said of these queues; those nobody has touched are missing."""
    rows = tx.conn.execute(select(*_STATE).where(queue_state.c.queue.in_(queues)))
    return {row.queue: State(*row) for row in rows}


def lock(tx: Tx, queue: str) -> State:
    """The row of a queue, made when it is missing, locked: acts on one queue wait for each other here."""
    new = (sqlite if tx.lite else postgresql).insert(queue_state).values(queue=queue, closed=False, paused=False)
    tx.conn.execute(new.on_conflict_do_nothing())
    row = tx.conn.execute(select(*_STATE).where(queue_state.c.queue == queue).with_for_update()).one()
    return State(*row)


def save_state(tx: Tx, state: State) -> None:
    """Writes a locked row."""
    values = {name: getattr(state, name) for name in State.__slots__ if name != "queue"}
    tx.conn.execute(update(queue_state).where(queue_state.c.queue == state.queue).values(**values))


def add(tx: Tx, new: Switch | Lending | Period) -> None:
    """Stores a new switch, loan or period."""
    tx.conn.execute(insert(_table(new)).values({name: getattr(new, name) for name in type(new).__slots__}))


def drop(tx: Tx, one: Switch | Lending | Period) -> None:
    """Takes away what has not begun."""
    table = _table(one)
    tx.conn.execute(delete(table).where(table.c.id == one.id))


def end(tx: Tx, one: Lending | Period) -> None:
    """What has begun ends now."""
    table = _table(one)
    tx.conn.execute(update(table).where(table.c.id == one.id).values(until_at=tx.now))


def person(tx: Tx, key: str, *, lock: bool = False) -> Any:
    """A person's row: key, name, team, active, skills. None when there is no such person."""
    wanted = select(agent.c.key, agent.c.name, agent.c.team, agent.c.active, agent.c.skills).where(agent.c.key == key)
    return tx.conn.execute(wanted.with_for_update() if lock else wanted).first()


def _table(one: Switch | Lending | Period) -> Table:
    return {Switch: staffing, Lending: loan, Period: period}[type(one)]


def _where(table: Table, which: Mapping[str, Any]) -> list[Any]:
    return [
        table.c[name].in_(value) if isinstance(value, list | tuple | set) else table.c[name] == value
        for name, value in which.items()
    ]
