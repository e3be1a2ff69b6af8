"""``/keys``: every API key, those of people and those of programs; ending one."""

from __future__ import annotations

from typing import Any

from taskhub.access import service as access
from taskhub.access.permissions import Object
from taskhub.db.tx import Tx
from taskhub.http import paging
from taskhub.http.edge import Reply, act, look
from taskhub.http.inputs import Id
from taskhub.http.paging import Cursor, Limit
from taskhub.http.route import router

routes = router("keys")


@routes.get("/keys")
@look("key.read")
def list_keys(tx: Tx, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """API keys without their secrets, newest first: everybody's for administrators and auditors, else one's own."""
    rows = access.seen_keys(tx, paging.instant_after(cursor), limit + 1)
    page = rows[:limit]
    following = paging.encode(page[-1]["created_at"], page[-1]["id"]) if len(rows) > limit else None
    return paging.page(page, following)


@routes.delete("/keys/{id}")
@act("key.revoke")
def revoke_key(tx: Tx, id: Id) -> Reply:
    """Ends a key at once, whoever it belongs to."""
    access.check(access.caller(tx), "key.revoke", Object(access.get_key(tx, id)["agent"]))
    access.revoke_key(tx, id)
    return Reply({"id": id})
