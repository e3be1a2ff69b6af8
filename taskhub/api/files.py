"""``/deals/{id}/file``, ``/leads/{id}/file``: everything the back office does for one, as its rep wants to know it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.requests import Request

from taskhub.api import queries, reader, seen, shown_notes, shown_questions, shown_sales
from taskhub.db.tx import Tx
from taskhub.http.edge import look
from taskhub.http.inputs import Id
from taskhub.http.route import router
from taskhub.notes import service as notes
from taskhub.sales.model import RecordState
from taskhub.tasks import service as tasks
from taskhub.tasks.model import PAUSED, Task
from taskhub.tasks.questions import service as questions
from taskhub.tasks.questions.model import Question

routes = router("records")
NOTES = 50


Spoken = Annotated[Literal["en", "fr"] | None, Query()]


@routes.get("/deals/{id}/file")
@look("record.read")
def file_of(tx: Tx, request: Request, id: Id, *, language: Spoken = None) -> dict[str, Any]:
    """All tasks of a deal, and of its lead before there was one: state, who, due, what each waits for; newest notes.

    Whoever may read the deal may read this. Notes: 50 at most.
    """
    state, _ = seen.record(tx, "deal", id)
    rows = tasks.of_deal(tx, id, state.fields.get("lead"))
    return _file(tx, state, rows, reader.language(tx, request, language))


@routes.get("/leads/{id}/file")
@look("record.read")
def file_of_lead(tx: Tx, request: Request, id: Id, *, language: Spoken = None) -> dict[str, Any]:
    """The same of a lead, whoever may read the lead; tasks of its deals only for those who may read these as well."""
    state, who = seen.record(tx, "lead", id)
    rows = tasks.of_lead(tx, id)
    deals = {deal for deal in {row.deal for row in rows} if deal is None or seen.visible(tx, who, "deal", deal)}
    return _file(tx, state, [row for row in rows if row.deal in deals], reader.language(tx, request, language))


def _file(tx: Tx, state: RecordState, rows: Sequence[Task], language: str) -> dict[str, Any]:
    asked = questions.of_tasks(tx, [row.id for row in rows])
    people = {key for row in rows for key in (row.agent, row.completed_by) if key}
    names = queries.names_of(tx, people | {key for some in asked.values() for one in some for key in _people(one)})
    known = {row.id: row for row in rows}
    return {
        state.ref.noun: shown_sales.record(tx, state),
        "tasks": len(rows), "open": sum(row.is_open for row in rows),
        "late": sum(_is_late(tx, row) for row in rows), "states": dict(Counter(row.state for row in rows)),
        "items": [
            {**_item(tx, row, known, names, language),
             "questions": [shown_questions.brief(one, names) for one in asked.get(row.id, ())]}
            for row in rows
        ],
        "notes": shown_notes.notes(tx, notes.of(tx, [str(state.ref)], None, NOTES)[0]),
    }  # fmt: skip


def _people(one: Question) -> tuple[str, ...]:
    return one.asked_by.removeprefix("agent:"), one.asked_of or ""


def _item(
    tx: Tx, row: Task, known: Mapping[str, Task], names: Mapping[str, str], language: str
) -> dict[str, Any]:  # fmt: skip
    kind = tx.policies.kinds.get(row.kind)
    who = row.agent or row.completed_by
    return {
        "id": row.id, "kind": row.kind, "name": kind.name.in_(language) if kind else row.kind, "title": row.title,
        "lead": row.lead, "deal": row.deal, "state": row.state, "queue": row.queue,
        "agent": who, "agent_name": names.get(who or ""),
        "due_at": row.due_at, "late": _is_late(tx, row), "ready_at": row.ready_at, "started_at": row.started_at,
        "completed_at": row.completed_at, "outcome": row.outcome,
        "waits_for": [_blocker(known[id_], names) for id_ in row.blocked_by if id_ in known],
        "blocked_until": row.blocked_until, "paused": _paused(tx, row, language),
    }  # fmt: skip


def _is_late(tx: Tx, row: Task) -> bool:
    return row.is_open and row.due_at is not None and row.due_at <= tx.now


def _blocker(row: Task, names: Mapping[str, str]) -> dict[str, Any]:
    who = {"agent": row.agent, "agent_name": names.get(row.agent or "")}
    return {"id": row.id, "kind": row.kind, "title": row.title, "state": row.state, **who}


def _paused(tx: Tx, row: Task, language: str) -> dict[str, Any] | None:
    """Why it rests, in words: often it waits for the very rep who asks."""
    if row.state != PAUSED:
        return None
    reason = tx.policies.pause_reasons.get(row.paused_reason or "")
    return {
        "reason": row.paused_reason,
        "name": reason.name.in_(language) if reason else None,
        "until": row.paused_until,
    }
