"""``/leads``, ``/deals``, ``/accounts``, ``/contacts``: the sales records as events have told them. Read only here."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from taskhub.access import service as access
from taskhub.access.permissions import Caller, Object, reaches_all
from taskhub.api import queries, seen, shown
from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef
from taskhub.http import paging
from taskhub.http.edge import look
from taskhub.http.inputs import Id
from taskhub.http.paging import Cursor, Limit
from taskhub.http.route import router
from taskhub.sales import service as sales

routes = router("records")
Filter = Annotated[str | None, Query(min_length=1, max_length=200)]


@routes.get("/leads")
@look("record.read")
def list_leads(
    tx: Tx, owner: Filter = None, stage: Filter = None, status: Filter = None, limit: Limit = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """Leads the caller may see, newest change first."""
    return _page(tx, "lead", {"owner": owner, "stage": stage, "status": status}, limit, cursor)


@routes.get("/leads/{id}")
@look("record.read")
def get_lead(tx: Tx, id: Id) -> dict[str, Any]:
    """One lead."""
    return _one(tx, "lead", id)


@routes.get("/deals")
@look("record.read")
def list_deals(
    tx: Tx, owner: Filter = None, stage: Filter = None, status: Filter = None, limit: Limit = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """Deals the caller may see, newest change first."""
    return _page(tx, "deal", {"owner": owner, "stage": stage, "status": status}, limit, cursor)


@routes.get("/deals/{id}")
@look("record.read")
def get_deal(tx: Tx, id: Id) -> dict[str, Any]:
    """One deal."""
    return _one(tx, "deal", id)


@routes.get("/accounts")
@look("record.read")
def list_accounts(tx: Tx, owner: Filter = None, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """Accounts the caller may see, newest change first."""
    return _page(tx, "account", {"owner": owner}, limit, cursor)


@routes.get("/accounts/{id}")
@look("record.read")
def get_account(tx: Tx, id: Id) -> dict[str, Any]:
    """One account."""
    return _one(tx, "account", id)


@routes.get("/contacts")
@look("record.read")
def list_contacts(tx: Tx, owner: Filter = None, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """Contacts the caller may see, newest change first."""
    return _page(tx, "contact", {"owner": owner}, limit, cursor)


@routes.get("/contacts/{id}")
@look("record.read")
def get_contact(tx: Tx, id: Id) -> dict[str, Any]:
    """One contact."""
    return _one(tx, "contact", id)


def _page(tx: Tx, noun: str, asked: dict[str, str | None], limit: int, cursor: str | None) -> dict[str, Any]:
    wanted = _narrowed(tx, access.caller(tx), {name: value for name, value in asked.items() if value})
    rows, following = sales.find(tx, noun, wanted, paging.instant_after(cursor), limit)
    items = [shown.record(noun, row.id, row.fields, row.first_seen_at, row.last_changed_at) for row in rows]
    return paging.page(items, paging.encode(*following) if following else None)


def _narrowed(tx: Tx, who: Caller, asked: dict[str, Any]) -> dict[str, Any]:
    """Lists show what belongs to the caller's own and managed teams; a single record may be seen for its task, too."""
    if reaches_all(who, "record.read"):
        return asked
    owners = set(queries.members(tx, seen.teams(who) or ())) if _by_team(who) else {who.by.agent or ""}
    chosen = owners & {asked["owner"]} if "owner" in asked else owners
    return {**asked, "owner": sorted(chosen)}


def _by_team(who: Caller) -> bool:
    return set(who.by.roles) != {"agent"}


def _one(tx: Tx, noun: str, id_: str) -> dict[str, Any]:
    found, who = sales.get(tx, RecordRef(noun, id_)), access.caller(tx)
    owner = found.fields.get("owner")
    owner = owner if isinstance(owner, str) else None
    team = queries.team_of_owner(tx, owner)
    served = queries.served(tx, noun, id_, tx.by.agent, seen.queues(who, tx.policies) or ())
    access.check(who, "record.read", Object(owner, frozenset({team} if team else ()), served=served))
    return shown.record(noun, id_, found.fields, found.first_seen, found.last_changed)
