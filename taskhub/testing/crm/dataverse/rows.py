"""Rows over the web API: lists with change tracking, one, made, upserted."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskhub.testing.crm.dataverse.answers import failed, missing
from taskhub.testing.crm.dataverse.contexts import LOOKUPS
from taskhub.testing.crm.dataverse.state import NEW, SETS, State, table_key

TABLES = {plural: table for table, plural in SETS.items()}
PAGE = 1000
TABLE = "@Microsoft.Dynamics.CRM.lookuplogicalname"
_BIND = re.compile(r"^/\w+\(([0-9a-fA-F-]{36})\)$")
CONTEXT = "https://fake.crm.dynamics.com/api/data/v9.2/$metadata#"


async def listed(request: Request) -> Response:
    """All rows, or what a delta token has not seen; pages by a skip token."""
    state, plural = _state(request), request.path_params["plural"]
    table, query = TABLES.get(plural), request.query_params
    if table is None:
        return missing(plural)
    tracked = "odata.track-changes" in request.headers.get("prefer", "") or "$deltatoken" in query
    since = query.get("$deltatoken")
    if since is not None and int(since) < state.forgotten:
        return failed(400, "0x80044352", "The delta token is expired: synchronise in full.")
    found = _rows(state, table) if since is None else _changed(state, table, int(since))
    start = int(query.get("$skiptoken", "0"))
    link = str(request.url).split("?", maxsplit=1)[0]
    page = [_annotated(request, row) for row in found[start : start + PAGE]]
    body: dict[str, Any] = {"@odata.context": CONTEXT + plural, "value": page}
    if start + PAGE < len(found):
        kept = f"&$deltatoken={since}" if since is not None else ""
        body["@odata.nextLink"] = f"{link}?$skiptoken={start + PAGE}{kept}"
    elif tracked:
        body["@odata.deltaLink"] = f"{link}?$deltatoken={len(state.log)}"
    return JSONResponse(body)


async def attributes(request: Request) -> Response:
    """The columns of a table."""
    table = request.path_params["table"]
    if table not in NEW:
        return missing(table)
    names = sorted(_state(request).columns(table))
    return JSONResponse({"value": [{"LogicalName": name} for name in names]})


async def one(request: Request) -> Response:
    """The row."""
    table = TABLES.get(request.path_params["plural"], "")
    row = _state(request).rows.get(table, {}).get(request.path_params["id"])
    return JSONResponse(_annotated(request, row)) if row else missing(table)


async def made(request: Request) -> Response:
    """A new row, each time."""
    table = TABLES.get(request.path_params["plural"])
    if table is None:
        return missing(request.path_params["plural"])
    return _write(request, table, await request.json(), None)


async def upserted(request: Request) -> Response:
    """Made or changed; If-None-Match: * makes only, If-Match: * changes only."""
    table, id = TABLES.get(request.path_params["plural"], ""), request.path_params["id"]
    there = id in _state(request).rows.get(table, {})
    if there and request.headers.get("if-none-match") == "*":
        return failed(412, "0x80040237", "A record with matching key values already exists.")
    if not there and (request.headers.get("if-match") == "*" or table not in NEW):
        return missing(table)
    return _write(request, table, await request.json(), id, there=there)


def _write(request: Request, table: str, body: dict[str, Any], id: str | None, *, there: bool = False) -> Response:
    state = _state(request)
    values = {_column(name): _plain(value) for name, value in body.items()}
    if unknown := sorted(values.keys() - NEW[table].keys() - {"_ownerid_value"}):
        return failed(400, "0x80060888", f"Invalid property '{unknown[0]}' was found in entity '{table}'.")
    regarded = values.get("_regardingobjectid_value")
    if regarded and not any(regarded in of for of in state.rows.values()):
        return missing(f"The record with Id = {regarded}")
    if there and id:
        if table == "task" and state.rows[table][id]["statecode"] != 0 and "statecode" not in values:
            return failed(400, "0x80040203", "The activity is closed and cannot be changed.")
        state.update(table, id, values)
    else:
        id = state.create(table, values, id=id)
    return Response(status_code=204, headers={"OData-EntityId": f"{CONTEXT[:-10]}{SETS[table]}({id})"})


def _rows(state: State, table: str) -> list[dict[str, Any]]:
    return sorted(state.rows[table].values(), key=lambda row: row[table_key(table)])


def _changed(state: State, table: str, since: int) -> list[dict[str, Any]]:
    ids = dict.fromkeys(id for of, id in state.log[since:] if of == table)
    gone = {"@odata.context": f"{CONTEXT}{SETS[table]}/$deletedEntity", "reason": "deleted"}
    return [state.rows[table].get(id) or {**gone, "id": id} for id in ids]


def _annotated(request: Request, row: dict[str, Any]) -> dict[str, Any]:
    """Beside each lookup the table it points at, for callers that prefer it."""
    if "lookuplogicalname" not in request.headers.get("prefer", ""):
        return row
    tables = {name: LOOKUPS.get(name.removeprefix("_").removesuffix("_value")) for name in row if name.startswith("_")}
    return {**row, **{f"{name}{TABLE}": table for name, table in tables.items() if table and row[name] is not None}}


def _column(name: str) -> str:
    """``regardingobjectid_lead_task@odata.bind`` is kept as ``_regardingobjectid_value``."""
    navigation, _, bound = name.partition("@odata.bind")
    return name if navigation == name and not bound else f"_{navigation.split('_')[0]}_value"


def _plain(value: Any) -> Any:
    found = _BIND.match(value) if isinstance(value, str) else None
    return found[1] if found else value


def _state(request: Request) -> State:
    state: State = request.state.fake.state
    return state
