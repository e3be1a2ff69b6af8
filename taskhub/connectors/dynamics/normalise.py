"""One message of Dataverse becomes a native event, or a reason why not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from taskhub.connectors.dynamics.context import Context
from taskhub.connectors.dynamics.messages import (
    ASSIGN,
    CREATE,
    DELETE,
    MERGE,
    QUALIFY,
    UPDATE,
    NotFollowed,
    Told,
    merged_row,
    told,
)
from taskhub.connectors.dynamics.process import stage_told
from taskhub.connectors.dynamics.records import (
    MERGED,
    PROCESS,
    merged_into,
    native_fields,
    noun_of,
    prefixed,
    stage_columns,
)
from taskhub.connectors.dynamics.values import guid, instant
from taskhub.events.fields import read_fields
from taskhub.events.model import Doubt, Event, RecordRef
from taskhub.events.native import CREATED, NoRecord, types_of
from taskhub.policy.policies import Connection
from taskhub.sales.model import CONVERTED, LOST, WON

# What makes work move, and is never empty: a pre-image without it does not tell how it moved.
_DECISIVE = frozenset({"statecode", "statuscode", "ownerid"})
# A call of qualifying tells less of the lead than its update in the same second, and so comes after it.
_RANK = {CREATE: "0", UPDATE: "1", ASSIGN: "1", QUALIFY: "2", DELETE: "3", MERGE: "3"}


@dataclass(frozen=True, slots=True)
class _Read:
    """Fields now, old values of what moved, and whether the message states its moves by itself."""

    fields: Mapping[str, Any]
    old: Mapping[str, Any] = field(default_factory=dict)
    stated: bool = True


def event_of(context: Context, connection: Connection, received_at: datetime, *, stripped: bool = False) -> Event:
    """The event; raises ``NotFollowed``, ``RereadNeeded`` (ignore) or ``BadField`` (quarantine)."""
    noun, said = _followed(context, connection, stripped=stripped)
    ref = _record(noun, said, connection)
    read = _read(noun, said, context, connection)
    types = _types(noun, said.verb, read)
    if said.verb == DELETE:
        read = _Read({"deleted": True, **_links(read.fields)})
    return Event(
        source=f"dynamics:{connection.key}",
        external_id=context.operation or "-".join(context.key),
        types=types,
        occurred_at=_occurred_at(said, context) or received_at,
        record=ref,
        data=data_of(ref, read.fields),
        previous={noun: read.old} if read.old else {},
        connection=connection.key,
        states_change=read.stated,
        partial=not read.stated,
        by=prefixed(connection, context.actor),
        order=_order(said, context),
        change=_change(types, read, said, context),
    )


def subject_of(context: Context, connection: Connection) -> str | None:
    """The record a message is about, for who has to look for it without an event."""
    row = merged_row(context) if context.message == MERGE else None
    noun, id_ = noun_of(context.entity, connection), prefixed(connection, row.id if row else context.record_id)
    return None if noun in (None, PROCESS) or id_ is None else f"{noun}:{id_}"


def _followed(context: Context, connection: Connection, *, stripped: bool) -> tuple[str, Told]:
    noun = noun_of(context.entity, connection)
    if noun is None:
        raise NotFollowed(f"entity_not_followed: {context.entity[:60]}")
    if context.message == MERGE and noun not in MERGED:
        raise NotFollowed(f"message_not_followed: {MERGE} of {context.entity[:60]}")
    said = told(context, stripped=stripped)
    return stage_told(said, connection) if noun == PROCESS else (noun, said)


def _record(noun: str, said: Told, connection: Connection) -> RecordRef:
    id_ = prefixed(connection, said.row.id)
    if id_ is None:
        raise NoRecord
    return RecordRef(noun, read_fields(noun, {"id": id_})["id"])


def _read(noun: str, said: Told, context: Context, connection: Connection) -> _Read:
    """Images fill in what the message leaves out: what they say of it held at this version."""
    if said.before is None and context.actor is not None and context.actor == guid(connection.settings.get("own_user")):
        # Our own write fires no rules: what somebody else changed before it is left for their message to tell.
        said = replace(said, around={}, labels={})
    own = said.row.attributes
    now = {**said.around, **own}
    labels = {**said.labels, **said.row.labels}
    # That a row which was merged is deleted later is no second merge.
    if said.verb != DELETE and (merged := merged_into(noun, now, connection)):
        return _Read(merged)
    fields = fields_of(noun, now, labels, connection)
    _link_to_lead(noun, fields, context, connection)
    if said.verb == QUALIFY:
        return _Read({**fields, "status": CONVERTED})
    if said.verb in (CREATE, DELETE):
        return _Read(fields)
    if said.before is None:
        return _Read(fields, stated=False)
    decisive = _DECISIVE | stage_columns(noun, connection)
    nullable = decisive - _DECISIVE  # images leave out what is empty
    then = {name: said.before.get(name) for name in own if name in said.before or name in nullable}
    kept = {name: text for name, text in labels.items() if name not in then or then[name] == now.get(name)}
    was = fields_of(noun, {**now, **then}, kept, connection)
    old = {name: value for name, value in was.items() if name in fields and fields[name] != value}
    if "status" in old:
        old.pop("lost_reason", None)
    return _Read(fields, old, stated=decisive & own.keys() <= then.keys())


def merge_of(context: Context, connection: Connection) -> Doubt | None:
    """What a merge has made of the record that stayed is not told with it."""
    noun, id_ = noun_of(context.entity, connection), prefixed(connection, context.record_id)
    return Doubt(noun, id_) if context.message == MERGE and noun is not None and id_ is not None else None


def fields_of(
    noun: str, attributes: Mapping[str, Any], labels: Mapping[str, str], connection: Connection
) -> dict[str, Any]:
    return read_fields(noun, native_fields(noun, attributes, labels, connection))


def _link_to_lead(noun: str, fields: dict[str, Any], context: Context, connection: Connection) -> None:
    """What was made by qualifying a lead belongs to that lead, also where the message does not say so."""
    if noun == "deal" and context.qualified is not None and fields.get("lead") is None:
        fields["lead"] = prefixed(connection, context.qualified)


def _types(noun: str, verb: str, read: _Read) -> tuple[str, ...]:
    if "merged_into" in read.fields:
        return (f"{noun}.merged",)
    if verb == DELETE:
        return (f"{noun}.deleted",)
    if verb == QUALIFY:
        return ("lead.converted",)
    if verb == CREATE:
        ended = {name: (None, read.fields[name]) for name in ("status", "done") if _ended(read.fields.get(name))}
        return (*(types_of(noun, ended) if ended else ()), f"{noun}.{CREATED}")
    return types_of(noun, {name: (value, read.fields[name]) for name, value in read.old.items()})


def _ended(value: Any) -> bool:
    return value is True or value in (WON, LOST, CONVERTED)


def _occurred_at(said: Told, context: Context) -> datetime | None:
    """The row's own version where the message has it: every message about one change, and a poll, know the same."""
    after = context.after.attributes if context.after else {}
    for attributes in (said.row.attributes, after):
        for name in ("modifiedon", "createdon"):
            found = instant(name, attributes.get(name))
            if found is not None:
                return found
    return context.at


