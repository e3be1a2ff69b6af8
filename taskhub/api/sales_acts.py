"""What people do with one lead or deal, each route one act; and what helps them before they do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.requests import Request

from taskhub.acts import converting, crm_asking, selling, unconverting
from taskhub.api import reader, seen, shown, shown_sales
from taskhub.api.bodies import Call
from taskhub.api.sales_bodies import ConvertIn, FollowUpIn, LoseIn, StageIn, StatusIn
from taskhub.api.tasks import check_due
from taskhub.connectors.asking.model import PENDING, CrmAct
from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef
from taskhub.http import paging
from taskhub.http.edge import Reply, act, look
from taskhub.http.inputs import Id
from taskhub.http.route import router
from taskhub.sales import readiness
from taskhub.sales import service as sales
from taskhub.sales.conversion import Asked
from taskhub.sales.duplicates import merges
from taskhub.sales.model import RecordState
from taskhub.tasks import service as tasks

routes = router("records")
CHANGE = "record.change"
Spoken = Annotated[Literal["en", "fr"] | None, Query()]


def _path(noun: str) -> None:
    """How leads and deals move along, end and come back."""

    @routes.post(f"/{noun}s/{{id}}/stage")
    @act(CHANGE, f"{noun}.stage")
    def stage(tx: Tx, id: Id, body: StageIn) -> dict[str, Any]:
        """To another stage, of its pipeline or of another; forward once what stages on the way require is there."""
        return _did(tx, noun, id, lambda ref: selling.move(tx, ref, body.stage, body.version, body.pipeline))

    @routes.post(f"/{noun}s/{{id}}/status")
    @act(CHANGE, f"{noun}.status")
    def status(tx: Tx, id: Id, body: StatusIn) -> dict[str, Any] | Reply:
        """A status from the short list."""
        if body.status == "lost":
            return _lost(tx, noun, id, body.reason or "", body.version)
        return _did(tx, noun, id, lambda ref: selling.set_status(tx, ref, body.status, body.reason, body.version))

    @routes.post(f"/{noun}s/{{id}}/lose")
    @act(CHANGE, f"{noun}.lose")
    def lose(tx: Tx, id: Id, body: LoseIn) -> dict[str, Any] | Reply:
        """Lost, for a reason from the pipeline's list."""
        return _lost(tx, noun, id, body.reason, body.version)

    @routes.post(f"/{noun}s/{{id}}/reopen")
    @act(CHANGE, f"{noun}.reopen")
    def reopen(tx: Tx, id: Id, body: Call = Call()) -> dict[str, Any]:  # noqa: B008
        """Open again, at the stage where it was."""
        return _did(tx, noun, id, lambda ref: selling.reopen(tx, ref, body.version))

    @routes.post(f"/{noun}s/{{id}}/withdraw")
    @act(CHANGE, f"{noun}.withdraw")
    def withdraw(tx: Tx, id: Id, body: Call = Call()) -> dict[str, Any]:  # noqa: B008
        """Gives up what was asked of its CRM: before it was sent, or once it is not tried any more."""
        seen.held(tx, noun, id, CHANGE)
        ref = RecordRef(noun, id)
        crm_asking.withdraw(tx, ref, body.version)
        return shown_sales.record(tx, sales.get(tx, ref))


def _hands(noun: str) -> None:
    """Whose a lead or deal is, what is asked for about it, what has happened to it."""

    @routes.post(f"/{noun}s/{{id}}/take-over")
    @act("record.take_over", f"{noun}.take_over")
    def take_over(tx: Tx, id: Id, body: Call = Call()) -> dict[str, Any]:  # noqa: B008
        """The caller owns it from now on; who had it is told."""
        return _did(tx, noun, id, lambda ref: selling.take_over(tx, ref, body.version), "record.take_over")

    @routes.post(f"/{noun}s/{{id}}/follow-up", status_code=201)
    @act("record.ask", f"{noun}.follow_up")
    def follow_up(tx: Tx, id: Id, body: FollowUpIn) -> dict[str, Any]:
        """Asks for a task about it."""
        state, _ = seen.held(tx, noun, id, "record.ask")
        merges.refuse_gone(tx, state)
        check_due(tx, body.due_at)
        return {"task": shown.task(tx, tasks.create(tx, body.order(tx.policies, tx.by.label)(state, None)))}

    @routes.get(f"/{noun}s/{{id}}/history")
    @look("record.read")
    def history(tx: Tx, id: Id) -> dict[str, Any]:
        """What has happened to it, oldest first: who, when, from what to what."""
        seen.record(tx, noun, id)
        return paging.page(sales.history(tx, RecordRef(noun, id)), None)


for _noun in ("lead", "deal"):
    _path(_noun)
    _hands(_noun)


