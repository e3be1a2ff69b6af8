"""``/leads``, ``/deals``, ``/accounts``, ``/contacts``: what is known of them; making and changing our own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from taskhub.access import service as access
from taskhub.access.permissions import Caller, reaches_all
from taskhub.acts import selling
from taskhub.api import queries, seen, shown_sales
from taskhub.api.sales_bodies import (
    ContactIn,
    ContactPatch,
    DealIn,
    DealPatch,
    LeadIn,
    LeadPatch,
    PartyIn,
    PartyPatch,
)
from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef
from taskhub.http import paging
from taskhub.http.edge import act, look
from taskhub.http.inputs import Id
from taskhub.http.paging import Cursor, Limit
from taskhub.http.route import router
from taskhub.sales import path
from taskhub.sales import service as sales
from taskhub.sales.fields import LINKS
from taskhub.sales.model import OPEN

routes = router("records")
Filter = Annotated[str | None, Query(min_length=1, max_length=200)]


@routes.get("/leads")
@look("record.read")
def list_leads(
    tx: Tx, owner: Filter = None, stage: Filter = None, status: Filter = None, pipeline: Filter = None,
    q: Filter = None, limit: Limit = 50, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Leads the caller may see, newest change first; ``q`` looks into title, name, company and e-mail."""
    asked = {"owner": owner, "stage": stage, "status": status, "pipeline": pipeline, "q": q}
    return _page(tx, "lead", asked, limit, cursor)


@routes.get("/leads/{id}")
@look("record.read")
def get_lead(tx: Tx, id: Id) -> dict[str, Any]:
    """One lead."""
    return _one(tx, "lead", id)


@routes.post("/leads", status_code=201)
@act("record.create", "lead.create")
def create_lead(tx: Tx, body: LeadIn) -> dict[str, Any]:
    """A new lead of our own; without an owner it is the caller's."""
    return _made(tx, "lead", body)


@routes.patch("/leads/{id}")
@act("record.change", "lead.patch")
def patch_lead(tx: Tx, id: Id, body: LeadPatch) -> dict[str, Any]:
    """Changes fields; ``version`` is the one that was read."""
    return _patched(tx, "lead", id, body)


@routes.get("/deals")
@look("record.read")
def list_deals(
    tx: Tx, owner: Filter = None, stage: Filter = None, status: Filter = None, pipeline: Filter = None,
    q: Filter = None, limit: Limit = 50, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Deals the caller may see, newest change first; ``q`` looks into title, name, company and e-mail."""
    asked = {"owner": owner, "stage": stage, "status": status, "pipeline": pipeline, "q": q}
    return _page(tx, "deal", asked, limit, cursor)


@routes.get("/deals/{id}")
@look("record.read")
def get_deal(tx: Tx, id: Id) -> dict[str, Any]:
    """One deal."""
    return _one(tx, "deal", id)


@routes.post("/deals", status_code=201)
@act("record.create", "deal.create")
def create_deal(tx: Tx, body: DealIn) -> dict[str, Any]:
    """A new deal of our own, without a lead or of one."""
    return _made(tx, "deal", body)


@routes.patch("/deals/{id}")
@act("record.change", "deal.patch")
def patch_deal(tx: Tx, id: Id, body: DealPatch) -> dict[str, Any]:
    """Changes fields; ``version`` is the one that was read."""
    return _patched(tx, "deal", id, body)


@routes.get("/accounts")
@look("record.read")
def list_accounts(
    tx: Tx, owner: Filter = None, q: Filter = None, limit: Limit = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """Accounts the caller may see, newest change first."""
    return _page(tx, "account", {"owner": owner, "q": q}, limit, cursor)


@routes.get("/accounts/{id}")
@look("record.read")
def get_account(tx: Tx, id: Id) -> dict[str, Any]:
    """One account; ``customer_since`` once it is a customer."""
    return _one(tx, "account", id)


@routes.post("/accounts", status_code=201)
@act("record.create", "account.create")
def create_account(tx: Tx, body: PartyIn) -> dict[str, Any]:
    """A new account of our own."""
    return _made(tx, "account", body)


@routes.patch("/accounts/{id}")
@act("record.change", "account.patch")
def patch_account(tx: Tx, id: Id, body: PartyPatch) -> dict[str, Any]:
    """Changes fields; ``version`` is the one that was read."""
    return _patched(tx, "account", id, body)


@routes.get("/contacts")
@look("record.read")
def list_contacts(
    tx: Tx, owner: Filter = None, q: Filter = None, limit: Limit = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """Contacts the caller may see, newest change first."""
    return _page(tx, "contact", {"owner": owner, "q": q}, limit, cursor)


@routes.get("/contacts/{id}")
@look("record.read")
def get_contact(tx: Tx, id: Id) -> dict[str, Any]:
    """One contact."""
    return _one(tx, "contact", id)


@routes.post("/contacts", status_code=201)
@act("record.create", "contact.create")
def create_contact(tx: Tx, body: ContactIn) -> dict[str, Any]:
    """A new contact of our own."""
    return _made(tx, "contact", body)


@routes.patch("/contacts/{id}")
@act("record.change", "contact.patch")
def patch_contact(tx: Tx, id: Id, body: ContactPatch) -> dict[str, Any]:
    """Changes fields; ``version`` is the one that was read."""
    return _patched(tx, "contact", id, body)


def _made(tx: Tx, noun: str, body: PartyIn) -> dict[str, Any]:
    given = body.given()
    _refuse_unseen_links(tx, given)
    return shown_sales.record(tx, selling.create(tx, noun, given, body.fields))


def _patched(tx: Tx, noun: str, id_: str, body: PartyPatch | ContactPatch | LeadPatch | DealPatch) -> dict[str, Any]:
    before, _ = seen.held(tx, noun, id_, "record.change")
    given = body.given()
    _refuse_unseen_links(tx, {name: value for name, value in given.items() if value != before.fields.get(name)})
    changed = selling.patch(tx, RecordRef(noun, id_), body.version, given, body.fields)
    return shown_sales.record(tx, changed)


def _refuse_unseen_links(tx: Tx, given: dict[str, Any]) -> None:
    """A link would show what stands behind it: rules fill in its fields."""
    for noun in LINKS:
        seen.refuse_unseen(tx, noun, given.get(noun))


def _page(tx: Tx, noun: str, asked: dict[str, str | None], limit: int, cursor: str | None) -> dict[str, Any]:
    status = asked.get("status")
    if status and status not in (OPEN, *path.ENDS[noun]):
        raise path.unknown("status", status, (OPEN, *path.ENDS[noun]), "unknown_status")
    wanted = narrowed(tx, access.caller(tx), {name: value for name, value in asked.items() if value})
    states, following = sales.find(tx, noun, wanted, paging.instant_after(cursor), limit)
    return paging.page(shown_sales.records(tx, noun, states), paging.encode(*following) if following else None)


def narrowed(tx: Tx, who: Caller, asked: dict[str, Any]) -> dict[str, Any]:
    """Lists show what belongs to the caller's own and managed teams; a single record may be seen for its task, too."""
    if reaches_all(who, "record.read"):
        return asked
    owners = set(queries.members(tx, seen.teams(who) or ())) if _by_team(who) else {who.by.agent or ""}
    chosen = owners & {asked["owner"]} if "owner" in asked else owners
    return {**asked, "owner": sorted(chosen)}


def _by_team(who: Caller) -> bool:
    return set(who.by.roles) != {"agent"}


def _one(tx: Tx, noun: str, id_: str) -> dict[str, Any]:
    return shown_sales.record(tx, seen.record(tx, noun, id_)[0])
