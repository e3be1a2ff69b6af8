"""``/queues/{key}/staffing/shadow``: what another way of staffing would have done with the decisions on record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.requests import Request

from taskhub.api import reader, seen
from taskhub.api.staffing_bodies import Shadow
from taskhub.assignment import sentences, shadow_words
from taskhub.assignment.moments import moment_since
from taskhub.assignment.queries import past
from taskhub.assignment.shadow import Shown, shadow
from taskhub.assignment.shadows import service as shadows
from taskhub.assignment.shadows.facts import as_shown
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.events.reading import read_json
from taskhub.http.edge import act, look
from taskhub.http.inputs import Id, Key
from taskhub.http.route import router
from taskhub.policy.work import Queue, Staffing

routes = router("queues")
MOST = 2_000
ASK = "queue.shadow"
_Name = Annotated[str | None, Query(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


@routes.get("/queues/{key}/staffing/shadow")
@look(ASK)
def get_shadow(
    tx: Tx, request: Request, key: Key, model: _Name = None,
    params: Annotated[str | None, Query(max_length=20_000, description="A JSON object.")] = None,
    strategy: _Name = None,
    since: Annotated[str | None, Query(max_length=40, description="7d, 36h or a time.")] = None,
    language: Annotated[Literal["en", "fr"] | None, Query()] = None,
) -> dict[str, Any]:  # fmt: skip
    """Asks the decisions since then again under another model or strategy; changes nothing."""
    queue = seen.queue(tx, key, ASK)
    other = _staffing(queue, model, _object(params), strategy)
    found = shadow(tx, key, other, moment_since(since, tx.now), most=MOST)
    return shown(tx, queue, other, found, reader.language(tx, request, language))


@routes.post("/queues/{key}/staffing/shadow", status_code=202)
@act(ASK, "queue.shadow")
def begin_shadow(tx: Tx, key: Key, body: Shadow) -> dict[str, Any]:
    """The same over any time up to a year, worked off in the background: look at ``self`` for progress and answer."""
    queue = seen.queue(tx, key, ASK)
    other = _staffing(queue, body.model, body.params, body.strategy, body.strategy_params)
    return _run(shadows.begin(tx, key, other, moment_since(body.since, tx.now)))


@routes.get("/queues/{key}/staffing/shadow/{id}")
@look(ASK)
def get_run(
    tx: Tx, request: Request, key: Key, id: Id, language: Annotated[Literal["en", "fr"] | None, Query()] = None
) -> dict[str, Any]:
    """How far a shadow has come, and its answer once it has ended."""
    queue = seen.queue(tx, key, ASK)
    run = shadows.get(tx, key, id)
    if run.result is None:
        return _run(run)
    reads = reader.language(tx, request, language)
    return {**_run(run), "result": shown(tx, queue, Staffing(**run.asked), as_shown(run.result), reads)}


def _run(run: shadows.Run) -> dict[str, Any]:
    state = "running" if run.ended_at is None else "failed" if run.error else "ended"
    return {
        "id": run.id, "queue": run.queue, "state": state, "done": run.done, "total": run.total, "error": run.error,
        **dict(run.asked), "since": run.since, "until": run.until, "by": run.by, "at": run.at,
        "ended_at": run.ended_at, "self": f"/api/v1/queues/{run.queue}/staffing/shadow/{run.id}", "result": None,
    }  # fmt: skip


def shown(tx: Tx, queue: Queue, other: Staffing, found: Shown, language: str) -> dict[str, Any]:
    """A shadow as clients see it, in words of ``language``."""
    names = past.names_of(tx, set(found.people) | _people(found))
    return {
        "queue": queue.key, "model": other.model, "params": dict(other.params), "strategy": other.strategy,
        "since": found.since, "until": found.until, "complete": found.complete, "decisions": found.decisions,
        "verdicts": dict(found.verdicts),
        "people": [
            {"agent": key, "name": names.get(key, key), "got": was, "would_have_got": now, "difference": now - was}
            for key, (was, now) in sorted(found.people.items())
        ],
        "waiting_reasons": [
            {"reason": code, "text": sentences.reason(code, language), "count": count}
            for code, count in found.reasons.most_common()
        ],
        "examples": [
            {
                "task": one.task, "kind": one.kind, "at": one.at, "verdict": one.verdict, "was": one.was,
                "now": one.now, "reasons": list(one.reasons), "sentence": shadow_words.sentence(one, names, language),
            }
            for row in found.examples.values() for one in row
        ],
        "not_asked": [{"why": why, "count": count} for why, count in found.unknown.most_common()],
        "notes": list(shadow_words.limits(other.model, language, complete=found.complete)),
    }  # fmt: skip


def _people(found: Shown) -> set[str]:
    rows = (one for row in found.examples.values() for one in row)
    return {key for one in rows for key in (one.was, one.now) if key is not None}


def _staffing(
    queue: Queue, model: str | None, params: Mapping[str, Any] | None, strategy: str | None,
    strategy_params: Mapping[str, Any] | None = None,
) -> Staffing:  # fmt: skip
    """What was asked for; a model or strategy of another name starts without the file's parameters."""
    own = queue.staffing
    chosen, by = model or own.model, strategy or own.strategy
    given = params if params is not None else own.params if chosen == own.model else {}
    more = strategy_params if strategy_params is not None else own.strategy_params if by == own.strategy else {}
    return Staffing(chosen, dict(given), by, dict(more))


def _object(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    read = read_json(text.encode())
    if not isinstance(read, dict):
        raise InvalidInput("params is a JSON object.", errors=[{"path": "params", "message": "not an object"}])
    return read
