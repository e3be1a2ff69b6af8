"""A file of leads brought in, beside a bare loop of the same inserts: rows a second, and the most memory it takes.

Both write the record, its print with its keys, its way and one row of history in transactions of as many rows; the bare
loop has everything worked out before and does nothing else. Handing in and looking are measured apart from bringing in.
"""

from __future__ import annotations

import tempfile
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, select

from benchmarks import sizes, world
from benchmarks.table import Figure
from taskhub.db.database import Database
from taskhub.db.tables import history
from taskhub.db.tables_duplicates import duplicate_key, duplicate_print
from taskhub.db.tables_sales import lead, stage_change
from taskhub.importing import handing_in, pieces, service
from taskhub.importing.handing_in import AT_ONCE, File
from taskhub.importing.model import CHECKING, RUNNING
from taskhub.testing import organisation
from tests.api.house import paths
from tests.servers import start_postgres

SETTINGS = {"shared_buffers": "512MB"}
WRITTEN = (lead, duplicate_print, duplicate_key, stage_change, history)


def run() -> list[Figure]:
    """Rows a second on both databases; memory for a file ten times as long."""
    size = sizes.of(20_000, 1_000)
    figures: list[Figure] = []
    for name, opened in (("SQLite", _sqlite), ("PostgreSQL", _postgres)):
        with opened() as db:
            figures += _measured(db, name, size)
    return [*figures, *_memory(size)]


def _text(size: int) -> Iterator[bytes]:
    yield b"ID,Name,Company,E-mail,Phone,Stage,Created\n"
    for n in range(size):
        place = f"{n},Ann {n} Miller,Works {n} Ltd,ann{n}@works{n}.example,+4930{n:07},new,2026-01-05\n"
        yield place.encode()


def _file(db: Database, size: int) -> File:
    with db.read() as tx:
        return handing_in.look(tx, "lead", "leads.csv", lambda: _text(size)).whole()


@contextmanager
def _sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        db = organisation.database(f"sqlite:///{Path(folder) / 'files.db'}", _policies())
        yield db
        db.close()


@contextmanager
def _postgres() -> Iterator[Database]:
    with start_postgres(durable=True, settings=SETTINGS) as postgres:
        db = organisation.database(world.new_database(postgres.url, "files"), _policies(), pool=2)
        yield db
        db.close()


def _policies() -> Any:
    return organisation.policies(pipelines={line.key: line for line in paths()})


def _measured(db: Database, name: str, size: int) -> list[Figure]:
    begun = time.perf_counter()
    file = _file(db, size)
    with db.begin() as tx:
        run_ = service.hand_in(tx, file)
    _until(db, run_.id, CHECKING)
    looked = time.perf_counter()
    with db.begin() as tx:
        service.start(tx, run_.id)
    _until(db, run_.id, RUNNING)
    took = time.perf_counter() - looked
    with db.read() as tx:
        ended = service.get(tx, run_.id)
    if ended.counts["new"] != size:
        raise RuntimeError(f"every row should have come in: {ended.counts}")
    bare = _bare(db)
    return [
        Figure(f"import of {size:,} leads, {name}", "rows/s, beside the bare inserts", [size / took], [size / bare],
               least=0.1),
        Figure(f"the same, handed in and looked at, {name}", "rows/s", [size / (looked - begun)]),
    ]  # fmt: skip


def _until(db: Database, run_id: str, state: str) -> None:
    while True:
        with db.begin() as tx:
            run_ = pieces.advance(tx, run_id)
        if run_ is None or run_.state != state:
            return


def _bare(db: Database) -> float:
    """Seconds for the same rows, taken out and put back in pieces of the same size."""
    with db.read() as tx:
        rows = {table: [dict(row) for row in tx.conn.execute(select(table)).mappings()] for table in WRITTEN}
    with db.begin() as tx:
        for table in reversed(WRITTEN):
            tx.conn.execute(delete(table))
    begun = time.perf_counter()
    many = max(1, len(rows[lead]) // AT_ONCE)
    for number in range(many):
        with db.engine.begin() as conn:
            for table, all_ in rows.items():
                conn.execute(table.insert(), _share(table, all_, number, many))
    return time.perf_counter() - begun


def _share(_table: Table, rows: Sequence[dict[str, Any]], number: int, many: int) -> list[dict[str, Any]]:
    """One of ``many`` parts of the rows."""
    return list(rows[len(rows) * number // many : len(rows) * (number + 1) // many])


def _memory(size: int) -> list[Figure]:
    """The most a file takes, beside one of a tenth of its length: it must not grow with it."""
    few = max(size // 10, 2 * AT_ONCE)
    return [Figure(f"import of {size:,} leads, memory at its most", f"MB, beside {few:,}", [_peak(size)], [_peak(few)],
                   most=2)]  # fmt: skip


def _peak(size: int) -> float:
    with _sqlite() as db:
        tracemalloc.start()
        try:
            file = _file(db, size)
            with db.begin() as tx:
                run_ = service.hand_in(tx, file)
            _until(db, run_.id, CHECKING)
            with db.begin() as tx:
                service.start(tx, run_.id)
            _until(db, run_.id, RUNNING)
            return tracemalloc.get_traced_memory()[1] / 1_000_000
        finally:
            tracemalloc.stop()
