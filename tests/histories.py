"""What a campaign leaves behind, as the checker of leases reads it: history, leases, and what its people noted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from taskhub.db.database import Database
from taskhub.db.tables import history, lease
from taskhub.testing.leases import END, GRANT, NEVER, Call, Step, check, step_of
from tests.soak.hands import Held


def stored_steps(db: Database) -> list[Step]:
    """Every transition of every task."""
    columns = history.c.row, history.c.id, history.c.seq, history.c.act, history.c.change
    wanted = select(*columns).where(history.c.noun == "task").order_by(history.c.id, history.c.seq)
    with db.read() as tx:
        return [step_of(row._mapping) for row in tx.conn.execute(wanted)]


def stored_leases(db: Database) -> dict[str, tuple[str, int]]:
    """Who holds what now, under which token."""
    with db.read() as tx:
        return {row.task: (row.agent, row.token) for row in tx.conn.execute(select(lease))}


def noted(held: Iterable[Held]) -> list[Call]:
    """Stretches in which somebody surely held something, as calls: given before ``since``, ended after ``until``."""
    made = []
    for one in held:
        made.append(Call(one.task, GRANT, one.agent, one.token, -NEVER, one.since))
        if one.until is not None:
            made.append(Call(one.task, END, one.agent, one.token, one.until))
    return made


def verdict(db: Database, calls: Sequence[Call], *, whole: bool) -> list[str]:
    """Everything about leases that cannot have been. ``whole``: the calls are all there were."""
    return check(calls, stored_steps(db), stored_leases(db), whole=whole)
