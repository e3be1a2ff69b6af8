"""``/queues/{key}/staffing/shadow``: what another way of staffing would have done with the decisions on record."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.requests import Request

from taskhub.access import service as access
from taskhub.api import reader, seen
from taskhub.assignment import sentences, shadow_words
from taskhub.assignment.moments import moment_since
from taskhub.assignment.queries import past
from taskhub.assignment.shadow import Shown, shadow
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput, NotFound
from taskhub.events.reading import read_json
from taskhub.http.edge import look
from taskhub.http.inputs import Key
from taskhub.http.route import router
from taskhub.policy.work import Queue, Staffing

routes = router("queues")
MOST = 2_000
_Name = Annotated[str | None, Query(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


@routes.get("/queues/{key}/staffing/shadow")
@look("queue.shadow")
def get_shadow(
    tx: Tx, request: Request, key: Key, model: _Name = None,
    params: Annotated[str | None, Query(max_length=20_000, description="A JSON object.")] = None,
    strategy: _Name = None,
    since: Annotated[str | None, Query(max_length=40, description="7d, 36h or a time.")] = None,
    language: Annotated[Literal["en", "fr"] | None, Query()] = None,
) -> dict[str, Any]:  # fmt: skip
    """Asks the decisions since then again under another model or strategy; changes nothing."""
    queue = tx.policies.queues.get(key)
    if queue is None:
        raise NotFound(f"There is no queue {key!r}.")
    access.check(access.caller(tx), "queue.shadow", seen.of_queue(queue))
    other = _staffing(queue, model, params, strategy)
    found = shadow(tx, key, other, moment_since(since, tx.now), most=MOST)
    return shown(tx, queue, other, found, reader.language(tx, request, language))


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
        "notes": list(shadow_words.limits(language)),
    }  # fmt: skip


def _people(found: Shown) -> set[str]:
    rows = (one for row in found.examples.values() for one in row)
    return {key for one in rows for key in (one.was, one.now) if key is not None}


def _staffing(queue: Queue, model: str | None, params: str | None, strategy: str | None) -> Staffing:
    """What was asked for; a model of another name starts without the file's parameters."""
    own = queue.staffing
    chosen = model or own.model
    given = dict(own.params) if chosen == own.model else {}
    if params is not None:
        read = read_json(params.encode())
        if not isinstance(read, dict):
            raise InvalidInput("params is a JSON object.", errors=[{"path": "params", "message": "not an object"}])
        given = read
    return Staffing(chosen, given, strategy or own.strategy)
