"""``/duplicates``, ``/leads/{id}/duplicates``: records that stand for the same, why, and what was said of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.requests import Request

from taskhub.access import service as access
from taskhub.access.permissions import Caller, Object, can, reaches_all
from taskhub.api import queries, reader, seen
from taskhub.api.duplicate_bodies import Denial, Draft
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.events.model import RecordRef
from taskhub.http import paging
from taskhub.http.edge import act, look
from taskhub.http.inputs import Id
from taskhub.http.paging import Cursor, Limit
from taskhub.http.route import router
from taskhub.sales import service as sales
from taskhub.sales.duplicates import denials, runs, sentences, service
from taskhub.sales.duplicates.runs import Run
from taskhub.sales.duplicates.service import Double

routes = router("duplicates")
READ, LOOK, JUDGE = "duplicate.read", "duplicate.look", "duplicate.judge"
TOLD = ("name", "company", "email", "phone", "owner")
_Language = Annotated[Literal["en", "fr"] | None, Query()]
_NOUNS = {"leads": "lead", "contacts": "contact", "accounts": "account"}


def _of(plural: str) -> None:
    """``/{plural}/{id}/duplicates``: what a stored record may double; nothing is stored by either method."""
    noun = _NOUNS[plural]

    def get_doubles(tx: Tx, request: Request, id: Id, language: _Language = None) -> dict[str, Any]:
        who = access.caller(tx)
        access.check(who, "record.read", _object(tx, who, RecordRef(noun, id)))
        return _shown(tx, who, service.of_record(tx, RecordRef(noun, id)), reader.language(tx, request, language))

    get_doubles.__doc__ = f"What this {noun} may double, the likeliest first, with reasons; 20 at most."
    for verb, route in (("get", routes.get), ("post", routes.post)):
        get_doubles.__name__ = f"{verb}_doubles_of_{noun}"
        route(f"/{plural}/{{id}}/duplicates")(look("record.read")(get_doubles))


for _plural in _NOUNS:
    _of(_plural)


@routes.post("/duplicates/check")
@look("record.read")
def check(tx: Tx, request: Request, body: Draft, language: _Language = None) -> dict[str, Any]:
    """What a record with these fields would double, before it is made; stores nothing."""
    found = service.like(tx, body.noun, body.told())
    return _shown(tx, access.caller(tx), found, reader.language(tx, request, language))


@routes.put("/duplicates/denials")
@act(JUDGE, "duplicate.deny")
def put_denial(tx: Tx, body: Denial) -> dict[str, Any]:
    """Says that two records are not the same, or takes it back; who says it must see both."""
    one, two = (_ref(text) for text in body.records)
    who = access.caller(tx)
    for ref in (one, two):
        access.check(who, "record.read", _object(tx, who, ref))
    said = denials.deny(tx, one, two, body.reason) if body.denied else denials.undeny(tx, one, two)
    return {"records": sorted(map(str, (one, two))), "denied": body.denied, "changed": said}


@routes.get("/duplicates")
@look(READ)
def list_pairs(
    tx: Tx, request: Request, limit: Limit = 50, cursor: Cursor = None, language: _Language = None
) -> dict[str, Any]:
    """What the newest look at everything found, the likeliest first, without what was denied."""
    reads, likely = reader.language(tx, request, language), tx.policies.duplicates.likely
    found = runs.found(tx, _place(cursor), limit + 1)
    items = [
        {"one": each.one, "two": each.two, **_verdict(each.score, each.reasons, reads, likely=each.score >= likely)}
        for each in found[:limit]
    ]
    last = found[limit - 1] if len(found) > limit else None
    following = paging.encode(repr(last.score), last.one, last.two) if last else None
    newest = runs.newest(tx)
    return {**paging.page(items, following), "looked_at": newest.ended_at if newest else None}


@routes.post("/duplicates/runs", status_code=202)
@act(LOOK, "duplicate.look")
def begin_run(tx: Tx) -> dict[str, Any]:
    """Looks at everything, worked off in the background: ``self`` tells how far it is."""
    return _run(runs.begin(tx))


@routes.get("/duplicates/runs/{id}")
@look(READ)
def get_run(tx: Tx, id: Id) -> dict[str, Any]:
    """How far a look at everything has come, and how many pairs it has found."""
    return _run(runs.get(tx, id))


def _run(run: Run) -> dict[str, Any]:
    return {
        "id": run.id, "state": "ended" if run.ended_at else "running", "done": run.done, "total": run.total,
        "found": run.found, "by": run.by, "at": run.at, "ended_at": run.ended_at,
        "self": f"/api/v1/duplicates/runs/{run.id}",
    }  # fmt: skip


def _shown(tx: Tx, who: Caller, found: list[Double], language: str) -> dict[str, Any]:
    """Doubles as clients see them. Of one the caller may not see they learn its owner, to speak to them, and why."""
    sees = _sees(tx, who)
    return {"items": [_double(tx, one, language, sees) for one in found]}


def _double(tx: Tx, one: Double, language: str, sees: Callable[[RecordRef], bool]) -> dict[str, Any]:
    ref = _ref(one.record)
    fields, seen_ = sales.get(tx, ref).fields, sees(ref)
    told = {name: fields.get(name) if seen_ or name == "owner" else None for name in TOLD}
    shown = {"record": one.record if seen_ else None, "noun": ref.noun, "id": ref.id if seen_ else None, **told}
    return {**shown, **_verdict(one.verdict.score, one.verdict.reasons, language, likely=one.likely)}


def _verdict(score: float, reasons: Any, language: str, *, likely: bool) -> Mapping[str, Any]:
    return {
        "score": score, "likely": likely,
        "reasons": [
            {"reason": what, "bits": bits, "text": sentences.reason(what, language)} for what, bits in reasons
        ],
        "sentence": sentences.why(((what, bits) for what, bits in reasons), language, likely=likely),
    }  # fmt: skip


def _sees(tx: Tx, who: Caller) -> Callable[[RecordRef], bool]:
    if reaches_all(who, "record.read"):
        return lambda _ref: True
    return lambda ref: bool(can(who, "record.read", _object(tx, who, ref)))


def _object(tx: Tx, who: Caller, ref: RecordRef) -> Object:
    """What a record is to the caller. Raises NotFound."""
    owner = sales.get(tx, ref).fields.get("owner")
    owner = owner if isinstance(owner, str) else None
    team = queries.team_of_owner(tx, owner)
    served = queries.served(tx, ref.noun, ref.id, tx.by.agent, seen.queues(who, tx.policies) or ())
    return Object(owner, frozenset({team} if team else ()), served=served)


def _ref(text: str) -> RecordRef:
    noun, _, id_ = text.partition(":")
    if noun not in _NOUNS.values() or not id_:
        raise InvalidInput(f"{text[:80]!r} is no record: name it as lead:ID, contact:ID or account:ID.")
    return RecordRef(noun, id_)


def _place(cursor: str | None) -> tuple[float, str, str] | None:
    if not cursor:
        return None
    score, one, two = paging.decode(cursor, 3)
    try:
        return float(score), one, two
    except ValueError:
        raise InvalidInput("This cursor did not come from here. Start again without one.", code="bad_cursor") from None
