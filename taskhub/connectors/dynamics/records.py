"""Dataverse's tables and columns in our words. Works on a whole row and on the old values of a change alike. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from taskhub.connectors.dynamics.states import status_of
from taskhub.connectors.dynamics.values import Reference, day, guid, written
from taskhub.events.model import NOUNS
from taskhub.policy.policies import Connection

PROCESS = "process"  # an instance of a business process: it tells the stage of a lead or a deal
_TABLES: Mapping[str, str] = {
    "lead": "lead",
    "opportunity": "deal",
    "contact": "contact",
    "account": "account",
    **dict.fromkeys(("task", "phonecall", "appointment"), "activity"),
    **dict.fromkeys(("leadtoopportunitysalesprocess", "opportunitysalesprocess"), PROCESS),
}
_PERSON = {"emailaddress1": "email", "telephone1": "phone"}
_PLAIN: Mapping[str, Mapping[str, str]] = {
    "lead": {"subject": "title", "fullname": "name", "companyname": "company", "estimatedamount": "amount", **_PERSON},
    "deal": {"name": "title", "estimatedvalue": "amount"},
    "contact": {"fullname": "name", **_PERSON},
    "account": {"name": "name", **_PERSON},
    "activity": {"subject": "title"},
}
_DAYS = {"estimatedclosedate": "expected_close_on", "scheduledend": "due_on"}
MERGED = ("lead", "contact", "account")
_LINKS: Mapping[str, tuple[str, ...]] = {
    "qualifyingopportunityid": ("lead",),
    "originatingleadid": ("deal",),
    "parentaccountid": ("lead", "deal"),
    "parentcontactid": ("lead", "deal"),
    "customerid": ("deal",),
    "parentcustomerid": ("contact",),
    "regardingobjectid": ("activity",),
}

# Links that one column alone tells: when it is emptied, so is ours.
_CLEARED: Mapping[tuple[str, str], str] = {
    ("lead", "qualifyingopportunityid"): "deal",
    ("lead", "parentaccountid"): "account",
    ("lead", "parentcontactid"): "contact",
    ("deal", "originatingleadid"): "lead",
    ("deal", "parentcontactid"): "contact",
    ("contact", "parentcustomerid"): "account",
}


def noun_of(table: str, connection: Connection) -> str | None:
    """What a table is to us; None for tables nobody follows. ``entities`` of the connection adds some of their own."""
    own = connection.settings.get("entities")
    found = own.get(table) if isinstance(own, Mapping) else None
    return found if found in (*NOUNS, PROCESS) else _TABLES.get(table)


def native_fields(
    noun: str, attributes: Mapping[str, Any], labels: Mapping[str, str], connection: Connection
) -> dict[str, Any]:
    """The columns that have a meaning for taskhub, under our names; the id is not among them."""
    mapped: dict[str, Any] = {}
    for name in sorted(attributes):
        mapped.update(_column(noun, name, attributes[name], connection))
    mapped.update(status_of(noun, attributes, labels, connection))
    mapped.update(_own_fields(noun, attributes, labels, connection))
    return mapped


def merged_into(noun: str, attributes: Mapping[str, Any], connection: Connection) -> dict[str, Any]:
    """What is left to tell of a row that was merged: it stays over there, closed, and names the one it went into."""
    into = prefixed(connection, attributes.get("masterid")) if noun in MERGED else None
    return {"deleted": True, "merged_into": into} if attributes.get("merged") is True and into else {}


def prefixed(connection: Connection, value: Any) -> str | None:
    """Their id as an id of ours: ids of two systems never meet."""
    found = guid(value)
    return None if found is None else f"{connection.key}:{found}"


def stage_of(noun: str, value: Any, connection: Connection) -> Any:
    """Our stage for the id, the number or the name of theirs; one nobody mapped stays what it is."""
    names = connection.stages.get(noun)
    return _mapped(names if isinstance(names, Mapping) else {}, value)


def owner_of(value: Any, connection: Connection) -> str | None:
    """Our person where the connection knows them, else their id under the connection's key."""
    found = guid(value)
    mapped = {guid(theirs): ours for theirs, ours in connection.users.items()}
    return mapped.get(found) or prefixed(connection, found)


def stage_columns(noun: str, connection: Connection) -> frozenset[str]:
    """The columns that tell the stage: ``stageid``, and the one the connection maps to it."""
    own = connection.fields.get(noun, {}).get("stage")
    return frozenset({"stageid", *([own.lower()] if own else [])})


