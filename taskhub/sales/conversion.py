"""A lead becomes a customer: what is carried over to account, contact and deal, and when it can be taken back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from taskhub.errors import Conflict
from taskhub.events.times import written
from taskhub.policy.policies import Policies
from taskhub.sales import path
from taskhub.sales.fields import KEPT, invalid, read
from taskhub.sales.model import Conversion, RecordState
from taskhub.sales.readiness import missing_to_convert

Fields = Mapping[str, Any]
_PERSON = ("name", "email", "phone", "language", "company")
_WORTH = ("amount", "currency", "expected_close_on")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the dialog confirmed: of account and contact an ``id`` or fields, None as the lead says.

    ``contact_wanted`` False: none. ``deal`` None: no deal; an empty one carries over what was typed.
    """

    account: Fields | None = None
    contact: Fields | None = None
    contact_wanted: bool = True
    deal: Fields | None = None


@dataclass(frozen=True, slots=True)
class Drafts:
    """Fields of what would be made. ``account_id`` and ``contact_id`` name what is to be used instead.

    ``linked``: noun → id that the lead itself named before, to be used where it is still there.
    """

    account: dict[str, Any]
    contact: dict[str, Any] | None
    deal: dict[str, Any] | None
    account_id: str | None = None
    contact_id: str | None = None
    linked: Mapping[str, str] = field(default_factory=dict)


def drafted(lead: RecordState, asked: Asked, policies: Policies) -> Drafts:
    """What the lead turns into. Raises Conflict for a lead that is not open, InvalidInput for what cannot be."""
    path.refuse_ended(lead)
    account, contact = _read("account", asked.account), _read("contact", asked.contact)
    deal = None if asked.deal is None else read("deal", asked.deal)
    refuse_incomplete(lead, asked, policies)
    account_id, contact_id = _id(asked.account), _id(asked.contact)
    made = _account(lead.fields, account)
    person = _contact(lead.fields, contact) if asked.contact_wanted else None
    if person is not None and contact_id is None and not (person.get("name") or person.get("email")):
        person = None
    worth = None if deal is None else path.begun("deal", _deal(lead, deal, made, policies), policies)
    unsaid = [noun for noun, said in (("account", asked.account), ("contact", asked.contact)) if said is None]
    linked = {noun: lead.fields[noun] for noun in unsaid if isinstance(lead.fields.get(noun), str)}
    if not asked.contact_wanted:
        linked.pop("contact", None)
    return Drafts(made, person, worth, account_id, contact_id, linked)


def refuse_incomplete(lead: RecordState, asked: Asked, policies: Policies) -> None:
    """Raises InvalidInput that lists what ``required_to_convert`` names and neither lead nor ``asked`` fills in."""
    known = {**lead.fields, **_given(asked.contact or {}, _PERSON), **_given(asked.deal or {}, _WORTH)}
    if asked.account:
        known["company"] = asked.account.get("name") or known.get("company") or True
    missing = missing_to_convert(known, path.pipeline_of("lead", lead.fields, policies, lenient=True))
    if missing:
        wrong = [(name, "must be filled in before the lead is converted") for name in missing]
        raise invalid(wrong, "fields_missing", missing=missing)


def refuse_nameless(drafts: Drafts, found: Mapping[str, str]) -> None:
    """Raises InvalidInput where an account would be made that has no name."""
    if "account" not in found and not drafts.account.get("name"):
        raise invalid([("account.name", "is missing: the lead names no company and no person")], "account_missing")


def refuse_touched(conversion: Conversion, deal: RecordState | None) -> None:
    """Raises Conflict when its deal has gone on since."""
    if deal is not None and deal.newest.at > conversion.at:
        status = deal.fields.get("status")
        raise Conflict(
            f"The deal has been changed since the conversion (it is {status}): lose it instead.",
            code="deal_changed", deal=deal.ref.id, status=status, changed_at=written(deal.newest.at),
        )  # fmt: skip


def _read(noun: str, given: Fields | None) -> dict[str, Any]:
    return read(noun, {name: value for name, value in (given or {}).items() if name != "id"})


def _id(given: Fields | None) -> str | None:
    found = (given or {}).get("id")
    return found if isinstance(found, str) else None


def _given(fields: Fields, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: fields[name] for name in names if fields.get(name) is not None}


def _account(lead: Fields, given: Fields) -> dict[str, Any]:
    name = given.get("name") or given.get("company") or lead.get("company") or lead.get("name")
    return {**_given(lead, ("owner", "language")), **_given(given, tuple(given)), **({"name": name} if name else {})}


def _contact(lead: Fields, given: Fields) -> dict[str, Any]:
    return {**_given(lead, (*_PERSON, "owner")), **_given(given, tuple(given))}


def _deal(lead: RecordState, given: Fields, account: Fields, policies: Policies) -> dict[str, Any]:
    """Everything typed is carried over, fields of one's own as well; the stage is kept where deals have it, too."""
    own = {name: value for name, value in lead.fields.items() if name not in KEPT and value is not None}
    carried = {**own, **_given(lead.fields, (*_PERSON, *_WORTH, "owner", "title"))}
    line = path.pipeline_of("deal", given, policies)
    if line is not None and any(stage.key == lead.fields.get("stage") for stage in line.stages):
        carried["stage"] = lead.fields["stage"]
    if account.get("name"):
        carried["company"] = account["name"]
    title = given.get("title") or given.get("name") or carried.get("title") or carried.get("company")
    return {**carried, **_given(given, tuple(given)), **({"title": title} if title else {})}
