"""A record of Pipedrive as its API shows it, in our words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.connectors.pipedrive.envelope import read_time
from taskhub.connectors.pipedrive.normalise import data_of, fields_of
from taskhub.connectors.pipedrive.records import prefixed
from taskhub.connectors.reading import State
from taskhub.events.fields import BadField, read_fields
from taskhub.events.model import RecordRef
from taskhub.policy.policies import Connection


def state_of(noun: str, raw: Mapping[str, Any], connection: Connection) -> State:
    """Raises ``BadField``."""
    given = prefixed(connection, raw.get("id"))
    if given is None:
        raise BadField("id", "is missing")
    ref = RecordRef(noun, read_fields(noun, {"id": given})["id"])
    made_at, version = (read_time(name, raw.get(name)) for name in ("add_time", "update_time"))
    return State(
        ref, data_of(noun, ref, fields_of(noun, raw, connection)), version or made_at, made_at, _by(raw, connection)
    )


def _by(raw: Mapping[str, Any], connection: Connection) -> str | None:
    """Activities tell who wrote them last, if anybody has; other records only who made them, while nobody has since."""
    last = raw.get("update_user_id")
    if last is None and raw.get("update_time") in (None, raw.get("add_time")):
        last = raw.get("creator_user_id") or raw.get("creator_id")
    return prefixed(connection, last)
