"""``/agents``: people, their presence, their absences, their API keys."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from starlette.requests import Request

from taskhub.access import service as access
from taskhub.access.permissions import can
from taskhub.acts import people, presence
from taskhub.agents import fields
from taskhub.agents import service as agents
from taskhub.api import covered, seen, shown
from taskhub.api.bodies import AbsenceIn, AgentIn, AgentPatch, KeyIn, PresenceIn
from taskhub.api.reader import language
from taskhub.assignment import cover
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.http import paging
from taskhub.http.edge import Reply, act, look
from taskhub.http.inputs import Id, Key, KeyText
from taskhub.http.paging import Cursor, Limit
from taskhub.http.route import router

routes = router("agents")
# What decides which kinds a person could do.
ABLE = {"skills", "attributes", "team", "active"}


@routes.get("/agents")
@look("agent.read")
def list_agents(
    tx: Tx, team: Annotated[KeyText | None, Query()] = None, limit: Limit = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """The people the caller may see: their own team, the teams they manage, or everybody."""
    who = access.caller(tx)
    found = agents.list_agents(
        tx, paging.key_after(cursor), limit + 1, in_teams=seen.teams(who), me=tx.by.agent, only=team
    )
    rows, following = paging.by_key(found, limit)
    items = [shown.agent(row, private=bool(can(who, "agent.private", seen.of_agent(row)))) for row in rows]
    return paging.page(items, following)


@routes.get("/agents/{key}")
@look("agent.read")
def get_agent(tx: Tx, key: Key) -> dict[str, Any]:
    """One person."""
    row, who = seen.agent(tx, key)
    return shown.agent(row, private=bool(can(who, "agent.private", seen.of_agent(row))))


@routes.post("/agents", status_code=201)
@act("agent.write", "agent.create")
def create_agent(tx: Tx, body: AgentIn) -> dict[str, Any]:
    """A new person. Presence starts offline."""
    return shown.agent(agents.create_agent(tx, body.model_dump(exclude_unset=True)), private=True)


@routes.patch("/agents/{key}")
@act("agent.adjust", "agent.patch")
def patch_agent(tx: Tx, request: Request, key: Key, body: AgentPatch) -> dict[str, Any]:
    """Changes a person. Managers change what concerns the work of their people; the rest is for administrators.

    ``warnings`` name the kinds the change has left with nobody, or only one.
    """
    changes = body.model_dump(exclude_unset=True, exclude={"version"})
    needed = "agent.adjust" if changes.keys() <= set(fields.ADJUSTABLE) else "agent.write"
    seen.agent(tx, key, needed)
    before = cover.counts(tx) if changes.keys() & ABLE else {}
    patched = people.patch_agent(tx, key, changes, body.version)
    few = cover.fewer(tx, before) if before else []
    return {**shown.agent(patched, private=True), "warnings": covered.warnings(few, language(tx, request), names=True)}


@routes.put("/agents/{key}/presence")
@act("agent.presence")
def set_presence(tx: Tx, key: Key, body: PresenceIn) -> dict[str, Any]:
    """Available, busy, away or offline. Away and offline return work that was not started."""
    seen.agent(tx, key, "agent.presence")
    return shown.agent(presence.set_presence(tx, key, body.status, body.until), private=True)


@routes.get("/agents/{key}/absences")
@look("agent.absence")
def list_absences(tx: Tx, key: Key) -> dict[str, Any]:
    """Planned times away that are not over."""
    seen.agent(tx, key, "agent.absence")
    return paging.page([shown.absence(row) for row in agents.absences(tx, key)], None)


@routes.post("/agents/{key}/absences", status_code=201)
@act("agent.absence")
def add_absence(tx: Tx, request: Request, key: Key, body: AbsenceIn) -> dict[str, Any]:
    """Plans a time away: no work is given for it. ``warnings`` name the kinds it leaves with nobody, or only one."""
    _, who = seen.agent(tx, key, "agent.absence")
    ramp = fields.ramp(body.ramp_for)
    few = cover.without(tx, key, max(body.from_, tx.now), body.until) if body.until > max(body.from_, tx.now) else []
    made = agents.add_absence(tx, key, body.from_, body.until, body.reason, ramp)
    said = covered.warnings(few, language(tx, request), names=bool(can(who, "metric.read")))
    return {**shown.absence(made), "warnings": said}


@routes.delete("/agents/{key}/absences/{absence_id}")
@act("agent.absence", "agent.absence_cancelled")
def cancel_absence(tx: Tx, key: Key, absence_id: Id) -> dict[str, Any]:
    """Takes a planned time away back."""
    seen.agent(tx, key, "agent.absence")
    agents.cancel_absence(tx, key, absence_id)
    return {"id": absence_id}


@routes.get("/agents/{key}/keys")
@look("key.read")
def list_keys(tx: Tx, key: Key) -> dict[str, Any]:
    """The API keys of a person, without their secrets."""
    _check_keys(tx, key, "key.read")
    return paging.page(access.keys_of(tx, key), None)


@routes.post("/agents/{key}/keys", status_code=201)
@act("key.create", secret=True)
def create_key(tx: Tx, key: Key, body: KeyIn) -> dict[str, Any]:
    """A new API key: ``key`` is shown in this answer only."""
    person = agents.get_agent(tx, key)
    role = body.role or access.highest(person.roles)
    id_, secret = access.issue_key(tx, role, body.name, key, expires_at=body.expires_at)
    return {"id": id_, "key": secret, "role": role, "agent": key, "name": body.name, "expires_at": body.expires_at}


@routes.delete("/agents/{key}/keys/{key_id}")
@act("key.revoke")
def revoke_key(tx: Tx, key: Key, key_id: Id) -> Reply:
    """Ends a key at once."""
    _check_keys(tx, key, "key.revoke")
    if key_id not in [row["id"] for row in access.keys_of(tx, key)]:
        raise NotFound(f"{key} has no key {key_id[:64]!r}.")
    access.revoke_key(tx, key_id)
    return Reply({"id": key_id})


def _check_keys(tx: Tx, key: str, permission: str) -> None:
    access.check(access.caller(tx), permission, seen.of_agent(agents.get_agent(tx, key)))
