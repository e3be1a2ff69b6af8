"""Records over REST: one, made, changed, upserted by a key of ours, what changed and what is gone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskhub.testing.crm.salesforce.answers import LIMITS, failed
from taskhub.testing.crm.salesforce.state import FIELDS, STAMPED, State

CLOSED = ("Completed",)
OLDEST = 15 * 86_400  # seconds for which deletions are told
SOURCE = "com/salesforce/api/rest/66.0;client="


async def one(request: Request) -> Response:
    """The record, all fields."""
    entity, id = request.path_params["entity"], request.path_params["id"]
    found = _state(request).records.get(entity, {}).get(id)
    return JSONResponse(found, headers=LIMITS) if found else _none()


async def described(request: Request) -> Response:
    """Which fields its records have."""
    entity = request.path_params["entity"]
    if entity not in FIELDS:
        return _none()
    names = sorted({*FIELDS[entity], *STAMPED})
    return JSONResponse({"name": entity, "fields": [{"name": name, "label": name} for name in names]}, headers=LIMITS)


async def made(request: Request) -> Response:
    """A new record, each time."""
    return await _save(request, None)


async def changed(request: Request) -> Response:
    """204; nothing is said of the record."""
    if request.path_params["id"] not in _state(request).records.get(request.path_params["entity"], {}):
        return _none()
    return await _save(request, request.path_params["id"])


async def upserted(request: Request) -> Response:
    """Made when no record has the key, else changed."""
    field, key = request.path_params["field"], request.path_params["key"]
    entity = request.path_params["entity"]
    if field not in FIELDS.get(entity, {}):
        return failed(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: " + field)
    found = [row["Id"] for row in _state(request).records[entity].values() if row[field] == key]
    return await _save(request, found[0] if found else None, {field: key})


async def updated(request: Request) -> Response:
    """Ids of what changed between ``start`` and ``end``."""
    rows = _state(request).records.get(request.path_params["entity"], {}).values()
    start, end = (_seconds(request.query_params[name]) for name in ("start", "end"))
    ids = [row["Id"] for row in rows if start <= _seconds(row["SystemModstamp"]) <= end]
    return JSONResponse({"ids": ids, "latestDateCovered": request.query_params["end"]}, headers=LIMITS)


async def deleted(request: Request) -> Response:
    """What is gone since ``start``."""
    start, end = (_seconds(request.query_params[name]) for name in ("start", "end"))
    if end - start < 60:
        return failed(400, "INVALID_REPLICATION_DATE", "endDate must be at least one minute greater than startDate")
    if start < _state(request).clock.now.timestamp() - OLDEST:
        return failed(400, "INVALID_REPLICATION_DATE", "startDate is before the oldest date that is available")
    gone = [
        {"id": id, "deletedDate": at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")}
        for entity, id, at in _state(request).deleted
        if entity == request.path_params["entity"] and start <= at.timestamp() <= end
    ]
    covered = {"earliestDateAvailable": request.query_params["start"], "latestDateCovered": request.query_params["end"]}
    return JSONResponse({"deletedRecords": gone, **covered}, headers=LIMITS)


async def _save(request: Request, id: str | None, more: dict[str, Any] | None = None) -> Response:
    entity, values = request.path_params["entity"], {**await request.json(), **(more or {})}
    known = {*FIELDS[entity], "OwnerId"}
    if unknown := sorted(values.keys() - known):
        return failed(400, "INVALID_FIELD", f"No such column '{unknown[0]}' on sobject of type {entity}")
    if entity == "Task" and (why := _unlinked(_state(request), values)):
        return failed(400, *why)
    if entity == "Task" and "Status" in values:
        values["IsClosed"] = values["Status"] in CLOSED
    name = request.headers.get("sforce-call-options", "").removeprefix("client=")
    [saved] = _state(request).save([(entity, id, values)], origin=f"{SOURCE}{name}")
    body = {"id": saved, "success": True, "errors": [], "created": id is None}
    return (
        Response(status_code=204, headers=LIMITS)
        if id and more is None
        else JSONResponse(body, 200 if id else 201, LIMITS)
    )


def _unlinked(state: State, values: dict[str, Any]) -> tuple[str, str] | None:
    """Why a task cannot be about what it names: that is not there, or is a lead that was converted."""
    for name in ("WhoId", "WhatId"):
        id = values.get(name)
        if not id:
            continue
        found = next((rows[id] for rows in state.records.values() if id in rows), None)
        if found is None:
            return "INVALID_CROSS_REFERENCE_KEY", f"invalid cross reference id: {name}"
        if found.get("IsConverted") is True:
            return "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"
    return None


def _state(request: Request) -> State:
    state: State = request.state.fake.state
    return state


def _none() -> Response:
    return failed(404, "NOT_FOUND", "The requested resource does not exist")


def _seconds(value: str) -> float:
    return datetime.fromisoformat(value).timestamp()
