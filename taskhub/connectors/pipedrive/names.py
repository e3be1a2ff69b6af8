"""What may stand in a map of ours: Pipedrive's stages, pipelines and users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.connectors.calling import Caller

PAGE = 500


def names(caller: Caller) -> dict[str, Mapping[str, str]]:
    """Place of a map in the connection → their id → their name."""
    return {
        "stages.deal": _named(caller, "/api/v2/stages"),
        "settings.pipelines": _named(caller, "/api/v2/pipelines"),
        "users": _named(caller, "/api/v1/users"),
    }


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
