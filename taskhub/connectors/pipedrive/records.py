"""Pipedrive's fields in our words. Works on whole records and on the few old values of a change alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.connectors.pipedrive.options import labelled, mapped
from taskhub.events.fields import BadField
from taskhub.policy.policies import Connection

NOUNS: Mapping[str, str] = {
    "lead": "lead",
    "deal": "deal",
    "activity": "activity",
    "person": "contact",
    "organization": "account",
}
_PLAIN: Mapping[str, Mapping[str, str]] = {
    "lead": {
        "title": "title",
        "expected_close_date": "expected_close_on",
        "person_name": "name",
        "org_name": "company",
    },
    "deal": {
        "title": "title",
        "currency": "currency",
        "status": "status",
        "expected_close_date": "expected_close_on",
        "person_name": "name",
        "org_name": "company",
    },
    "activity": {"subject": "title", "type": "type", "done": "done", "due_date": "due_on"},
    "contact": {"name": "name", "org_name": "company"},
    "account": {"name": "name"},
}
_LINKS: Mapping[str, str] = {
    "person_id": "contact",
    "org_id": "account",
    "organization_id": "account",
    "deal_id": "deal",
    "lead_id": "lead",
}
_OWNERS = ("owner_id", "user_id")
_FIRST_OF: Mapping[str, str] = {"email": "email", "emails": "email", "phone": "phone", "phones": "phone"}


def native_fields(noun: str, raw: Mapping[str, Any], connection: Connection) -> dict[str, Any]:
    """The members of ``raw`` that have a meaning for taskhub, under our names; the id is not among them."""
    found: dict[str, Any] = {}
    for name, value in raw.items():
        found.update(_member(noun, name, value, connection))
    return found | _own_fields(noun, raw, connection)


def prefixed(connection: Connection, value: Any) -> str | None:
    """Their id as an id of ours: ids of two systems never meet."""
    if isinstance(value, Mapping):
        value = value.get("value", value.get("id"))
    if isinstance(value, bool) or not isinstance(value, str | int) or value in ("", 0):
        return None
    return f"{connection.key}:{value}"


def _member(noun: str, name: str, value: Any, connection: Connection) -> dict[str, Any]:
    plain = _PLAIN[noun].get(name)
    if plain is not None:
        return {plain: None if value == "" else value}
    if name in _LINKS:
        return {_LINKS[name]: prefixed(connection, value)}
    if name in _OWNERS:
        return {"owner": _owner(value, connection)}
    if name in ("stage_id", "pipeline_id", "lost_reason"):
        return _worded(noun, name, value, connection)
    if name == "value" and noun in ("lead", "deal"):
        return _worth(noun, value)
    if name in _FIRST_OF and noun == "contact":
        return {_FIRST_OF[name]: _first(value)}
    return _lead_state(name, value, connection) if noun == "lead" else {}


def _worded(noun: str, name: str, value: Any, connection: Connection) -> dict[str, Any]:
    """What the connection has our words for."""
    if name == "stage_id":
        return {"stage": _stage(noun, value, connection)}
    if name == "pipeline_id":
        return {"pipeline": _mapped(connection.settings.get("pipelines"), value)}
    return {"lost_reason": _reason(value, connection)} if noun == "deal" else {}


def _worth(noun: str, value: Any) -> dict[str, Any]:
    """A deal has a number, its currency beside it; a lead has both in one object, or null."""
    if noun == "deal":
        return {"amount": value}
    if value is None:
        return {"amount": None, "currency": None}
    if not isinstance(value, Mapping):
        raise BadField(f"{noun}.value", "must be an object with amount and currency")
    return {"amount": value.get("amount"), "currency": value.get("currency")}


def _lead_state(name: str, value: Any, connection: Connection) -> dict[str, Any]:
    """A lead has no status: archived means lost (unless ``lead_lost_when_archived`` is false); so may a label."""
    if name == "is_archived" and connection.settings.get("lead_lost_when_archived", True):
        return {"status": "lost" if value is True else "open"}
    if name == "label_ids":
        return {"labels": [str(label) for label in value] if isinstance(value, list) else []}
    return {}


def lost_by_label(labels: Any, connection: Connection) -> str | None:
    """The lost reason that a lead's labels stand for (``lost_labels``: label id -> reason), if any."""
    reasons = connection.settings.get("lost_labels")
    if not isinstance(reasons, Mapping) or not isinstance(labels, list):
        return None
    return next((str(reasons[label]) for label in labels if label in reasons), None)


def _owner(value: Any, connection: Connection) -> str | None:
    owner = prefixed(connection, value)
    return None if owner is None else connection.users.get(owner.removeprefix(f"{connection.key}:"), owner)


def _stage(noun: str, value: Any, connection: Connection) -> Any:
    of_noun = connection.stages.get(noun, connection.stages)
    return _mapped(of_noun, value)


def _reason(value: Any, connection: Connection) -> Any:
    """Our lost reason for their text: by the map, else by what a reason is called here, in any language."""
    if not isinstance(value, str) or not value:
        return None if value == "" else value
    reasons = connection.settings.get("lost_reasons")
    mapped = _mapped(reasons.get("deal") if isinstance(reasons, Mapping) else None, value)
    if mapped != value:
        return mapped
    called = value.strip().casefold()
    for key, name in connection.reason_names.get("deal", {}).items():
        if called in {one.casefold() for one in (name.default, *name.by_language.values())}:
            return key
    return value


def _mapped(names: Any, value: Any) -> Any:
    """Our key for their id; an id nobody mapped stays what it is, so that nothing is lost."""
    if value is None or isinstance(value, bool | list | Mapping):
        return value
    found = names.get(str(value)) if isinstance(names, Mapping) else None
    return found if isinstance(found, str) else str(value)


def _first(value: Any) -> Any:
    """The primary one of a person's addresses or numbers."""
    if not isinstance(value, list):
        return value
    entries = [entry for entry in value if isinstance(entry, Mapping)]
    entries.sort(key=lambda entry: entry.get("primary") is not True)
    return (entries[0].get("value") or None) if entries else None


def _own_fields(noun: str, raw: Mapping[str, Any], connection: Connection) -> dict[str, Any]:
    """Fields the customer made: named in the connection as our field -> their key, or a ready member of ours."""
    told = dict(mapped(noun, raw, connection))
    offered = connection.options.get(noun, {})
    return {
        ours: labelled(told[theirs], offered.get(theirs))
        for ours, theirs in connection.fields.get(noun, {}).items()
        if theirs in told
    }
