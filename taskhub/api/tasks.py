"""``/tasks``: what there is, one task, how it came there and why; making and changing tasks; taking the next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from taskhub.access import service as access
from taskhub.access.permissions import can
from taskhub.api import queries, questions, reader, seen, shown, task_lists
from taskhub.api.bodies import ClaimOne, TaskFilter, TaskIn, TaskPatch
from taskhub.api.reader import language
from taskhub.assignment import nothing, sentences
from taskhub.assignment import service as assignment
from taskhub.assignment.claim import NOTHING
from taskhub.assignment.service import Claim
from taskhub.assignment.why import Reader, why
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.http import once, paging
from taskhub.http.body import body_of
from taskhub.http.edge import Reply, act, look
from taskhub.http.inputs import Id, KeyText, json_of
from taskhub.http.route import router
from taskhub.ids import new_id
from taskhub.tasks import second_look
from taskhub.tasks import service as tasks
from taskhub.tasks.explained import explain
from taskhub.tasks.model import Task
from taskhub.tasks.shown import as_json
from taskhub.tasks.shown.queries import Extras

routes = router("tasks")
FURTHEST = timedelta(days=3660)
_QUEUES: TypeAdapter[list[str]] = TypeAdapter(list[KeyText])
_CLAIM = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"queues": {"type": "array", "items": {"type": "string"}}},
                }
            }
        }
    }
}


@routes.post("/tasks/claim", openapi_extra=_CLAIM)
@act("task.claim", looks=True)
def claim_next(tx: Tx, request: Request) -> Reply | Response:
    """The one task that matters most for the caller now, started and leased; or why there is none."""
    wanted = _wanted_queues(request)
    given = assignment.claim(tx, wanted, once.call_of(tx, request))
    if given.before is not None:
        return once.again(given.before)
    body = _claimed(tx, given)
    if given.reason == NOTHING:
        body["detail"] = _nothing(tx, request, wanted)
    return Reply(body, kept=given.task is not None)


def _nothing(tx: Tx, request: Request, wanted: list[str] | None) -> dict[str, Any]:
    found, said = nothing.why(tx, wanted), language(tx, request)
    reasons = [
        {"code": code, "tasks": count, "text": sentences.reason(code, said, about_you=True)}
        for code, count in found.reasons
    ]
    return {"waiting": found.waiting, "reasons": reasons}


@routes.get("/tasks")
@look("task.read")
def list_tasks(tx: Tx, asked: Annotated[TaskFilter, Query()]) -> dict[str, Any]:
    """Tasks the caller may see, newest first."""
    chosen = asked.model_dump(exclude_none=True, exclude={"limit", "cursor"})
    wanted = task_lists.narrowed(tx, access.caller(tx), chosen)
    if wanted is None:
        return paging.page([], None)
    rows, following = tasks.find(tx, wanted, paging.instant_after(asked.cursor), asked.limit)
    return paging.page(shown.tasks(tx, rows), paging.encode(*following) if following else None)


@routes.get("/tasks/{id}")
@look("task.read")
def get_task(tx: Tx, id: Id) -> dict[str, Any]:
    """One task, with the second looks at it and the question about it that is open."""
    row = seen.task(tx, id)[0]
    looks = second_look.looks_at(tx, row.id)
    return {**shown.task(tx, row), "second_looks": looks, "question": questions.open_of(tx, row)}


@routes.get("/tasks/{id}/history")
@look("task.read")
def get_history(tx: Tx, id: Id) -> dict[str, Any]:
    """Every transition of the task, oldest first: who, when, what changed."""
    seen.task(tx, id)
    return paging.page([_step(row) for row in tasks.history(tx, id)], None)


@routes.get("/tasks/{id}/decision")
@look("task.read")
def get_decision(
    tx: Tx, request: Request, id: Id, *, every: Annotated[bool, Query(alias="all")] = False,
    language: Annotated[Literal["en", "fr"] | None, Query()] = None,
) -> dict[str, Any]:  # fmt: skip
    """Why this task is where it is. Candidates and their reasons are for managers; others are told of themselves."""
    row, who = seen.task(tx, id)
    oversees = bool(can(who, "task.candidates", seen.of_task(row, tx.policies)))
    told = Reader(reader.language(tx, request, language), tx.by.agent, oversees)
    return why(tx, id, reader=told, every=every)


@routes.get("/tasks/{id}/sla")
@look("task.read")
def get_sla(
    tx: Tx, request: Request, id: Id, *, language: Annotated[Literal["en", "fr"] | None, Query()] = None
) -> dict[str, Any]:
    """How the task's time was counted: each clock with its sums, and every stretch with why it counted or did not."""
    seen.task(tx, id)
    return explain(tx, id, reader.language(tx, request, language))


