"""Lists: version 2 pages by cursor and knows ``updated_since``; leads are still version 1 and know neither."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from taskhub.testing.crm.pipedrive.answers import failed, fine

LINKS = ("deal_id", "lead_id", "person_id", "org_id", "owner_id")
LIMIT = 500


def changed_since(entity: str) -> Callable[[Request], Awaitable[Response]]:
    """Records of ``entity`` that match the filters, in order of ``sort_by``."""

    async def handler(request: Request) -> Response:
        query = request.query_params
        limit, start = int(query.get("limit", "100")), int(query.get("cursor", "0"))
        if not 1 <= limit <= LIMIT:
            return failed(400, f"limit must be from 1 to {LIMIT}")
        rows = [one for one in request.state.fake.state.records[entity].values() if _matches(one, query)]
        rows.sort(key=lambda one: (one[query.get("sort_by", "id")], one["id"]))
        if query.get("sort_direction") == "desc":
            rows.reverse()
        more = str(start + limit) if start + limit < len(rows) else None
        return fine(rows[start : start + limit], next_cursor=more)

    return handler


async def leads(request: Request) -> Response:
    """``sort=update_time DESC`` and an offset."""
    query = request.query_params
    start, limit = int(query.get("start", "0")), int(query.get("limit", "100"))
    rows = list(request.state.fake.state.records["lead"].values())
    name, _, direction = query.get("sort", "id ASC").partition(" ")
    rows.sort(key=lambda one: (one[name], one["id"]), reverse=direction == "DESC")
    more = start + limit < len(rows)
    pages = {"start": start, "limit": limit, "more_items_in_collection": more, "next_start": start + limit}
    return fine(rows[start : start + limit], pagination=pages)


def fields(name: str) -> Callable[[Request], Awaitable[Response]]:
    """Definitions of fields: version 1, by an offset; refused where ``state`` has none to tell."""

    async def handler(request: Request) -> Response:
        query, rows = request.query_params, request.state.fake.state.fields.get(name)
        if rows is None:
            return failed(403, "Scope and URL mismatch")
        start, limit = int(query.get("start", "0")), int(query.get("limit", "100"))
        more = start + limit < len(rows)
        pages = {"start": start, "limit": limit, "more_items_in_collection": more}
        return fine(
            rows[start : start + limit], pagination={**pages, **({"next_start": start + limit} if more else {})}
        )

    return handler


def _matches(record: dict[str, Any], query: Any) -> bool:
    linked = all(str(record.get(name)) == query[name] for name in LINKS if name in query)
    return linked and query.get("updated_since", "") <= record["update_time"]
