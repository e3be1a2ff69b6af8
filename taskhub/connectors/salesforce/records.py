"""Salesforce's fields in our words. Works on whole records and on the few fields of one change alike. Pure.

``raw`` is flat: parts of compound fields stand as "Name.LastName". A member with None is known to be empty; what is not
among the members is not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from taskhub.connectors.salesforce.identity import ours
from taskhub.connectors.write_back.model import OWN_KEY
from taskhub.events.fields import BadField
from taskhub.events.times import read_instant
from taskhub.policy.policies import Connection

NOUNS: Mapping[str, str] = {
    "Lead": "lead",
    "Opportunity": "deal",
    "Contact": "contact",
    "Account": "account",
    "Task": "activity",
}
_NAME = {"Name": "name", "Email": "email", "Phone": "phone"}
_PLAIN: Mapping[str, Mapping[str, str]] = {
    "lead": {**_NAME, "Company": "company", "CurrencyIsoCode": "currency"},
    "deal": {"Name": "title", "CurrencyIsoCode": "currency", "CloseDate": "expected_close_on"},
    "contact": _NAME,
    "account": _NAME,
    "activity": {"Subject": "title", "TaskSubtype": "type", "ActivityDate": "due_on"},
}
_LINKS: Mapping[str, str] = {
    "AccountId": "account",
    "ContactId": "contact",
    "ConvertedAccountId": "account",
    "ConvertedContactId": "contact",
    "ConvertedOpportunityId": "deal",
}
# What the first three characters of an id say it is: activities point at anything.
_OF_PREFIX: Mapping[str, str] = {"00Q": "lead", "003": "contact", "006": "deal", "001": "account"}
_STAGES: Mapping[str, str] = {"lead": "Status", "deal": "StageName"}
# The words of an organisation that changed nothing; a connection's ``statuses`` come before them.
_STATUSES: Mapping[str, Mapping[str, str]] = {
    "lead": {"Closed - Converted": "converted", "Closed - Not Converted": "lost"},
    "deal": {"Closed Won": "won", "Closed Lost": "lost"},
    "activity": {"Completed": "done"},
}
KEY_FIELD = "Taskhub_Id__c"  # of theirs; setting ``task_key_field``
_MILLIS = timedelta(milliseconds=1)
_FULL_NAME = ("Salutation", "FirstName", "MiddleName", "LastName", "Suffix")


def noun_of(entity: str, connection: Connection) -> str | None:
    """What records of ``entity`` are to us: setting ``entities`` (their object → our noun) before the usual ones."""
    own = connection.settings.get("entities")
    found = own.get(entity) if isinstance(own, Mapping) else None
    return found if found in NOUNS.values() else NOUNS.get(entity)


def native_fields(noun: str, raw: Mapping[str, Any], connection: Connection) -> dict[str, Any]:
    """The members of ``raw`` that have a meaning for taskhub, under our names; the id is not among them."""
    mapped: dict[str, Any] = {}
    for name, value in raw.items():
        mapped.update(_member(noun, name, value, connection))
    mapped.update(_person(noun, raw))
    mapped.update(_state(noun, raw, connection))
    mapped.update(_own_fields(noun, raw, connection))
    return mapped


def key_field(connection: Connection) -> str:
    """The field of their tasks that holds the id of ours."""
    return str(connection.settings.get("task_key_field") or KEY_FIELD)


def instant(path: str, value: Any) -> datetime | None:
    """ISO 8601 with a zone, or milliseconds since 1970; None and "" are none."""
    if value in (None, ""):
        return None
    try:
        if isinstance(value, str):
            return read_instant(value.replace("+0000", "Z"))
        if isinstance(value, int) and not isinstance(value, bool):
            return read_instant((datetime(1970, 1, 1, tzinfo=UTC) + value * _MILLIS).isoformat())
    except (ValueError, OverflowError):
        pass
    raise BadField(path, "is no time")


def _member(noun: str, name: str, value: Any, connection: Connection) -> dict[str, Any]:
    plain = _PLAIN[noun].get(name)
    if plain is not None:
        return {plain: _shaped(name, plain, value)}
    if name in _LINKS and noun != "activity":
        return {_LINKS[name]: ours(connection, name, value)}
    if name in ("WhoId", "WhatId") and noun == "activity":
        to = _OF_PREFIX.get(value[:3]) if isinstance(value, str) else None
        return {to: ours(connection, name, value)} if to else {}
    if name == "OwnerId":
        return {"owner": _owner(value, connection)}
    if name == "RecordTypeId" and noun in _STAGES:
        return {"pipeline": _pipeline(value, connection)}
    if name == "Amount" and noun == "deal":
        return {"amount": value}
    if name == _STAGES.get(noun):
        of_noun = connection.stages.get(noun, {})
        return {"stage": of_noun.get(value, value) if isinstance(value, str) else value}
    return {}


def _person(noun: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The whole name out of its parts, where the parts that make it are all said."""
    if noun not in ("lead", "contact", "account") or raw.get("Name") is not None:
        return {}
    said = {name: raw[key] for name in _FULL_NAME for key in (name, f"Name.{name}") if key in raw}
    if not {"FirstName", "LastName"} <= said.keys():
        return {}
    parts = [said[name] for name in ("FirstName", "MiddleName", "LastName") if said.get(name)]
    return {"name": " ".join(map(str, parts)) or None}


