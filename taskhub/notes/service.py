"""Notes: added, rewritten and removed by who wrote them, each with its history; conversions and merges carry them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from taskhub.db import history as histories
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.ids import new_id
from taskhub.notes import model, store
from taskhub.notes.model import Draft, Note

NOUN = "note"


def add(tx: Tx, on: Sequence[str], draft: Draft) -> Note:
    """Hangs a new note on records (noun:id) that the caller has looked at."""
    new = Note(
        new_id(), draft.kind, tx.by.label, draft.text, draft.url, tx.now, None, None, None, draft.question, 1,
        tuple(sorted(set(on))),
    )  # fmt: skip
    store.add(tx, new)
    tx.record(NOUN, new.id, "add", {"kind": new.kind, "on": list(new.on)})
    tx.inverse = {"op": "unadd_note", "note": new.id}
    return new


def get(tx: Tx, id_: str, *, removed: bool = False) -> Note:
    """A note that is there, or, with ``removed``, was. Raises NotFound."""
    found = store.get(tx, id_)
    if found is None or (found.removed_at is not None and not removed):
        raise NotFound(model.UNSEEN)
    return found


def of(
    tx: Tx, records: Sequence[str], after: tuple[datetime, str] | None, limit: int
) -> tuple[list[Note], tuple[datetime, str] | None]:
    """One page of what hangs on these records, newest first, and where the next page begins."""
    found = store.on(tx, records, after, limit + 1)
    page = found[:limit]
    return page, (page[-1].at, page[-1].id) if len(found) > limit else None


def change(tx: Tx, id_: str, version: int | None, wanted: Mapping[str, Any]) -> Note:
    """Its author rewrites it; history keeps what it said. Raises NotFound, Forbidden, VersionClash, InvalidInput."""
    before = _locked(tx, id_)
    model.refuse_others(before, tx.by.label, version)
    changes = model.changed(before, wanted)
    if not changes:
        return before
    was = {name: getattr(before, name) for name in changes}
    tx.inverse = {"op": "rewrite_note", "note": id_, "was": was}
    return _saved(tx, before, "change", {**changes, "changed_at": tx.now}, {n: [was[n], changes[n]] for n in changes})


def remove(tx: Tx, id_: str, version: int | None, *, house: bool = False) -> Note:
    """Its author takes it away; undo brings it back. Raises as ``change`` does."""
    before = _locked(tx, id_)
    model.refuse_others(before, tx.by.label, version, house=house)
    tx.inverse = {"op": "restore_note", "note": id_}
    return _saved(tx, before, "remove", {"removed_at": tx.now, "removed_by": tx.by.label}, {})


def restore(tx: Tx, id_: str) -> Note:
    """Undo of ``remove``."""
    before = _locked(tx, id_)
    model.refuse_present(before)
    return _saved(tx, before, "restore", {"removed_at": None, "removed_by": None}, {})


def carry(tx: Tx, frm: str, to: str, via: str) -> int:
    """What hangs on ``frm`` (locked) hangs on ``to`` as well, until the conversion or merge ``via`` is undone."""
    return store.carry(tx, frm, to, via)


def uncarry(tx: Tx, via: str) -> None:
    """Undo of ``carry``."""
    store.uncarry(tx, via)


def unhang(tx: Tx, records: Sequence[str]) -> None:
    """Records that are gone for good have no notes: who gets their id some day would have them."""
    store.unhang(tx, records)


def history(tx: Tx, id_: str) -> list[dict[str, Any]]:
    """What has happened to a note, oldest first."""
    return histories.of(tx.conn, NOUN, id_)


def _locked(tx: Tx, id_: str) -> Note:
    found = store.get(tx, id_, lock=True)
    if found is None:
        raise NotFound(model.UNSEEN)
    return found


def _saved(tx: Tx, before: Note, act: str, changes: Mapping[str, Any], told: Mapping[str, Any]) -> Note:
    store.save(tx, before.id, {**changes, "version": before.version + 1})
    tx.record(NOUN, before.id, act, told)
    return replace(before, version=before.version + 1, **changes)
