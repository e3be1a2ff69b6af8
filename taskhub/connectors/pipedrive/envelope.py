"""The two webhook bodies of Pipedrive, read into one shape. Pure.

Version 2 sends old values of what changed; version 1 sends the whole record before, so the difference is taken here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from taskhub.errors import InvalidInput
from taskhub.events.fields import BadField
from taskhub.events.times import read_instant

CREATE, CHANGE, DELETE = "create", "change", "delete"
_ACTIONS = {"added": CREATE, "updated": CHANGE, "deleted": DELETE}
# Members that belong to one delivery or one subscription, not to the fact: two subscriptions to one change must agree.
_DELIVERY_ONLY = frozenset({"attempt", "retry", "matches_filters"})
_SUBSCRIPTION = frozenset({"webhook_id", "webhook_owner_id", "permitted_user_ids", "type", "host"})
_MILLIS = 10**11  # as seconds: the year 5138


@dataclass(frozen=True, slots=True)
class Envelope:
    """One fact of Pipedrive. ``previous`` holds old values of changed members only, for a deletion the last state.

    ``merged_into``: their id of the record into which a deleted one went.
    """

    action: str
    entity: str
    entity_id: str
    event_id: str
    company: str
    actor: str
    at: datetime | None
    key: tuple[str, ...]
    current: Mapping[str, Any] | None
    previous: Mapping[str, Any]
    merged_into: str = ""


def read_envelope(body: Any) -> Envelope:
    """Raises ``InvalidInput`` (``no_envelope``) for what is no Pipedrive body, ``BadField`` for one with holes."""
    meta = body.get("meta") if isinstance(body, dict) else None
    if not isinstance(meta, dict):
        raise InvalidInput("The body has no meta object: it is no Pipedrive webhook.", code="no_envelope")
    return _version_1(body, meta) if "object" in meta and "entity" not in meta else _version_2(body, meta)


def without_delivery(body: Mapping[str, Any]) -> dict[str, Any]:
    """``body`` without what differs between deliveries and subscriptions of one fact."""
    meta = body.get("meta")
    kept = {name: value for name, value in body.items() if name not in _DELIVERY_ONLY}
    if isinstance(meta, Mapping):
        out = _DELIVERY_ONLY | _SUBSCRIPTION
        kept["meta"] = {name: value for name, value in meta.items() if name not in out}
    return kept


def _version_2(body: Mapping[str, Any], meta: Mapping[str, Any]) -> Envelope:
    action, entity = _word(meta, "action"), _word(meta, "entity")
    current, previous = _object(body, "data"), _object(body, "previous")
    names = ("company_id", "entity", "entity_id", "action", "id", "correlation_id", "timestamp")
    return Envelope(
        action=action,
        entity=entity,
        entity_id=_plain(meta.get("entity_id")),
        event_id=_plain(meta.get("id")),
        company=_plain(meta.get("company_id")),
        actor=_plain(meta.get("user_id")),
        at=read_time("meta.timestamp", meta.get("timestamp")),
        key=("v2", *(_plain(meta.get(name)) for name in names)),
        current=current,
        previous=previous or {},
        merged_into=_plain(meta.get("merged_to_id")),
    )


def _version_1(body: Mapping[str, Any], meta: Mapping[str, Any]) -> Envelope:
    action = _word(meta, "action")
    current, before = _object(body, "current"), _object(body, "previous") or {}
    if _ACTIONS.get(action) == CHANGE and current is not None:
        before = {name: old for name, old in before.items() if name in current and current[name] != old}
    micro = meta.get("timestamp_micro")
    exact = micro / 1_000_000 if isinstance(micro, int) and not isinstance(micro, bool) else meta.get("timestamp")
    names = ("company_id", "object", "id", "action", "timestamp_micro")
    return Envelope(
        action=_ACTIONS.get(action, action),
        entity=_word(meta, "object"),
        entity_id=_plain(meta.get("id")),
        event_id=_plain(micro or meta.get("timestamp")),
        company=_plain(meta.get("company_id")),
        actor=_plain(meta.get("user_id")),
        at=read_time("meta.timestamp", exact),
        key=("v1", *(_plain(meta.get(name)) for name in names)),
        current=current,
        previous=before,
    )


def read_time(path: str, value: Any) -> datetime | None:
    """ISO 8601 with a zone, "2018-07-10 15:04:54" in UTC, or seconds (or milliseconds) since 1970; "" is none."""
    if value in (None, ""):
        return None
    if isinstance(value, bool):
        raise BadField(path, "is no time")
    try:
        if isinstance(value, str) and not (value.isascii() and value.isdecimal()):
            return read_instant(value if value[-1:] in "Zz" or value[-6:-5] in ("+", "-") else f"{value}Z")
        seconds = float(value)
        seconds = seconds / 1_000 if abs(seconds) >= _MILLIS else seconds
        return read_instant((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat())
    except (ValueError, TypeError, OverflowError):
        raise BadField(path, "is no time") from None


def _word(meta: Mapping[str, Any], name: str) -> str:
    value = meta.get(name)
    if not isinstance(value, str) or not value:
        raise BadField(f"meta.{name}", "is missing")
    return value


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    value = body.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise BadField(name, "must be an object")
    return value


def _plain(value: Any) -> str:
    """Ids are text in some payloads and numbers in others."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
