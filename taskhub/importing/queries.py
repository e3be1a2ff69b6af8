"""What an import asks of the house: who people are, whether somebody has worked on what it made. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import and_, exists, func, or_, select

from taskhub.db.tables import act, agent, history, task
from taskhub.db.tables_importing import import_run
from taskhub.db.tables_notes import note, note_on
from taskhub.db.tables_sales import RECORDS
from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef
from taskhub.tasks.model import OPEN


class Person(NamedTuple):
    """Somebody, and every name they go by."""

    key: str
    name: str
    aliases: frozenset[str]
    active: bool


def people(tx: Tx) -> list[Person]:
    """Everybody."""
    c = agent.c
    rows = tx.conn.execute(select(c.key, c.name, c.email, c.external_ids, c.active).order_by(c.key))
    return [Person(r.key, r.name, frozenset(_aliases(r)), r.active) for r in rows]


def _aliases(row: Any) -> set[str]:
    return {row.key, row.name, row.email or row.key, *map(str, row.external_ids.values())}


def acted_on(tx: Tx, noun: str, ids: Sequence[str]) -> set[str]:
    """Those of the records that a person's act stands in the history of."""
    c = history.c
    person = exists().where(act.c.id == c.act_id)
    return set(tx.conn.execute(select(c.id).where(c.noun == noun, c.id.in_(ids), person)).scalars())


def with_work(tx: Tx, noun: str, ids: Sequence[str], besides: Collection[str]) -> set[str]:
    """Those of the leads or deals that tasks are about; those that came of the events ``besides`` count once begun."""
    if noun not in ("lead", "deal"):
        return set()
    begun = and_(task.c.started_at.is_not(None), task.c.state != "cancelled")
    other = or_(task.c.event.is_(None), task.c.event.not_in(besides))
    column = task.c[noun]
    about = select(column).where(column.in_(ids), or_(and_(other, task.c.state != "cancelled"), begun))
    return set(tx.conn.execute(about).scalars())


def with_notes(tx: Tx, noun: str, ids: Sequence[str]) -> set[str]:
    """Those of the records or tasks on which hangs what somebody wrote."""
    names = {f"{noun}:{id_}": id_ for id_ in ids}
    hung = select(note_on.c.record).join(note, note.c.id == note_on.c.note)
    hung = hung.where(note_on.c.record.in_(names), note.c.removed_at.is_(None))
    return {names[record] for record in tx.conn.execute(hung).scalars()} if names else set()


def importers(tx: Tx) -> list[str]:
    """Everybody who has handed in a file of tasks."""
    c = import_run.c
    found = select(c.agent).where(c.noun == "task", c.agent.is_not(None)).distinct()
    return list(tx.conn.execute(found).scalars())


def owners(tx: Tx, refs: Collection[RecordRef]) -> dict[RecordRef, tuple[str | None, str | None]]:
    """Who owns each of the records that are there, and the team of that person."""
    found: dict[RecordRef, tuple[str | None, str | None]] = {}
    for noun in sorted({ref.noun for ref in refs}):
        c = RECORDS[noun].c
        owned = select(c.id, c.owner, agent.c.team).outerjoin(agent, agent.c.key == c.owner)
        rows = tx.conn.execute(owned.where(c.id.in_([ref.id for ref in refs if ref.noun == noun])))
        found |= {RecordRef(noun, row.id): (row.owner, row.team) for row in rows}
    return found


def served(tx: Tx, me: str | None, queues: Sequence[str], refs: Collection[RecordRef]) -> set[str]:
    """The records (noun:id) that open work of mine or of these queues is about, but what I brought about myself."""
    c = task.c
    ids = {noun: [ref.id for ref in refs if ref.noun == noun] for noun in ("lead", "deal")}
    about = or_(c.record.in_([str(ref) for ref in refs]), *[c[noun].in_(some) for noun, some in ids.items()])
    mine = or_(c.agent == (me or ""), c.queue.in_(queues))
    own = [c.origin.not_like(f"{way}:agent:{me}:%") for way in ("asked", "imported")]
    others = or_(c.origin.is_(None), and_(*own))
    rows = tx.conn.execute(select(c.record, c.lead, c.deal).where(about, mine, others, c.state.in_(OPEN)))
    return {name for row in rows for name in (row.record, f"lead:{row.lead}", f"deal:{row.deal}") if name}


def work_of_files(tx: Tx, files: Collection[str]) -> list[Any]:
    """(file, queue, holder, teams let in, origin) of the tasks of these files; holder: who has it or did it."""
    c = task.c
    holder = func.coalesce(c.agent, c.completed_by)
    return list(tx.conn.execute(select(c.file, c.queue, holder, c.extra_teams, c.origin).where(c.file.in_(files))))
