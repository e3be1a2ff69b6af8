"""An import is taken back: refused once somebody has gone on with what it made; then piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from taskhub.db.tx import Tx
from taskhub.errors import Conflict
from taskhub.events import own
from taskhub.events.model import RecordRef
from taskhub.failpoints import failpoint
from taskhub.importing import queries, store
from taskhub.importing.model import TASK, UNDONE, Run
from taskhub.importing.store import Made
from taskhub.importing.telling import tie_of
from taskhub.notes import service as notes
from taskhub.sales import arriving
from taskhub.tasks import arriving as work
from taskhub.tasks import withdrawing
from taskhub.tasks.model import Cause

ORDER = (TASK, "deal", "lead", "contact", "account")  # what names others goes before them
AT_ONCE, LOOK = 200, 1_000
UNDONE_SAID = "import undone"


def refuse_touched(tx: Tx, run: Run) -> None:
    """Raises Conflict with how much of each noun somebody has touched since, and some of it."""
    found: dict[str, int] = {}
    some: list[str] = []
    for noun in ORDER:
        for made in _all(tx, run, noun):
            ids = sorted(_touched(tx, run, noun, made))
            found[noun] = found.get(noun, 0) + len(ids)
            some += [f"{noun}:{id_}" for id_ in ids[: 10 - len(some)]]
    counts = {f"{noun}s": count for noun, count in found.items() if count}
    if counts:
        told = ", ".join(f"{count} {noun if count > 1 else noun[:-1]}" for noun, count in counts.items())
        raise Conflict(
            f"This import is no longer taken back: somebody has gone on with {told}, {some[0]} for one.",
            code="import_touched", touched=counts, some=some,
        )  # fmt: skip


def _all(tx: Tx, run: Run, noun: str) -> Iterator[list[Made]]:
    after = ""
    while made := store.made(tx, run.id, noun, LOOK, after):
        yield made
        after = made[-1].record


def _touched(tx: Tx, run: Run, noun: str, made: Sequence[Made]) -> set[str]:
    ids = [one.record for one in made]
    acted = queries.acted_on(tx, noun, ids) | queries.with_notes(tx, noun, ids)
    if noun == TASK:
        return acted | {task.id for task in work.touched(tx, ids)}
    events = [event for one in made for event in one.events]
    return acted | arriving.touched(tx, noun, ids, tie_of(run.id)) | queries.with_work(tx, noun, ids, events)


def step(tx: Tx, run: Run) -> None:
    """The next piece goes. What somebody has touched in this very moment stays, and is counted."""
    noun, made = next(((noun, found) for noun in ORDER if (found := store.made(tx, run.id, noun, AT_ONCE))), ("", []))
    if not made:
        store.save_run(tx, run.id, {"state": UNDONE, "undone_at": tx.now})
        store.drop_pieces(tx, run.id)
        tx.record("import", run.id, "undone", {"kept": run.counts.get("kept", 0)})
        return
    gone = _tasks_gone(tx, run, made) if noun == TASK else _records_gone(tx, run, noun, made)
    kept = len(made) - gone
    store.drop_made(tx, run.id, noun, [one.record for one in made])
    counts: dict[str, Any] = {**run.counts, "undone": run.counts.get("undone", 0) + gone}
    store.save_run(tx, run.id, {"step": run.step + 1, "counts": {**counts, "kept": run.counts.get("kept", 0) + kept}})
    failpoint("importing.undone")


def _tasks_gone(tx: Tx, run: Run, made: Sequence[Made]) -> int:
    ids = [one.record for one in made]
    noted = queries.with_notes(tx, TASK, ids)
    return sum(work.withdraw(tx, [id_ for id_ in ids if id_ not in noted], UNDONE_SAID).values())


def _records_gone(tx: Tx, run: Run, noun: str, made: Sequence[Made]) -> int:
    arriving.lock(tx, [RecordRef(noun, one.record) for one in made])
    if run.options.get("create_tasks"):
        own.call_off(tx, [event for one in made for event in one.events])
    touched = _touched(tx, run, noun, made)
    free = [one for one in made if one.record not in touched and _withdrawn(tx, run, noun, one)]
    moves = {RecordRef(noun, one.record): one.events for one in free}
    gone = [ref for ref, is_gone in arriving.take_out(tx, moves, tie_of(run.id)).items() if is_gone]
    notes.unhang(tx, list(map(str, gone)))
    for ref in gone:
        tx.record(*ref, "undo_import", {"import": run.id, "for": run.undone_by})
    return len(gone)


def _withdrawn(tx: Tx, run: Run, noun: str, one: Made) -> bool:
    """Whether the work that rules made of it could be taken back."""
    if not run.options.get("create_tasks"):
        return True
    lead = one.record if noun == "lead" else ""
    try:
        withdrawing.withdraw(tx, Cause(tuple(one.events), lead, None, (f"{noun}:{one.record}",), None), UNDONE_SAID)
    except Conflict:
        return False
    return True
