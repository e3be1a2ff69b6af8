"""``/exports``: everything the house knows, as CSV or JSON lines, as it was at one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Annotated, Literal

from fastapi import Query
from starlette.requests import Request
from starlette.responses import StreamingResponse

from taskhub.db.tx import Tx
from taskhub.errors import Conflict
from taskhub.exporting import service
from taskhub.http.edge import Edge, authenticate, declared
from taskhub.http.route import router
from taskhub.http.spool import spooled
from taskhub.http.state import state_of

routes = router("exports")
EXPORT = Edge("export.read", write=False)
AT_ONCE = 2
Format = Annotated[Literal["csv", "jsonl"], Query(description="CSV, or one JSON object a line.")]
_MEDIA = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_places = threading.BoundedSemaphore(AT_ONCE)


@routes.get("/exports", response_class=StreamingResponse)
@declared(EXPORT.permission)
def everything(request: Request, format: Format = "csv") -> StreamingResponse:
    """All of it in one archive: a file per noun and a manifest."""

    def write(tx: Tx, file: IO[bytes]) -> None:
        service.to_zip(tx, file, service.chosen(()), format)

    return _answer(request, write, "taskhub.zip", "application/zip")


@routes.get("/exports/{noun}", response_class=StreamingResponse)
@declared(EXPORT.permission)
def one_noun(request: Request, noun: str, format: Format = "csv") -> StreamingResponse:
    """leads, deals, accounts, contacts, moves, tasks, notes, questions, merges, history, decisions, people and more."""

    def write(tx: Tx, file: IO[bytes]) -> None:
        (wanted,) = service.chosen([noun])
        service.write(tx, wanted, format, file.write)

    return _answer(request, write, f"{noun[:40]}.{format}", _MEDIA[format])


def _answer(request: Request, write: Callable[[Tx, IO[bytes]], None], name: str, media: str) -> StreamingResponse:
    by = authenticate(request, EXPORT)

    def whole(file: IO[bytes]) -> None:
        with _place(), state_of(request).database.begin(by, write=False, snapshot=True) as tx:
            write(tx, file)

    return spooled(whole, name, media)


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise Conflict(
            f"{AT_ONCE} exports are being written already. Try again when one has ended.", code="too_many_runs"
        )
    try:
        yield
    finally:
        _places.release()
