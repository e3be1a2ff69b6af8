"""``/leads/{id}/merge``, ``/merges``: records that are the same become one, with a preview and the way back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.requests import Request

from taskhub.access import service as access
from taskhub.acts import merging, unmerging
from taskhub.acts.merging import Foreseen, May, Wanted
from taskhub.api import reader, seen, shown_sales
from taskhub.api.duplicate_bodies import MergeIn, MergePreviewIn
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.events.model import RecordRef
from taskhub.http import paging
from taskhub.http.edge import act, look
from taskhub.http.inputs import Id
from taskhub.http.paging import Cursor, Limit
from taskhub.http.route import router
from taskhub.sales.duplicates import merges, sentences
from taskhub.sales.duplicates.merges import Merge
from taskhub.sales.model import RecordState

routes = router("duplicates")
CHANGE, READ = "record.change", "duplicate.read"
Spoken = Annotated[Literal["en", "fr"] | None, Query()]
NOUNS = ("lead", "deal", "account", "contact")


def _of(noun: str) -> None:
    @routes.post(f"/{noun}s/{{id}}/merge/preview")
    @look(CHANGE)
    def preview_merge(
        tx: Tx, request: Request, id: Id, body: MergePreviewIn, language: Spoken = None
    ) -> dict[str, Any]:  # fmt: skip
        """What merging others into this one would do: which value wins where and why, what follows; stores nothing."""
        wanted = _wanted(noun, id, body)
        _refuse_unseen(tx, wanted)
        return _foreseen(merging.foresee(tx, wanted), reader.language(tx, request, language))

    @routes.post(f"/{noun}s/{{id}}/merge")
    @act(CHANGE, f"{noun}.merge")
    def merge(tx: Tx, id: Id, body: MergeIn) -> dict[str, Any]:
        """Others go into this one, all or nothing; who does it must be allowed to change each of them."""
        wanted = _wanted(noun, id, body, body.versions)
        _refuse_unseen(tx, wanted)
        done = merging.merge(tx, wanted, _may(tx))
        gone = [{"id": state.ref.id, "merged_into": done.state.ref.id} for state in done.gone]
        return {noun: shown_sales.record(tx, done.state), "gone": gone, "merges": list(done.merges), "act": tx.act_id}


for _noun in NOUNS:
    _of(_noun)


@routes.get("/merges")
@look(READ)
def list_merges(tx: Tx, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """Every merge that holds, newest first."""
    found = merges.page(tx, paging.instant_after(cursor), limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return paging.page([_merge(one) for one in found[:limit]], paging.encode(last.at, last.id) if last else None)


@routes.get("/merges/{id}")
@look("record.read")
def get_merge(tx: Tx, id: Id) -> dict[str, Any]:
    """One merge, also one that was taken back."""
    one = merges.get(tx, id)
    _read(tx, [one])
    return _merge(one)


@routes.post("/merges/{id}/undo")
@act(CHANGE, "merge.undo")
def undo_merge(tx: Tx, id: Id) -> dict[str, Any]:
    """Takes a merge back, or all merges of a batch: the records that went are themselves again."""
    found = merges.find(tx, id)
    _read(tx, found)
    whole = all(one.id != id for one in found)
    back = unmerging.undo_batch(tx, id, _may(tx)) if whole else [unmerging.undo(tx, id, _may(tx))]
    return {"items": [shown_sales.record(tx, state) for state in back]}


def _wanted(noun: str, id_: str, body: MergePreviewIn, versions: dict[str, int] | None = None) -> Wanted:
    return Wanted(RecordRef(noun, id_), tuple(RecordRef(noun, one) for one in body.gone), body.choose, versions)


def _refuse_unseen(tx: Tx, wanted: Wanted) -> None:
    """Nobody waits for the lock of a record they may not change."""
    for ref in (wanted.stays, *wanted.gone):
        seen.record(tx, ref.noun, ref.id, CHANGE)


def _may(tx: Tx) -> May:
    who = access.caller(tx)

    def may(state: RecordState) -> None:
        access.check(who, CHANGE, seen.of_row(tx, state, who))

    return may


def _read(tx: Tx, found: Iterable[Merge]) -> None:
    for one in found:
        for record in (one.stays, one.gone):
            ref = merges.ref_of(record)
            try:
                seen.record(tx, ref.noun, ref.id)
            except NotFound:
                raise NotFound(merges.UNSEEN) from None


def _merge(one: Merge) -> dict[str, Any]:
    return {
        "id": one.id, "gone": one.gone, "stays": one.stays, "by": one.by, "at": one.at, "batch": one.batch,
        "undone_by": one.undone_by, "undone_at": one.undone_at, "told": "told" in one.done,
    }  # fmt: skip


def _foreseen(one: Foreseen, language: str) -> dict[str, Any]:
    fields = [
        {
            "field": chosen.field, "value": chosen.value, "of": chosen.of, "why": chosen.why,
            "text": sentences.wins(chosen.why, language), "values": dict(chosen.values),
        }
        for chosen in one.fields
    ]  # fmt: skip
    states = (one.stays, *one.gone)
    return {
        "stays": one.stays.ref.id, "gone": [state.ref.id for state in one.gone], "suggested": one.suggested,
        "versions": {state.ref.id: state.version for state in states}, "fields": fields,
        "moves": {**one.moves, "task": one.tasks}, "closed": one.closed,
    }  # fmt: skip
