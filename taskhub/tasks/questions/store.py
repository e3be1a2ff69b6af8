"""The only SQL that writes questions; and the people a question may go to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, literal, or_, select, tuple_, update

from taskhub.db.tables import agent, team
from taskhub.db.tables_notes import question
from taskhub.db.tx import Tx
from taskhub.tasks.questions.model import LAPSED, OPEN, Question
from taskhub.tasks.questions.whom import House

_COLUMNS = [question.c[name] for name in Question.__slots__]
_ONE: Select[Any] = select(*_COLUMNS).where(question.c.id == bindparam("question"))
_LOCKED = _ONE.with_for_update()
_OPEN: Select[Any] = select(*_COLUMNS).where(question.c.task == bindparam("task"), question.c.state == OPEN)
_LAPSE = (
    update(question)
    .where(question.c.task == bindparam("of"), question.c.state == OPEN)
    .values(state=LAPSED, ended_at=bindparam("at"), ended_by=bindparam("by"), version=question.c.version + 1)
    .returning(question.c.id)
)


def add(tx: Tx, new: Question) -> None:
    """Stores a question; a second open one of a task fails."""
    tx.conn.execute(question.insert().values({name: getattr(new, name) for name in Question.__slots__}))


def get(tx: Tx, id_: str, *, lock: bool = False) -> Question | None:
    """One question."""
    row = tx.conn.execute(_LOCKED if lock else _ONE, {"question": id_}).first()
    return Question(*row) if row else None


def open_of(tx: Tx, task_id: str) -> Question | None:
    """The open question about a task."""
    row = tx.conn.execute(_OPEN, {"task": task_id}).first()
    return Question(*row) if row else None


def save(tx: Tx, id_: str, changes: Mapping[str, Any]) -> None:
    """Writes changed columns of a locked question."""
    tx.conn.execute(update(question).where(question.c.id == id_).values(**changes))


def lapse(tx: Tx, task_id: str) -> str | None:
    """Ends the open question about a task that has ended. Its id; None where there was none."""
    return tx.conn.execute(_LAPSE, {"of": task_id, "at": tx.now, "by": tx.by.label}).scalar()


def of_tasks(tx: Tx, tasks: Collection[str]) -> list[Question]:
    """Every question about these tasks, oldest first."""
    wanted = select(*_COLUMNS).where(question.c.task.in_(list(tasks)))
    return [Question(*row) for row in tx.conn.execute(wanted.order_by(question.c.asked_at, question.c.id))]


def open_with(tx: Tx, agent_key: str, *, lock: bool) -> list[Question]:
    """Everything that is open with a person, in the order of ids."""
    mine = select(*_COLUMNS).where(question.c.asked_of == agent_key, question.c.state == OPEN).order_by(question.c.id)
    return [Question(*row) for row in tx.conn.execute(mine.with_for_update() if lock else mine)]


def find(
    tx: Tx, filters: Mapping[str, Any], seen: Mapping[str, Any] | None, after: tuple[datetime, str] | None, limit: int
) -> list[Question]:
    """Questions by columns, oldest first. ``seen``: those asked of or by anybody in its lists; None: all."""
    wanted = select(*_COLUMNS).order_by(question.c.asked_at, question.c.id).limit(limit)
    wanted = wanted.where(*[question.c[name] == value for name, value in filters.items()])
    if seen is not None:
        wanted = wanted.where(_among(seen))
    if after is not None:
        place = tuple_(literal(after[0], question.c.asked_at.type), after[1])
        wanted = wanted.where(tuple_(question.c.asked_at, question.c.id) > place)
    return [Question(*row) for row in tx.conn.execute(wanted)]


def _among(seen: Mapping[str, Any]) -> ColumnElement[bool]:
    return or_(*[question.c[name].in_(list(values)) for name, values in seen.items()])


def house(tx: Tx, people: Collection[str]) -> House:
    """Who of these people is active, and who answers for their teams."""
    known = _people(tx, people)
    teams = {row.key: row.team for row in known}
    rows = tx.conn.execute(
        select(team.c.key, team.c.leader, team.c.managers).where(team.c.key.in_(set(teams.values())))
    )
    answering = {row.key: [one for one in (row.leader, *row.managers) if one] for row in rows}
    above = _people(tx, {one for line in answering.values() for one in line})
    return House({row.key for row in (*known, *above) if row.active}, teams, answering)


def _people(tx: Tx, keys: Collection[str]) -> Sequence[Any]:
    if not keys:
        return []
    return list(tx.conn.execute(select(agent.c.key, agent.c.team, agent.c.active).where(agent.c.key.in_(list(keys)))))