def _order(said: Told, context: Context) -> str:
    """Versions of rows are whole seconds: in one, a row is created first, then RowVersion tells, then the clock."""
    exact = context.at.astimezone(UTC).isoformat(timespec="milliseconds") if context.at else ""
    version = said.row.row_version if said.row.row_version.isdecimal() else ""
    return f"{_RANK[said.verb]} {version[:20]:0>20} {exact} {context.operation}"


def _change(types: tuple[str, ...], read: _Read, said: Told, context: Context) -> str:
    """Of one act of qualifying or merging, several messages tell: they are one change, and make its work once."""
    if "merged_into" in read.fields:
        return f"merged into {read.fields['merged_into']}"
    shown = not read.stated and types[0].startswith("lead.") and read.fields.get("status") == CONVERTED
    told_now = bool({"statecode", "statuscode"} & said.row.attributes.keys())
    qualified = types[0] == "lead.converted" or (shown and told_now)
    return f"qualified {context.correlation}" if qualified and context.correlation else ""


def _links(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Of a deleted row only its links stay: its last state was told before."""
    return {name: fields[name] for name in ("deal", "lead", "contact", "account") if fields.get(name) is not None}


def data_of(ref: RecordRef, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The native objects; what an activity regards, and what a lead has become, stand beside them."""
    data: dict[str, Any] = {ref.noun: {"id": ref.id, **fields}}
    for other in ("deal", "lead"):
        if ref.noun in ("activity", "lead") and other != ref.noun and fields.get(other) is not None:
            data[other] = {"id": fields[other], **({"lead": ref.id} if ref.noun == "lead" else {})}
    return data
