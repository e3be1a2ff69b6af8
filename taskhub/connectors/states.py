"""Which folder reads the records of which system. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from taskhub.connectors import reading
from taskhub.connectors.dynamics.identity import work_id as dynamics_work_id
from taskhub.connectors.dynamics.state import state_of as dynamics
from taskhub.connectors.pipedrive.identity import mark_of as pipedrive_mark_of
from taskhub.connectors.pipedrive.options import unlabelled as pipedrive_unlabelled
from taskhub.connectors.pipedrive.state import state_of as pipedrive
from taskhub.connectors.reading import Seen, State
from taskhub.connectors.salesforce.identity import full_id
from taskhub.connectors.salesforce.state import state_of as salesforce
from taskhub.connectors.write_back.model import OWN_KEY
from taskhub.events.fields import BadField
from taskhub.events.model import Delivery, RecordRef
from taskhub.policy.policies import Connection

StateOf = Callable[[str, Mapping[str, Any], Connection], State]
_SYSTEMS: Mapping[str, StateOf] = {"dynamics": dynamics, "pipedrive": pipedrive, "salesforce": salesforce}
_TELLING_IDS: Mapping[str, Callable[[str, Mapping[str, Any], Connection], bool]] = {"pipedrive": pipedrive_unlabelled}
_CHOSEN_IDS: Mapping[str, Callable[[str, str], str]] = {"dynamics": dynamics_work_id}
_MARKS: Mapping[str, Callable[[str, str], str]] = {"pipedrive": pipedrive_mark_of}


def delivery_of(seen: Seen, connection: Connection) -> Delivery:
    """What is stored of a record that was read, or of one that is gone."""
    seen = replace(seen, record=reading.plain(seen.record))
    if seen.record is None:
        into = ours(seen.into, connection) if seen.into else None
        return reading.gone(seen, connection, RecordRef(seen.noun, ours(seen.id, connection)), into)
    try:
        return reading.there(seen, connection, _SYSTEMS[connection.system](seen.noun, seen.record, connection))
    except BadField as error:
        return reading.unread(seen, connection, error)
    except (ValueError, TypeError, LookupError, AttributeError):
        return reading.unread(seen, connection, BadField("record", "has a shape nobody knows"))


def version_of(noun: str, record: Mapping[str, Any], connection: Connection) -> datetime | None:
    """When a record was changed last, as far as that can be read."""
    try:
        return _SYSTEMS[connection.system](noun, record, connection).version
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


def tells_ids(connection: Connection) -> bool:
    """Whether its events tell ids of options where people read labels."""
    return connection.system in _TELLING_IDS


def unlabelled(noun: str, record: Mapping[str, Any], connection: Connection) -> bool:
    """Whether a mapped field of ``record`` shows an option nobody has told us the label of."""
    known = _TELLING_IDS.get(connection.system)
    return known is not None and known(noun, record, connection)


def is_work_of(connection: Connection, task_id: str, activity: str, fields: Mapping[str, Any]) -> bool:
    """Whether an activity is what we wrote of a task: by an id of our making, by our key, or by our mark in its title.

    ``activity``: our id of it; ``fields``: what is known of it.
    """
    chosen, mark = _CHOSEN_IDS.get(connection.system), _MARKS.get(connection.system)
    if chosen is not None and ours(chosen(connection.key, task_id), connection) == activity:
        return True
    if mark is not None and mark(connection.key, task_id) in str(fields.get("title") or ""):
        return True
    return fields.get(OWN_KEY) == task_id


def ours(id_: str, connection: Connection) -> str:
    """Their id as one of ours."""
    if connection.system == "salesforce":
        with suppress(BadField):
            id_ = full_id("Id", id_)
    return f"{connection.key}:{id_.lower() if connection.system == 'dynamics' else id_}"


def theirs(id_: str, connection: Connection) -> str:
    """One of our ids as theirs."""
    return id_.removeprefix(f"{connection.key}:")