@routes.post("/deals/{id}/win")
@act(CHANGE, "deal.win")
def win(tx: Tx, id: Id, body: Call = Call()) -> dict[str, Any]:  # noqa: B008
    """Won: the back office starts."""
    return _did(tx, "deal", id, lambda ref: selling.win(tx, ref, body.version))


@routes.get("/leads/{id}/readiness")
@look("record.read")
def ready(tx: Tx, request: Request, id: Id, *, language: Spoken = None) -> dict[str, Any]:
    """What the lead still needs before it can become a customer."""
    state, _ = seen.record(tx, "lead", id)
    return readiness.checklist(state, tx.policies, reader.language(tx, request, language))


@routes.post("/leads/{id}/convert", status_code=201)
@act(CHANGE, "lead.convert")
def convert(tx: Tx, id: Id, body: ConvertIn = ConvertIn()) -> dict[str, Any] | Reply:  # noqa: B008
    """The lead becomes a customer: account, contact, deal and follow-up task, all or nothing; a CRM's is asked for."""
    seen.record(tx, "lead", id, CHANGE)
    for noun, part in (("account", body.account), ("contact", body.contact)):
        seen.refuse_unseen(tx, noun, part.id if part else None, f"{noun}.id")
    contact_wanted = body.contact is not None or "contact" not in body.model_fields_set
    parts = {name: _given(getattr(body, name)) for name in ("account", "contact", "deal")}
    check_due(tx, body.follow_up.due_at if body.follow_up else None)
    order = body.follow_up.order(tx.policies, tx.by.label) if body.follow_up else None
    asked = Asked(**parts, contact_wanted=contact_wanted)
    ref = RecordRef("lead", id)
    if crm_asking.connection_of(tx, ref) is not None:
        wanted = order(sales.get(tx, ref), None) if order else None
        return _pending(tx, ref, crm_asking.convert(tx, ref, asked, wanted, body.version))
    done = converting.convert(tx, id, asked, order, body.version)
    seen.record(tx, "lead", id, CHANGE)  # behind its lock: it may have become somebody else's before that
    return shown_sales.converted(tx, done)


@routes.post("/leads/{id}/undo-conversion")
@act(CHANGE, "lead.undo_conversion")
def undo_conversion(tx: Tx, id: Id) -> dict[str, Any] | Reply:
    """The lead is open again, while the deal is untouched and nobody has begun its work; of a CRM's it is asked."""
    seen.record(tx, "lead", id, CHANGE)
    ref = RecordRef("lead", id)
    asked = crm_asking.undo_conversion(tx, ref) if sales.get(tx, ref).connection is not None else None
    if asked is not None and asked.state == PENDING:
        return _pending(tx, ref, asked)
    if asked is not None:
        return _did(tx, "lead", id, lambda ref: sales.get(tx, ref))
    state = unconverting.undo(tx, id)
    seen.record(tx, "lead", id, CHANGE)  # behind its lock
    return shown_sales.record(tx, state)


@routes.get("/pipelines")
@look("pipeline.read")
def pipelines(tx: Tx, request: Request, *, language: Spoken = None) -> dict[str, Any]:
    """The paths of leads and deals: what each stage means, what to do in it, what it asks for."""
    said = reader.language(tx, request, language)
    return paging.page([shown_sales.pipeline(line, said) for line in tx.policies.pipelines.values()], None)


def _did(
    tx: Tx, noun: str, id_: str, done: Callable[[RecordRef], RecordState], permission: str = CHANGE
) -> dict[str, Any]:  # fmt: skip
    seen.held(tx, noun, id_, permission)
    return shown_sales.record(tx, done(RecordRef(noun, id_)))


def _lost(tx: Tx, noun: str, id_: str, reason: str, version: int | None) -> dict[str, Any] | Reply:
    """Lost here, or asked of the CRM whose record it is."""
    seen.held(tx, noun, id_, CHANGE)
    ref = RecordRef(noun, id_)
    if crm_asking.connection_of(tx, ref) is not None:
        return _pending(tx, ref, crm_asking.lose(tx, ref, reason, version))
    return shown_sales.record(tx, selling.lose(tx, ref, reason, version))


def _pending(tx: Tx, ref: RecordRef, act: CrmAct) -> Reply:
    """202: on its way to the CRM; the record says so until it answers."""
    seen.record(tx, ref.noun, ref.id, CHANGE)  # behind its lock
    body = {"pending": shown_sales.pending(act), ref.noun: shown_sales.record(tx, sales.get(tx, ref))}
    return Reply(body, 202)


def _given(part: Any) -> dict[str, Any] | None:
    return None if part is None else part.model_dump(exclude_unset=True)
