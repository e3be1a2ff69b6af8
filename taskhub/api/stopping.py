"""``/queues/{key}/close|open|pause|resume|move``: a queue takes no new work, gives none, or hands its work on."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from taskhub.acts import stopping
from taskhub.api import reader, seen
from taskhub.api import staffing_shown as shown
from taskhub.api import staffing_words as words
from taskhub.api.staffing import STAFF, Language
from taskhub.api.staffing_bodies import Move, MovePreview, Resume, Why
from taskhub.db.tx import Tx
from taskhub.http.edge import act, look
from taskhub.http.inputs import Key
from taskhub.http.route import router

routes = router("queues")


@routes.post("/queues/{key}/close")
@act(STAFF, "queue.close")
def close(tx: Tx, request: Request, key: Key, body: Why, language: Language = None) -> dict[str, Any]:
    """No new work from people; what rules make is made there all the same and waits. What it holds is worked off."""
    return _stop(tx, request, key, "close", body.reason, language)


@routes.post("/queues/{key}/open")
@act(STAFF, "queue.open")
def open_(
    tx: Tx, request: Request, key: Key, body: Resume = Resume(), language: Language = None  # noqa: B008
) -> dict[str, Any]:  # fmt: skip
    """The queue takes new work again."""
    return _stop(tx, request, key, "open", body.reason, language)


@routes.post("/queues/{key}/pause")
@act(STAFF, "queue.pause")
def pause(tx: Tx, request: Request, key: Key, body: Why, language: Language = None) -> dict[str, Any]:
    """The queue gives nothing until it is resumed; clocks run, and what people hold they keep."""
    return _stop(tx, request, key, "pause", body.reason, language)


@routes.post("/queues/{key}/resume")
@act(STAFF, "queue.resume")
def resume(
    tx: Tx, request: Request, key: Key, body: Resume = Resume(), language: Language = None  # noqa: B008
) -> dict[str, Any]:  # fmt: skip
    """The queue gives work again."""
    return _stop(tx, request, key, "resume", body.reason, language)


@routes.post("/queues/{key}/move")
@act(STAFF, "queue.move")
def move(tx: Tx, key: Key, body: Move) -> dict[str, Any]:
    """The queue's waiting work of one kind becomes another kind's, clocks kept; begun and pinned work stays."""
    queue = seen.queue(tx, key, STAFF)
    return {**shown.move(stopping.move(tx, queue, body.kind, body.to, body.reason)), "act": tx.act_id}


@routes.post("/queues/{key}/move/preview")
@look(STAFF)
def preview_move(tx: Tx, key: Key, body: MovePreview) -> dict[str, Any]:
    """What would be moved, and what would stay."""
    return shown.move(stopping.preview(tx, seen.queue(tx, key, STAFF), body.kind, body.to))


def _stop(tx: Tx, request: Request, key: str, verb: str, reason: str | None, language: str | None) -> dict[str, Any]:
    queue = seen.queue(tx, key, STAFF)
    done = stopping.stop(tx, queue, verb, reason)
    told = [("fed_by", {"queue": key, "rules": ", ".join(done.fed_by)})] if done.fed_by else []
    return {
        "queue": key, "state": shown.state(done.state, queue), "holds": stopping.holds(tx, queue),
        "warnings": words.warnings(told, reader.language(tx, request, language)), "act": tx.act_id,
    }  # fmt: skip
