"""``/imports``: files of leads, deals and open tasks: handed in, looked at, brought in, taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field
from starlette.requests import Request

from taskhub.access import service as access
from taskhub.access.permissions import Object, reaches_all
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.events.reading import storable
from taskhub.http import paging
from taskhub.http.body import body_of
from taskhub.http.edge import act, look
from taskhub.http.inputs import Body, Id
from taskhub.http.paging import Cursor, Limit
from taskhub.http.route import router
from taskhub.http.spool import spooled
from taskhub.importing import handing_in, service
from taskhub.importing.decoding import AT_ONCE
from taskhub.importing.handing_in import File
from taskhub.importing.model import PLURALS, Run
from taskhub.importing.preview import shown
from taskhub.importing.refused import written

routes = router("imports")
READ, WRITE = "import.read", "import.write"
Noun = Literal["leads", "deals", "tasks"]
Name = Annotated[str, Query(min_length=1, max_length=200, description="What the file is called.")]
Mapped = Annotated[str | None, Query(max_length=64, description="The name of a saved mapping; none: it is proposed.")]
Word = Annotated[str | None, Query(max_length=40)]
MEDIA = (
    "text/csv", "text/plain", "text/tab-separated-values", "application/csv", "application/octet-stream",
    "application/vnd.ms-excel",
)  # fmt: skip


class MappingBody(Body):
    """A mapping: heading → field or fields, values as they are written there, fields every row has."""

    columns: Annotated[dict[str, str | list[str]], Field(max_length=1_000)]
    values: Annotated[dict[str, dict[str, str]], Field(max_length=200)] = {}
    constants: Annotated[dict[str, str], Field(max_length=200)] = {}
    encoding: Annotated[str, Field(max_length=40)] | None = None
    delimiter: Annotated[str, Field(max_length=10)] | None = None
    decimal: Literal[".", ","] | None = None
    dates: Literal["ymd", "dmy", "mdy"] | None = None
    time_zone: Annotated[str, Field(max_length=64)] | None = None


class Start(Body):
    """How an import is started."""

    create_tasks: bool = False


@routes.post("/imports/proposal")
@look(WRITE)
def propose(
    tx: Tx, request: Request, noun: Noun, mapping: Mapped = None, encoding: Word = None, delimiter: Word = None
) -> dict[str, Any]:
    """How a file would be read: encoding, delimiter, columns and what each most likely is. Stores nothing."""
    file = _file(tx, request, noun, "", mapping, encoding, delimiter)
    sample = [row.cells for row in file.opened.sample[:10] if row.fault is None]
    return {"noun": file.noun, "mapping": file.map.body(), **handing_in.told(file), "sample": sample}


@routes.get("/imports/mappings")
@look(READ)
def list_mappings(tx: Tx, noun: Annotated[Noun | None, Query()] = None) -> dict[str, Any]:
    """Every saved mapping."""
    return paging.page(service.mappings(tx, PLURALS[noun] if noun else None), None)


@routes.put("/imports/mappings/{noun}/{name}")
@act(WRITE, "import.map")
def put_mapping(tx: Tx, noun: Noun, name: Id, body: MappingBody) -> dict[str, Any]:
    """Keeps a mapping under a name; what was there under it goes."""
    told = {"noun": PLURALS[noun], **body.model_dump(exclude_none=True)}
    service.check_mapping(PLURALS[noun], told)
    service.save_mapping(tx, PLURALS[noun], name, told)
    return {"noun": PLURALS[noun], "name": name, "mapping": told}


@routes.post("/imports", status_code=202)
@act(WRITE, "import.hand_in")
def hand_in(
    tx: Tx, request: Request, noun: Noun, name: Name = "file.csv", mapping: Mapped = None, encoding: Word = None,
    delimiter: Word = None,
) -> dict[str, Any]:  # fmt: skip
    """Hands a file in (its bytes are the body). Workers look at it; ``self`` shows the preview once it is `checked`."""
    if not storable(name):
        raise InvalidInput("The name holds a null character or half a surrogate pair.", code="bad_text")
    file = _file(tx, request, noun, name, mapping, encoding, delimiter).whole()
    return _shown(service.hand_in(tx, file))


@routes.get("/imports")
@look(READ)
def list_imports(tx: Tx, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """Imports, newest first; managers see their own."""
    who = access.caller(tx)
    agent = None if reaches_all(who, READ) else tx.by.agent or ""
    rows = service.find(tx, agent, paging.instant_after(cursor), limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    following = paging.encode(last.at, last.id) if last else None
    return paging.page([_shown(run) for run in rows[:limit]], following)


@routes.get("/imports/{id}")
@look(READ)
def get_import(tx: Tx, id: Id) -> dict[str, Any]:
    """How far it is, what would become or became of its rows, and how they are read."""
    return _shown(_seen(tx, id, READ))


@routes.get("/imports/{id}/refused")
@look(READ)
def list_refused(
    tx: Tx, id: Id, limit: Limit = 50, cursor: Cursor = None, format: Literal["json", "csv"] = "json"
) -> Any:
    """Rows that could not be taken in: line, reason, what to do, and the row as it came; ``csv``: all, as a file."""
    _seen(tx, id, READ)
    if format == "csv":
        return spooled(lambda file: file.writelines(written(service.refusals(tx, id))), "refused.csv", "text/csv")
    after = paging.decode(cursor, 1)[0] if cursor else "0"
    if not (after.isascii() and after.isdigit()) or len(after) > 9:
        raise InvalidInput("This cursor did not come from here. Start again without one.", code="bad_cursor")
    rows = service.some_refusals(tx, id, int(after), limit + 1)
    following = paging.encode(str(rows[limit - 1].line)) if len(rows) > limit else None
    return paging.page([one._asdict() for one in rows[:limit]], following)


@routes.post("/imports/{id}/start")
@act(WRITE, "import.start")
def start(tx: Tx, id: Id, body: Start) -> dict[str, Any]:
    """Brings in what was looked at; ``create_tasks``: rules make the ``tasks`` that the preview counts."""
    _seen(tx, id, WRITE)
    return _shown(service.start(tx, id, create_tasks=body.create_tasks))


@routes.post("/imports/{id}/undo")
@act(WRITE, "import.undo")
def undo(tx: Tx, id: Id) -> dict[str, Any]:
    """Takes all of it back; 409 with how much somebody has gone on with."""
    _seen(tx, id, WRITE)
    return _shown(service.undo(tx, id))


def _seen(tx: Tx, id: str, act_: str) -> Run:
    run = service.get(tx, id)
    access.check(access.caller(tx), act_, Object(run.agent))
    return run


def _shown(run: Run) -> dict[str, Any]:
    return {**shown(run), "self": f"/api/v1/imports/{run.id}"}


def _file(
    tx: Tx, request: Request, noun: str, name: str, mapping: str | None, encoding: str | None, delimiter: str | None
) -> File:
    kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind not in MEDIA:
        said = "Send the file itself as the body, with Content-Type: text/csv."
        raise InvalidInput(said, code="unsupported_media_type")
    raw = body_of(request)

    def chunks() -> Iterator[bytes]:
        return (raw[at : at + AT_ONCE] for at in range(0, len(raw), AT_ONCE))

    forms = {"encoding": encoding, "delimiter": delimiter}
    told: Mapping[str, Any] = {name: value for name, value in forms.items() if value is not None}
    return handing_in.look(tx, PLURALS[noun], name, chunks, mapping, told)