@routes.post("/tasks", status_code=201)
@act("task.create")
def create_task(tx: Tx, body: TaskIn) -> dict[str, Any]:
    """A task made by hand."""
    check_due(tx, body.due_at)
    new = body.new(f"{queries.ASKED}{tx.by.label}:{new_id()}")
    return {"task": shown.task(tx, tasks.create(tx, new))}


@routes.patch("/tasks/{id}")
@act("task.change", "task.patch")
def patch_task(tx: Tx, id: Id, body: TaskPatch) -> dict[str, Any]:
    """Checklist, note, priority, data, due time; ``version`` is the one that was read."""
    check_due(tx, body.due_at)
    seen.task(tx, id, "task.change")
    changes = body.model_dump(exclude_unset=True, exclude={"version"})
    return {"task": shown.task(tx, tasks.patch(tx, id, body.version, changes))}


@routes.post("/tasks/{id}/claim")
@act("task.claim", "task.pick")
def claim_task(tx: Tx, id: Id, body: ClaimOne = ClaimOne()) -> dict[str, Any]:  # noqa: B008
    """This very task, for a reason people will read."""
    seen.task(tx, id, "task.claim")
    return _claimed(tx, assignment.claim_one(tx, id, body.reason, body.version))


def _claimed(tx: Tx, given: Claim) -> dict[str, Any]:
    if given.task is None or given.lease is None:
        return {"task": None, "reason": given.reason}
    return {"task": _shown(tx, given.task, given), "lease": shown.lease(given.lease)}


def _shown(tx: Tx, task: Task, given: Claim) -> dict[str, Any]:
    """The task as everywhere; what the claim has found out beside it is not asked for again."""
    promise = tx.policies.sla.get(task.sla or "")
    if given.lease is None or given.warn_at is None or (promise is not None and promise.first_start is not None):
        return shown.task(tx, task, given.lease)
    more = Extras(given.warn_at, {task.id: given.lease.expires_at}, {}, {})
    return as_json.with_extras(tx, task, more)


def _wanted_queues(request: Request) -> list[str] | None:
    """Read by hand: this is the call that happens most."""
    raw = json_of(request, body_of(request))
    if raw is None or raw == {}:
        return None
    if not isinstance(raw, dict) or raw.keys() != {"queues"}:
        raise InvalidInput('Send {"queues": ["key", …]}, or nothing for every queue of yours.')
    try:
        return None if raw["queues"] is None else _QUEUES.validate_python(raw["queues"], strict=True)
    except ValidationError:
        raise InvalidInput("queues is a list of queue keys.", errors=[{"path": "queues", "message": "wrong"}]) from None


def check_due(tx: Tx, due_at: datetime | None) -> None:
    """Raises InvalidInput for a time no calendar is asked about."""
    if due_at is not None and due_at > tx.now + FURTHEST:
        raise InvalidInput("due_at lies more than ten years ahead.", errors=[{"path": "due_at", "message": "too far"}])


def _step(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("seq", "at", "by", "act", "change", "act_id")}