def _column(noun: str, name: str, value: Any, connection: Connection) -> dict[str, Any]:
    plain = _PLAIN[noun].get(name)
    if plain is not None:
        return {plain: None if value == "" else value}
    if noun in _LINKS.get(name, ()):
        return _link(noun, value, name, connection)
    if name in _DAYS:
        return {_DAYS[name]: day(name, value)} if (name == "scheduledend") == (noun == "activity") else {}
    special = _SPECIAL.get(name)
    return special(noun, value, connection) if special else {}


def _link(noun: str, value: Any, name: str, connection: Connection) -> dict[str, Any]:
    """A row that another points at; a customer may be an account or a contact, an activity may regard anything."""
    if not isinstance(value, Reference):
        return {_CLEARED[noun, name]: None} if value is None and (noun, name) in _CLEARED else {}
    other = _TABLES.get(value.entity)
    if other not in NOUNS or other == noun:
        return {}
    named = {"company": value.name} if other == "account" and noun == "deal" and value.name else {}
    return {other: prefixed(connection, value), **named}


def _owner(_noun: str, value: Any, connection: Connection) -> dict[str, Any]:
    return {"owner": owner_of(value, connection)}


def _stage(noun: str, value: Any, connection: Connection) -> dict[str, Any]:
    return {"stage": stage_of(noun, value, connection)} if noun in ("lead", "deal") else {}


def _currency(noun: str, value: Any, connection: Connection) -> dict[str, Any]:
    """Currencies have ids: the connection says which is which (``currencies``), else a name that came along does."""
    if noun not in ("lead", "deal"):
        return {}
    if value is None:
        return {"currency": None}
    known = connection.settings.get("currencies")
    codes = {guid(theirs): code for theirs, code in known.items()} if isinstance(known, Mapping) else {}
    code = codes.get(guid(value)) or (value.name if isinstance(value, Reference) else None)
    return {"currency": code} if isinstance(code, str) else {}


def _pipeline(noun: str, value: Any, connection: Connection) -> dict[str, Any]:
    known = connection.settings.get("pipelines")
    found = _mapped(known, value) if isinstance(known, Mapping) and noun in ("lead", "deal") else None
    return {"pipeline": found} if isinstance(known, Mapping) and found in known.values() else {}


_SPECIAL: Mapping[str, Callable[[str, Any, Connection], dict[str, Any]]] = {
    "ownerid": _owner,
    "stageid": _stage,
    "transactioncurrencyid": _currency,
    "processid": _pipeline,
}


def _mapped(names: Mapping[Any, Any], value: Any) -> Any:
    """Our key for their id, number or name; what nobody mapped stays what it is, so that nothing is lost."""
    known = {str(theirs).strip("{}").lower(): ours for theirs, ours in names.items()}
    spellings = [value.id, value.name or ""] if isinstance(value, Reference) else [guid(str(value)) or ""]
    if value is None or isinstance(value, bool | list):
        return value
    found = next((known[one.lower()] for one in spellings if one.lower() in known), None)
    return found if isinstance(found, str) else (spellings[0] or None)


def _own_fields(
    noun: str, attributes: Mapping[str, Any], labels: Mapping[str, str], connection: Connection
) -> dict[str, Any]:
    """Columns the customer made or wants by another name; the label of a choice stands beside its number."""
    found: dict[str, Any] = {}
    for ours, theirs in connection.fields.get(noun, {}).items():
        name = theirs.lower()
        if name not in attributes:
            continue
        value = attributes[name]
        if ours == "stage" and isinstance(value, int) and not _is_stage(noun, value, connection):
            continue
        found[ours] = _meant(noun, ours, value, connection)
        if name in labels and isinstance(value, int | list) and ours not in ("stage", "owner"):
            found[f"{ours}_label"] = labels[name]
    return found


def _is_stage(noun: str, value: int, connection: Connection) -> bool:
    """Of a column of choices only the listed ones are stages: a status reason may say something else as well."""
    return str(value) in (str(theirs) for theirs in connection.stages.get(noun, {}))


def _meant(noun: str, ours: str, value: Any, connection: Connection) -> Any:
    if ours == "stage":
        return stage_of(noun, value, connection)
    return owner_of(value, connection) if ours == "owner" else written(value)
