"""One of HubSpot's notifications becomes a native event, or a reason why not. Pure.

They carry one property and no old value, so they are partial states; creations and deletions carry nothing but the id.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from taskhub.events.fields import BadField, read_fields
from taskhub.events.model import Event, RecordRef
from taskhub.events.native import NoRecord
from taskhub.events.times import FIRST_YEAR, LAST_YEAR
from taskhub.policy.policies import Connection
from taskhub.sales.model import LOST, OPEN, WON

CHANGE, CREATION, DELETION = "propertyChange", "creation", "deletion"
_NOUNS = {"deal": "deal", "lead": "lead", "contact": "contact", "company": "account"}
_PERSON = {"email": "email", "phone": "phone"}
_PLAIN: Mapping[str, Mapping[str, str]] = {
    "deal": {"dealname": "title", "amount": "amount", "deal_currency_code": "currency"},
    "lead": {"hs_lead_name": "title"},
    "contact": {"company": "company", **_PERSON},
    "account": {"name": "name", "phone": "phone"},
}
_STAGE = {"deal": "dealstage", "lead": "hs_pipeline_stage"}
_PIPELINE = {"deal": "pipeline", "lead": "hs_pipeline"}
_OWNER, _CLOSE = "hubspot_owner_id", "closedate"
_ENDS = {"closedwon": WON, "closedlost": LOST}
# Ids of events do not rise with time: of one instant, a creation comes first and a deletion last.
_RANK = {CREATION: "0", CHANGE: "1", DELETION: "2"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NotFollowed(Exception):
    """Understood, and nothing for taskhub to do; ``str()`` is the reason."""


def type_of(item: Mapping[str, Any]) -> str:
    """``deal.propertyChange``; older notifications have it under another name. Raises ``BadField``."""
    found = item.get("subscriptionType", item.get("eventType"))
    if not isinstance(found, str) or not found:
        raise BadField("subscriptionType", "is missing")
    return found


def event_of(item: Mapping[str, Any], connection: Connection) -> Event:
    """The event; raises ``NotFollowed`` (ignore) or ``BadField`` (quarantine)."""
    about, _, what = type_of(item).partition(".")
    noun = _NOUNS.get(about)
    if noun is None or what not in (CHANGE, CREATION, DELETION):
        raise NotFollowed(f"subscription_not_followed: {type_of(item)[:60]}")
    id_ = _id(item.get("objectId"), connection)
    said = {CREATION: {}, DELETION: {"deleted": True}}.get(what)
    fields = read_fields(noun, {"id": id_, **(_property(noun, item, connection) if said is None else said)})
    verb = {CHANGE: "updated", CREATION: "created", DELETION: "deleted"}[what]
    return Event(
        source=f"hubspot:{connection.key}",
        external_id=str(item.get("eventId", "")),
        types=(f"{noun}.{verb}",),
        occurred_at=_instant(item.get("occurredAt")),
        record=RecordRef(noun, fields["id"]),
        data={noun: fields},
        connection=connection.key,
        states_change=what != CHANGE,
        partial=what == CHANGE,
        by=_actor(item.get("sourceId"), connection),
        order=f"{_RANK[what]} {item.get('eventId', '')!s:0>20}",
    )


def _property(noun: str, item: Mapping[str, Any], connection: Connection) -> dict[str, Any]:
    name, value = item.get("propertyName"), item.get("propertyValue")
    if not isinstance(name, str):
        raise BadField("propertyName", "is missing")
    value = None if value == "" else value
    found = {ours: value for ours, theirs in connection.fields.get(noun, {}).items() if theirs == name}
    found |= {_PLAIN[noun][name]: value} if name in _PLAIN[noun] else {}
    if name == _STAGE.get(noun):
        found |= _stage(noun, value, connection)
    elif name == _PIPELINE.get(noun):
        found["pipeline"] = _mapped(connection.settings.get("pipelines"), value)
    elif name == _OWNER:
        found["owner"] = None if value is None else connection.users.get(str(value), f"{connection.key}:{value}")
    elif name == _CLOSE and noun == "deal":
        found["expected_close_on"] = None if value is None else _instant(value).date().isoformat()
    if not found:
        raise NotFollowed(f"property_not_followed: {name[:60]}")
    return found


def _stage(noun: str, value: Any, connection: Connection) -> dict[str, Any]:
    """A stage of theirs may be an end: ``statuses`` says which are, besides the two that ship."""
    stage = {"stage": _mapped(connection.stages.get(noun), value)}
    own = connection.settings.get("statuses")
    theirs = own.get(noun) if isinstance(own, Mapping) else None
    ends = {**_ENDS, **theirs} if isinstance(theirs, Mapping) else _ENDS
    return {**stage, "status": ends.get(str(value), OPEN)}


def _mapped(names: Any, value: Any) -> Any:
    found = names.get(str(value)) if isinstance(names, Mapping) else None
    return found if isinstance(found, str) else value


def _id(value: Any, connection: Connection) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str) or value in ("", 0):
        raise NoRecord
    return f"{connection.key}:{value}"


def _instant(value: Any) -> datetime:
    """Milliseconds since 1970, as a number or as text."""
    try:
        found = _EPOCH + timedelta(milliseconds=int("" if isinstance(value, bool) else value))
    except (ValueError, TypeError, OverflowError):
        raise BadField("occurredAt", "is no time in milliseconds") from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise BadField("occurredAt", f"must lie between the years {FIRST_YEAR} and {LAST_YEAR}")
    return found


def _actor(value: Any, connection: Connection) -> str | None:
    kind, _, user = value.partition(":") if isinstance(value, str) else ("", "", "")
    return f"{connection.key}:{user}" if kind == "userId" and user else None
