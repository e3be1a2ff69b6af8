"""Webhooks as records: service endpoints and steps, with the messages and tables they name."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskhub.testing.crm.dataverse.answers import failed
from taskhub.testing.crm.dataverse.state import NEW, SPACE

MESSAGES = ("Create", "Update", "Delete", "QualifyLead", "Merge")
ON_THIS_MACHINE = "http://127.0.0.1:"  # the real one asks for https everywhere
_WORD = re.compile(r"(\w+) eq '?([\w-]+)'?")
_BOUND = re.compile(r"\(([0-9a-fA-F-]{36})\)")


def message_id(name: str) -> str:
    """The id of a message."""
    return str(uuid.uuid5(SPACE, f"message {name}"))


def filter_id(message: str, table: str) -> str:
    """The id of a message on a table."""
    return str(uuid.uuid5(SPACE, f"filter {message} {table}"))


async def messages(request: Request) -> Response:
    """``$filter=name eq 'Update'``."""
    asked = dict(_WORD.findall(request.query_params.get("$filter", "")))
    rows = [{"sdkmessageid": message_id(name), "name": name} for name in MESSAGES if asked.get("name", name) == name]
    return JSONResponse({"value": rows})


async def filters(request: Request) -> Response:
    """``$filter=_sdkmessageid_value eq … and primaryobjecttypecode eq 'lead'``."""
    asked = dict(_WORD.findall(request.query_params.get("$filter", "")))
    rows = [
        {"sdkmessagefilterid": filter_id(name, table), "primaryobjecttypecode": table}
        for name in MESSAGES for table in NEW
        if asked == {"_sdkmessageid_value": message_id(name), "primaryobjecttypecode": table}
    ]  # fmt: skip
    return JSONResponse({"value": rows})


async def endpoints(request: Request) -> Response:
    """Those there are; what they show is never shown."""
    rows = request.state.fake.steps.endpoints.values()
    return JSONResponse({"value": [{name: row[name] for name in row if name != "authvalue"} for row in rows]})


async def endpoint_saved(request: Request) -> Response:
    """Made or changed."""
    id, body = request.path_params["id"], await request.json()
    url = str(body.get("url", "https://"))
    if body.get("contract", 8) != 8 or not url.startswith(("https://", ON_THIS_MACHINE)):
        return failed(400, "0x80040203", "A webhook has contract 8 and an https address.")
    known = request.state.fake.steps.endpoints.setdefault(id, {"serviceendpointid": id})
    known.update(body)
    return Response(status_code=204)


async def steps(request: Request) -> Response:
    """Those there are, with the names of message and table."""
    return JSONResponse({"value": list(request.state.fake.steps.steps.values())})


async def step_saved(request: Request) -> Response:
    """Made or changed."""
    id, body, fake = request.path_params["id"], await request.json(), request.state.fake
    handler = _bound(body, "eventhandler_serviceendpoint")
    names = {message_id(name): name for name in MESSAGES}
    tables = {filter_id(name, table): table for name in MESSAGES for table in NEW}
    message, table = names.get(_bound(body, "sdkmessageid")), tables.get(_bound(body, "sdkmessagefilterid"))
    if handler not in fake.steps.endpoints or message is None or table is None:
        return failed(400, "0x80040203", "The step names no endpoint, message or table.")
    fake.steps.steps[id] = {
        "sdkmessageprocessingstepid": id, "name": body.get("name"), "_eventhandler_value": handler, "statecode": 0,
        "sdkmessageid": {"name": message}, "sdkmessagefilterid": {"primaryobjecttypecode": table},
        "filteringattributes": body.get("filteringattributes"), "mode": body.get("mode"), "stage": body.get("stage"),
        "image": fake.steps.steps.get(id, {}).get("image", ()),
    }  # fmt: skip
    return Response(status_code=204)


async def images(request: Request) -> Response:
    """Those there are."""
    return JSONResponse({"value": list(request.state.fake.steps.images.values())})


async def image_saved(request: Request) -> Response:
    """Made or changed: a pre-image of columns that the table has."""
    id, body, fake = request.path_params["id"], await request.json(), request.state.fake
    step = fake.steps.steps.get(_bound(body, "sdkmessageprocessingstepid"))
    asked = [name for name in str(body.get("attributes") or "").split(",") if name]
    if step is None or body.get("imagetype") != 0 or body.get("messagepropertyname") != "Target":
        return failed(400, "0x80040203", "The image names no step, or no image of the row as it was.")
    table = step["sdkmessagefilterid"]["primaryobjecttypecode"]
    if absent := sorted(set(asked) - fake.state.columns(table)):
        return failed(400, "0x80041103", f"'{table}' entity doesn't contain attribute with Name = '{absent[0]}'.")
    step_id = step["sdkmessageprocessingstepid"]
    fake.steps.images[id] = {
        "sdkmessageprocessingstepimageid": id, "entityalias": body.get("entityalias"), "imagetype": 0,
        "attributes": ",".join(asked), "_sdkmessageprocessingstepid_value": step_id,
    }  # fmt: skip
    step["alias"] = body.get("entityalias")
    step["image"] = (*asked, *(f"_{name}_value" for name in asked))
    return Response(status_code=204)


def _bound(body: Mapping[str, Any], name: str) -> str:
    found = _BOUND.search(str(body.get(f"{name}@odata.bind", "")))
    return found[1] if found else ""
