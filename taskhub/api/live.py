"""``/live``: server-sent events that say "X changed", so that screens look again. Nothing depends on them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

from taskhub.access.permissions import Caller, reaches_all
from taskhub.api import queries
from taskhub.db.database import Database
from taskhub.db.tx import By
from taskhub.errors import NotFound, Refused, Unauthenticated, Unavailable
from taskhub.http.edge import Edge, authenticate, declared, json_bytes
from taskhub.http.route import router
from taskhub.http.state import AppState, state_of

routes = router("live")
LIVE = Edge("live.read", write=False)
EVERY = 1.0
BEAT = 15.0
LONGEST = 900.0  # then the client connects again, and its key is judged again


@routes.get("/live", response_class=StreamingResponse)
@declared(LIVE.permission)
async def live(request: Request) -> StreamingResponse:
    """A stream of hints. Ends when the server stops; clients connect again by themselves."""
    by = await run_in_threadpool(authenticate, request, LIVE)
    stream = _stream(request, state_of(request), by)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


class Watch:
    """The newest changes of one database, looked up once however many clients listen."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.row = 0
        self.recent: list[Any] = []
        self.looked_at = 0.0
        self.lock = asyncio.Lock()

    async def since(self, row: int | None) -> tuple[int, list[Any]]:
        """The newest row number and the changes behind ``row`` (None: from now on)."""
        async with self.lock:
            if time.monotonic() - self.looked_at >= EVERY / 2:
                await run_in_threadpool(self._look)
        return self.row, [] if row is None else [change for change in self.recent if change.row > row]

    def _look(self) -> None:
        with self.database.read() as tx:
            if not self.row:
                self.row = queries.newest_change(tx)
            new = queries.changes_since(tx, self.row)
        self.recent = (self.recent + new)[-1000:]
        self.row = new[-1].row if new else self.row
        self.looked_at = time.monotonic()


async def _stream(request: Request, state: AppState, by: By) -> AsyncIterator[bytes]:
    watch, names = _watch(request, state), reaches_all(Caller(by), "task.read")
    began = beat = time.monotonic()
    row: int | None = None
    yield b"retry: 2000\n\n"
    while not state.stopping.is_set() and time.monotonic() - began < LONGEST:
        try:
            first = row is None
            row, changes = await watch.since(row)
            # What happened between the door and the first look is in no change the stream sees.
            if (first or _about_caller(changes, by)) and not await run_in_threadpool(_still, request):
                return
        except Unavailable:
            changes = []
        for hint in _hints(changes, names=names):
            yield b"event: changed\ndata: " + json_bytes(hint) + b"\n\n"
        if changes:
            beat = time.monotonic()
        elif time.monotonic() - beat > BEAT:
            beat = time.monotonic()
            yield b": still here\n\n"
        await asyncio.sleep(EVERY)


def _about_caller(changes: list[Any], by: By) -> bool:
    """Whether something was done to the key or the person behind the stream."""
    return any((change.noun, change.id) in (("key", by.key), ("agent", by.agent)) for change in changes)


def _still(request: Request) -> bool:
    """Whether the caller may still listen: their key lives, and they have the role."""
    try:
        authenticate(request, LIVE)
    except (Unauthenticated, Refused, NotFound):
        return False
    return True


def _watch(request: Request, state: AppState) -> Watch:
    held: Watch | None = getattr(request.app.state, "live", None)
    if held is None:
        held = request.app.state.live = Watch(state.database)
    return held


def _hints(changes: list[Any], *, names: bool) -> list[dict[str, str]]:
    """Whoever may not see every task is told only what sort of thing changed, once."""
    if names:
        return [{"noun": change.noun, "id": change.id, "act": change.act} for change in changes]
    return [{"noun": noun} for noun in sorted({change.noun for change in changes})]
