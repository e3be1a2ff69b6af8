"""The only SQL that writes imports: runs, their pieces, what they made and refused, saved mappings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Select, bindparam, delete, func, literal, select, tuple_, update

from taskhub.db import rows
from taskhub.db.tables_importing import import_made, import_mapping, import_piece, import_refusal, import_run
from taskhub.db.tx import Tx
from taskhub.importing.model import Refusal, Row, Run

_SHOWN = [import_run.c[name] for name in Run.__slots__]
_RUN: Select[Any] = select(*_SHOWN).where(import_run.c.id == bindparam("run"))


class Made(NamedTuple):
    """One record a run made; ``events`` under which its moves are kept."""

    noun: str
    record: str
    line: int
    events: Sequence[str]


def add_run(tx: Tx, run: Run) -> None:
    """A file is on its way in."""
    tx.conn.execute(import_run.insert().values({name: getattr(run, name) for name in Run.__slots__}))


def run(tx: Tx, id_: str, *, lock: bool = False) -> Run | None:
    """One run, locked until the transaction ends where that is asked for."""
    row = tx.conn.execute(_RUN.with_for_update() if lock else _RUN, {"run": id_}).first()
    return Run(*row) if row else None


def save_run(tx: Tx, id_: str, changes: Mapping[str, Any]) -> None:
    """Writes changed columns of a locked run."""
    tx.conn.execute(update(import_run).where(import_run.c.id == id_).values(dict(changes)))


def runs(tx: Tx, agent: str | None, after: tuple[datetime, str] | None, limit: int) -> list[Run]:
    """Runs, newest first; ``agent``: only theirs."""
    c = import_run.c
    wanted = select(*_SHOWN).order_by(c.at.desc(), c.id.desc()).limit(limit)
    if agent is not None:
        wanted = wanted.where(c.agent == agent)
    if after is not None:
        wanted = wanted.where(tuple_(c.at, c.id) < tuple_(literal(after[0], c.at.type), after[1]))
    return [Run(*row) for row in tx.conn.execute(wanted)]


def open_run(tx: Tx, digest: str, noun: str, states: Sequence[str]) -> Run | None:
    """The newest run of the same file that is in one of these states."""
    c = import_run.c
    same = select(*_SHOWN).where(c.digest == digest, c.noun == noun, c.state.in_(states)).order_by(c.at.desc())
    row = tx.conn.execute(same.limit(1)).first()
    return Run(*row) if row else None


def add_piece(tx: Tx, run_id: str, number: int, piece: Sequence[Row]) -> None:
    """Keeps the next rows of a file."""
    body = orjson.dumps([[row.line, row.cells, row.fault] for row in piece])
    tx.conn.execute(import_piece.insert().values(run=run_id, number=number, rows=body))


def piece(tx: Tx, run_id: str, number: int) -> list[Row]:
    """The rows of one piece."""
    c = import_piece.c
    body = tx.conn.execute(select(c.rows).where(c.run == run_id, c.number == number)).scalar()
    return [Row(*row) for row in orjson.loads(body)] if body is not None else []


def drop_pieces(tx: Tx, run_id: str) -> None:
    """The rows of a file that is worked off go."""
    tx.conn.execute(delete(import_piece).where(import_piece.c.run == run_id))


def add_made(tx: Tx, run_id: str, made: Sequence[Made]) -> None:
    """Keeps what a piece made; the same once more is the same once."""
    rows.put(tx.conn, import_made, [{"run": run_id, **one._asdict(), "events": list(one.events)} for one in made])


def made(tx: Tx, run_id: str, noun: str, limit: int, after: str = "") -> list[Made]:
    """What a run made of a noun and is still there, in the order of ids."""
    c = import_made.c
    mine = select(c.noun, c.record, c.line, c.events).where(c.run == run_id, c.noun == noun, c.record > after)
    return [Made(*row) for row in tx.conn.execute(mine.order_by(c.record).limit(limit))]


def made_counts(tx: Tx, run_id: str) -> dict[str, int]:
    """How much of each noun a run made and is still there."""
    c = import_made.c
    counted = select(c.noun, func.count()).where(c.run == run_id).group_by(c.noun)
    return {row[0]: row[1] for row in tx.conn.execute(counted)}


def drop_made(tx: Tx, run_id: str, noun: str, records: Sequence[str]) -> None:
    """These are gone, or are no longer the run's to take back."""
    c = import_made.c
    tx.conn.execute(delete(import_made).where(c.run == run_id, c.noun == noun, c.record.in_(records)))


def add_refusals(tx: Tx, run_id: str, refusals: Iterable[Refusal]) -> None:
    """Keeps rows that could not be taken in."""
    rows.put(tx.conn, import_refusal, [{"run": run_id, **one._asdict()} for one in refusals])


def drop_refusals(tx: Tx, run_id: str) -> None:
    """What was refused when it was looked at."""
    tx.conn.execute(delete(import_refusal).where(import_refusal.c.run == run_id))


def refusals(tx: Tx, run_id: str, after: int, limit: int) -> list[Refusal]:
    """Refused rows in the order of the file."""
    c = import_refusal.c
    mine = select(c.line, c.reason, c.message, c.raw).where(c.run == run_id, c.line > after)
    return [Refusal(*row) for row in tx.conn.execute(mine.order_by(c.line).limit(limit))]


def forget(tx: Tx, states: Sequence[str], before: datetime) -> None:
    """Runs that got no further than a preview go after a while."""
    c = import_run.c
    old = list(tx.conn.execute(select(c.id).where(c.state.in_(states), c.at < before)).scalars())
    for table, name in ((import_piece, "run"), (import_refusal, "run"), (import_run, "id")):
        tx.conn.execute(delete(table).where(table.c[name].in_(old)))


def put_mapping(tx: Tx, noun: str, name: str, body: Mapping[str, Any]) -> None:
    """Keeps a mapping under a name; what was there under it goes."""
    row = {"noun": noun, "name": name, "body": dict(body), "by": tx.by.label, "at": tx.now}
    rows.put(tx.conn, import_mapping, [row])


def mapping(tx: Tx, noun: str, name: str) -> Mapping[str, Any] | None:
    """The mapping of that name."""
    c = import_mapping.c
    found: Mapping[str, Any] | None = tx.conn.execute(select(c.body).where(c.noun == noun, c.name == name)).scalar()
    return found


def mappings(tx: Tx, noun: str | None = None) -> list[dict[str, Any]]:
    """Every saved mapping, by noun and name."""
    c = import_mapping.c
    wanted = select(import_mapping) if noun is None else select(import_mapping).where(c.noun == noun)
    return [dict(row) for row in tx.conn.execute(wanted.order_by(c.noun, c.name)).mappings()]
