"""``/messages``: work of the ledger that failed for good, another try, and its giving up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Path, Query

from taskhub.api.bodies import Because
from taskhub.db import deaths, leftovers
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.http import paging
from taskhub.http.edge import act, look
from taskhub.http.inputs import BIGGEST
from taskhub.http.paging import Cursor, Limit
from taskhub.http.route import router

routes = router("messages")
SHOWN = (
    "id", "topic", "handler", "key", "source", "mode", "payload", "attempts", "lost", "emitted_at", "dead_at", "error",
)  # fmt: skip
Number = Annotated[int, Path(ge=1, le=BIGGEST)]
Handler = Annotated[str | None, Query(max_length=100, description="Only of this handler.")]


@routes.get("/messages/dead")
@look("message.read")
def list_dead(tx: Tx, handler: Handler = None, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """What failed on its last try, newest first, each with the reason."""
    rows = leftovers.dead(tx.conn, limit=limit + 1, handler=handler, after=paging.number_after(cursor))
    page = rows[:limit]
    following = paging.encode(page[-1]["dead_at"], str(page[-1]["id"])) if len(rows) > limit else None
    return paging.page(list(map(_shown, page)), following)


@routes.post("/messages/{number}/replay")
@act("message.replay")
def replay(tx: Tx, number: Number) -> dict[str, Any]:
    """Lets a dead message be tried again from the start; workers take it at once."""
    dead = _found(number, deaths.replay(tx, number))
    return {"id": number, "handler": dead["handler"], "key": dead["key"], "due_at": tx.now}


@routes.post("/messages/{number}/discard")
@act("message.replay", "message.discard")
def discard(tx: Tx, number: Number, body: Because) -> dict[str, Any]:
    """Gives a dead message up: it is never tried again, and is no longer among the dead."""
    dead = _found(number, deaths.discard(tx, number, body.reason))
    return {"id": number, "handler": dead["handler"], "key": dead["key"], "discarded_at": tx.now}


def _found(number: int, dead: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if dead is None:
        raise NotFound(f"No dead message has the id {number}. GET /api/v1/messages/dead lists them.")
    return dead


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in SHOWN}