def name_in_parts(noun: str, raw: Mapping[str, Any]) -> bool:
    """Whether a part of the name is said and the whole cannot be made of it."""
    said = {key.removeprefix("Name.") for key in raw} & {"FirstName", "LastName"}
    return noun in ("lead", "contact") and len(said) == 1 and raw.get("Name") is None


def _state(noun: str, raw: Mapping[str, Any], connection: Connection) -> dict[str, Any]:
    status = _status(noun, raw, connection)
    if noun == "activity":
        return {} if status is None else {"done": status == "done"}
    return {} if status is None else {"status": status}


def _status(noun: str, raw: Mapping[str, Any], connection: Connection) -> str | None:
    """What the flags say, then what the word for the stage means; None where neither settles it."""
    by_flag = _by_flag(noun, raw)
    if by_flag is not None:
        return by_flag
    word = raw.get("Status" if noun == "activity" else _STAGES.get(noun, ""))
    if isinstance(word, str):
        by_word = _by_word(noun, word, connection)
        if by_word is not None:
            return by_word
    return "open" if noun == "lead" and raw.get("IsConverted") is False else None


def _by_word(noun: str, word: str, connection: Connection) -> str | None:
    own = connection.settings.get("statuses")
    of_noun = own.get(noun) if isinstance(own, Mapping) else None
    found = {**_STATUSES[noun], **(of_noun if isinstance(of_noun, Mapping) else {})}.get(word)
    if isinstance(found, str):
        return found
    # A deal may end in a word nobody told us, and has flags for that; leads and tasks have words alone.
    return "open" if noun != "deal" or word in connection.stages.get(noun, {}) else None


def _by_flag(noun: str, raw: Mapping[str, Any]) -> str | None:
    closed = raw.get("IsClosed")
    if noun == "lead":
        return "converted" if raw.get("IsConverted") is True else None
    if noun == "deal" and raw.get("IsWon") is True:
        return "won"
    if noun in ("deal", "activity") and isinstance(closed, bool):
        ended = "lost" if noun == "deal" else "done"
        return ended if closed else "open"
    return None


def _own_fields(noun: str, raw: Mapping[str, Any], connection: Connection) -> dict[str, Any]:
    """Fields named in the connection as our field → their API name ("Compound.Part" for a part)."""
    found = {o: _shaped(t, o, raw[t]) for o, t in connection.fields.get(noun, {}).items() if t in raw}
    if noun == "activity" and (task := raw.get(key_field(connection))) is not None:
        found[OWN_KEY] = task  # of ours only: it is never emptied
    reasons = connection.settings.get("lost_reasons")
    of_noun = reasons.get(noun) if isinstance(reasons, Mapping) else None
    if "lost_reason" in found:
        found["lost_reason"] = _mapped(of_noun, found["lost_reason"])
    return found


def _shaped(path: str, name: str, value: Any) -> Any:
    """Dates are milliseconds in one shape and texts in the other; a compound of address parts stays as it is."""
    if value == "":
        return None
    if name.endswith(("_on", "_at")) and isinstance(value, int) and not isinstance(value, bool):
        at = instant(path, value)
        return None if at is None else at.date().isoformat() if name.endswith("_on") else at.isoformat()
    return value


def _owner(value: Any, connection: Connection) -> str | None:
    owner = ours(connection, "OwnerId", value)
    if owner is None:
        return None
    bare = owner.removeprefix(f"{connection.key}:")
    return connection.users.get(bare) or connection.users.get(bare[:15], owner)


def _pipeline(value: Any, connection: Connection) -> Any:
    names = connection.settings.get("pipelines")
    short = value[:15] if isinstance(value, str) and isinstance(names, Mapping) and value not in names else value
    found = _mapped(names, short)
    return value if found == short else found


def _mapped(names: Any, value: Any) -> Any:
    """Our word for theirs; what nobody mapped stays what it is, so that nothing is lost."""
    found = names.get(value) if isinstance(names, Mapping) and isinstance(value, str) else None
    return found if isinstance(found, str) else value
