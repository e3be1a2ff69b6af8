"""What tasks' JSON shows beyond their rows: reads only, each one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, select

from taskhub.db.tables import lease, pause, sla_clock
from taskhub.db.tx import Tx
from taskhub.tasks.model import IN_PROGRESS, PAUSED, Lease, Task


class Extras(NamedTuple):
    """What tasks' JSON shows beyond their rows, each by task id."""

    warn_at: Mapping[str, datetime | None]
    lease_ends: Mapping[str, datetime]
    pauses: Mapping[str, Any]
    first_start: Mapping[str, Any]


def extras(tx: Tx, rows: Sequence[Task], lease_: Lease | None = None) -> Extras:
    """Clocks, lease and pause of tasks, each from its own index; ``lease_`` is known already and not asked for."""
    ends = {lease_.task: lease_.expires_at} if lease_ else {}
    started = [row.id for row in rows if row.state == IN_PROGRESS and row.id not in ends]
    paused = [row.id for row in rows if row.state == PAUSED]
    promised = [row.id for row in rows if row.ready_at is not None and (row.sla is not None or row.explicit_due)]
    live = select(lease.c.task, lease.c.expires_at)
    latest = select(pause.c.task, pause.c.by, pause.c.remind_at).order_by(pause.c.id)
    clocks = _rows(tx, select(sla_clock), sla_clock.c.task, promised)
    return Extras(
        {row.task: row.warn_at for row in clocks if row.target == "completion"},
        {**ends, **{row.task: row.expires_at for row in _rows(tx, live, lease.c.task, started)}},
        {row.task: row for row in _rows(tx, latest, pause.c.task, paused)},
        {row.task: row for row in clocks if row.target == "first_start"},
    )


def _rows(tx: Tx, wanted: Select[Any], key: Any, ids: list[str]) -> list[Any]:
    if not ids:
        return []
    return list(tx.conn.execute(wanted.where(key == ids[0] if len(ids) == 1 else key.in_(ids))))
