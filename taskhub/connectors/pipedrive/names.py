"""What may stand in a map of ours: Pipedrive's stages, pipelines and users; and what its fields offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.connectors.calling import Caller

PAGE = 500
FIELDS: Mapping[str, str] = {  # a lead has the fields of deals
    "lead": "dealFields", "deal": "dealFields", "contact": "personFields", "account": "organizationFields",
    "activity": "activityFields",
}  # fmt: skip


def names(caller: Caller) -> dict[str, Mapping[str, str]]:
    """Place of a map in the connection → their id → their name."""
    return {
        "stages.deal": _named(caller, "/api/v2/stages"),
        "settings.pipelines": _named(caller, "/api/v2/pipelines"),
        "users": _named(caller, "/api/v1/users"),
    }


def definitions(caller: Caller, noun: str) -> list[Mapping[str, Any]]:
    """The fields of a noun, as their version 1 lists them."""
    found: list[Mapping[str, Any]] = []
    start: int | None = 0
    while start is not None:
        body = caller.json("GET", f"/api/v1/{FIELDS[noun]}", params={"start": start, "limit": PAGE})
        found += body["data"] or ()
        pages = (body.get("additional_data") or {}).get("pagination") or {}
        start = pages.get("next_start") if pages.get("more_items_in_collection") else None
    return found


def _named(caller: Caller, path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    params: dict[str, Any] = {"limit": PAGE}
    while True:
        body = caller.json("GET", path, params=params)
        found |= {str(row["id"]): str(row.get("name") or "") for row in body["data"] or ()}
        cursor = (body.get("additional_data") or {}).get("next_cursor")
        if not cursor:
            return found
        params["cursor"] = cursor
