"""``/teams``: who works together, who leads them."""

from __future__ import annotations

from typing import Any

from taskhub.agents import service as agents
from taskhub.api import shown
from taskhub.api.bodies import TeamIn, TeamPatch
from taskhub.db.tx import Tx
from taskhub.http import paging
from taskhub.http.edge import act, look
from taskhub.http.inputs import Key
from taskhub.http.paging import Cursor, Limit
from taskhub.http.route import router

routes = router("teams")


@routes.get("/teams")
@look("team.read")
def list_teams(tx: Tx, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """Every team, by key."""
    rows, following = paging.by_key(agents.list_teams(tx, paging.key_after(cursor), limit + 1), limit)
    return paging.page([shown.team(row) for row in rows], following)


@routes.get("/teams/{key}")
@look("team.read")
def get_team(tx: Tx, key: Key) -> dict[str, Any]:
    """One team."""
    return shown.team(agents.get_team(tx, key))


@routes.post("/teams", status_code=201)
@act("team.write", "team.create")
def create_team(tx: Tx, body: TeamIn) -> dict[str, Any]:
    """A new team."""
    return shown.team(agents.create_team(tx, body.model_dump(exclude_unset=True)))


@routes.patch("/teams/{key}")
@act("team.write", "team.patch")
def patch_team(tx: Tx, key: Key, body: TeamPatch) -> dict[str, Any]:
    """Changes a team; ``version`` refuses when somebody was faster."""
    changes = body.model_dump(exclude_unset=True, exclude={"version"})
    return shown.team(agents.patch_team(tx, key, changes, body.version))
