"""Imports as people see them: handed in, looked at, started, read, taken back; mappings kept under a name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from taskhub.access import service as access
from taskhub.access.permissions import Object, can
from taskhub.db.tx import Tx
from taskhub.errors import Conflict, InvalidInput, NotFound
from taskhub.ids import new_id
from taskhub.importing import handing_in, mapping, rights, store, undoing
from taskhub.importing.handing_in import File
from taskhub.importing.model import (
    CHECKED,
    CHECKING,
    ENDED,
    RUNNING,
    TASK,
    UNDOING,
    Refusal,
    Row,
    Run,
    no_counts,
)

TOPIC = "import.step"
READING = "reading"
KEPT_FOR = timedelta(days=7)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)


def begin(tx: Tx, file: File) -> Run:
    """A file is to be kept: its pieces are added next, then it is ``ready``."""
    store.forget(tx, (READING, CHECKING, CHECKED), tx.now - KEPT_FOR)
    gives = _gives(tx) if file.noun == TASK else None
    options = {**handing_in.told(file), "gives": gives, "sees": rights.of_caller(tx)}
    run = Run(
        new_id(), file.noun, file.name[:200], file.digest(), READING, tx.by.label, tx.by.agent, tx.now, 0, 0, 0,
        file.map.body(), options, no_counts(), {},
    )  # fmt: skip
    store.add_run(tx, run)
    return run


def _gives(tx: Tx) -> list[str] | None:
    """The queues whose work the caller may give to people; None: all."""
    who = access.caller(tx)
    queues = tx.policies.queues.values()
    mine = [one.key for one in queues if can(who, "task.assign", Object(None, frozenset(one.teams)))]
    return None if len(mine) == len(tx.policies.queues) else mine


def add(tx: Tx, run_id: str, pieces: Sequence[tuple[int, Sequence[Row]]]) -> None:
    """Keeps the next pieces of a file."""
    for number, piece in pieces:
        store.add_piece(tx, run_id, number, piece)


def ready(tx: Tx, run_id: str, total: int, pieces: int) -> Run:
    """The file is there: workers look at it, piece by piece; nothing of it is brought in before it is started."""
    store.save_run(tx, run_id, {"state": CHECKING, "total": total, "pieces": pieces})
    run = get(tx, run_id)
    tx.record("import", run_id, "hand_in", {"noun": run.noun, "name": run.name, "rows": total})
    tx.emit(TOPIC, run_id)
    return run


def hand_in(tx: Tx, file: File) -> Run:
    """All of it in one transaction: for files that are in memory anyway."""
    run = begin(tx, file)
    total = number = 0
    for number, piece in enumerate(file.pieces(), 1):
        store.add_piece(tx, run.id, number - 1, piece)
        total += len(piece)
    return ready(tx, run.id, total, number)


def get(tx: Tx, id_: str, *, lock: bool = False) -> Run:
    """One import. Raises NotFound."""
    found = store.run(tx, id_, lock=lock)
    if found is None:
        raise NotFound(f"There is no import {id_[:64]!r}, or you may not see it.")
    return found


def find(tx: Tx, agent: str | None, after: tuple[datetime, str] | None, limit: int) -> list[Run]:
    """Imports, newest first; ``agent``: only theirs."""
    return store.runs(tx, agent, after, limit)


def under_way(tx: Tx, file: File, states: Sequence[str]) -> Run | None:
    """The same file, read in the same way, that was not ended before."""
    return store.open_run(tx, file.digest(), file.noun, states)


def start(tx: Tx, id_: str, *, create_tasks: bool = False) -> Run:
    """Brings in what was looked at. Raises Conflict while that is not over, or when it was started already."""
    run = get(tx, id_, lock=True)
    if run.state in (READING, CHECKING):
        raise Conflict(
            "This import is still being looked at: wait until its state is checked.", code="import_checking",
            state=run.state,
        )  # fmt: skip
    if run.state != CHECKED:
        raise Conflict(
            f"This import has been started already: it is {run.state}.", code="import_started", state=run.state
        )
    options = {**run.options, "create_tasks": create_tasks}
    changes = {"state": RUNNING, "step": 0, "options": options, "counts": no_counts()}
    store.save_run(tx, id_, changes)
    tx.record("import", id_, "start", {"rows": run.total, "create_tasks": create_tasks})
    tx.emit(TOPIC, id_)
    return get(tx, id_)


def undo(tx: Tx, id_: str) -> Run:
    """Takes all of it back, piece by piece; one under way ends. Raises Conflict with what was touched since."""
    run = get(tx, id_, lock=True)
    if run.state not in (RUNNING, ENDED):
        raise Conflict(
            f"Only an import that was started is taken back; this one is {run.state}.", code="import_not_ended",
            state=run.state,
        )  # fmt: skip
    undoing.refuse_touched(tx, run)
    store.save_run(tx, id_, {"state": UNDOING, "step": 0, "undone_by": tx.by.label})
    tx.record("import", id_, "undo", store.made_counts(tx, id_))
    tx.emit(TOPIC, id_)
    return get(tx, id_)


def refusals(tx: Tx, id_: str) -> Iterator[Refusal]:
    """Every refused row, in the order of the file."""
    after = 0
    while some := store.refusals(tx, id_, after, 1_000):
        yield from some
        after = some[-1].line


def some_refusals(tx: Tx, id_: str, after: int, limit: int) -> list[Refusal]:
    """Refused rows behind a line."""
    return store.refusals(tx, id_, after, limit)


def check_mapping(noun: str, body: Mapping[str, Any]) -> None:
    """Raises InvalidInput for a mapping that fits no file at all, whatever its columns are called."""
    mapping.read(noun, body, list(body.get("columns", {})))


def save_mapping(tx: Tx, noun: str, name: str, body: Mapping[str, Any]) -> None:
    """Keeps a mapping under a name; what was there under it goes. Raises InvalidInput for an odd name."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{name[:60]!r} cannot be a name: use a-z, 0-9, points and dashes.", code="bad_name")
    store.put_mapping(tx, noun, name, body)
    tx.record("import_mapping", f"{noun} {name}", "save", {"columns": len(body.get("columns", {}))})


def mappings(tx: Tx, noun: str | None = None) -> list[dict[str, Any]]:
    """Every saved mapping."""
    return store.mappings(tx, noun)
