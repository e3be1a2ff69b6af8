"""The job: one piece of one import in one transaction. A process that dies costs one piece, which is done again."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from taskhub.db.tx import Tx
from taskhub.failpoints import failpoint
from taskhub.importing import bringing, looking, mapping, store, undoing
from taskhub.importing.bringing import Piece
from taskhub.importing.judging import judge
from taskhub.importing.mapping import FieldMap
from taskhub.importing.model import CHECKED, CHECKING, ENDED, RUNNING, UNDOING, Judged, Refusal, Row, Run
from taskhub.importing.rights import Sees
from taskhub.importing.service import TOPIC, get

RAW = 64 * 1024


def advance(tx: Tx, run_id: str) -> Run | None:
    """Does the next piece, and rings for the one behind it. Returns the import; None: there is no such one."""
    run = store.run(tx, run_id, lock=True)
    if run is None or run.state not in (CHECKING, RUNNING, UNDOING):
        return run
    tx.note("import", run_id)
    if run.state == UNDOING:
        undoing.step(tx, run)
    elif run.step < run.pieces:
        (_check if run.state == CHECKING else _bring)(tx, run)
    if run.state != UNDOING and run.step + 1 >= run.pieces:
        _end(tx, run)
    failpoint("importing.stepped")
    after = get(tx, run_id)
    if after.state in (CHECKING, RUNNING, UNDOING):
        tx.emit(TOPIC, run_id)
    return after


def map_of(run: Run) -> FieldMap:
    """How its rows are read."""
    return mapping.read(run.noun, run.mapping, run.options["header"])


def judged(tx: Tx, run: Run, rows: Sequence[Row]) -> list[Judged]:
    """What the rows would become at this moment."""
    house = looking.house_of(tx, run.at, run.options.get("gives"))
    return judge(map_of(run), run.options["header"], house)(rows)


def _check(tx: Tx, run: Run) -> None:
    rows = judged(tx, run, store.piece(tx, run.id, run.step))
    done, rows, tasks = looking.looked(tx, rows, run.options.get("sees"))
    preview = previewed(tx, run.preview, rows, run.options.get("sees"))
    counts = looking.added(run.counts, done, tasks)
    store.save_run(tx, run.id, {"step": run.step + 1, "counts": counts, "preview": preview})
    store.add_refusals(tx, run.id, _refusals(run, store.piece(tx, run.id, run.step), done))


def previewed(tx: Tx, before: Any, rows: Sequence[Judged], sees: Sees = None) -> dict[str, Any]:
    """The preview with the first of these rows."""
    shown = [*before.get("rows", ()), *looking.shown(rows, looking.FIRST - len(before.get("rows", ())))]
    room = looking.LOOKED_FOR - before.get("looked_for", 0)
    alike = [*before.get("doubles", ()), *looking.doubles(tx, rows, room, sees)]
    return {"rows": shown, "doubles": alike, "looked_for": before.get("looked_for", 0) + min(len(rows), max(room, 0))}


def _bring(tx: Tx, run: Run) -> None:
    rows = store.piece(tx, run.id, run.step)
    if run.step == 0:
        store.drop_refusals(tx, run.id)  # those of the preview: the house may have changed since
    done = bringing.bring(tx, run, judged(tx, run, rows))
    store.add_made(tx, run.id, done.made)
    store.add_refusals(tx, run.id, _refusals(run, rows, done))
    failpoint("importing.kept")
    store.save_run(tx, run.id, {"step": run.step + 1, "counts": looking.added(run.counts, done)})
    tx.count("taskhub_import_rows_total", "new", by=done.new)
    tx.count("taskhub_import_rows_total", "known", by=done.known)
    tx.count("taskhub_import_rows_total", "refused", by=len(done.refused))


def _end(tx: Tx, run: Run) -> None:
    if run.state == CHECKING:
        store.save_run(tx, run.id, {"state": CHECKED})
        return
    store.save_run(tx, run.id, {"state": ENDED, "ended_at": tx.now})
    store.drop_pieces(tx, run.id)
    counts = get(tx, run.id).counts
    told = {name: counts[name] for name in ("new", "known")} | {"refused": sum(counts["refused"].values())}
    tx.record("import", run.id, "end", told)


def _refusals(run: Run, rows: Sequence[Row], done: Piece) -> list[Refusal]:
    by_line = {row.line: row for row in rows}
    delimiter = run.options["delimiter"]
    return [
        Refusal(one.line, one.reason, one.message[:2_000], raw_of(by_line[one.line], delimiter)) for one in done.refused
    ]


def raw_of(row: Row, delimiter: str) -> str:
    """The row as it came, as far as a database can keep it."""
    text = row.cells[0] if row.fault else _line(row.cells, delimiter)
    return text[:RAW].replace("\x00", "\ufffd")


def _line(cells: Sequence[str], delimiter: str) -> str:
    held = io.StringIO()
    csv.writer(held, delimiter=delimiter, lineterminator="").writerow(cells)
    return held.getvalue()
