"""A record as its system has shown it on being asked: what becomes of it in the inbox. Pure.

Such an event states no change: rules fire for what differs from what is known. Its version is the record's own, so it
meets the webhook of the same change; in one instant it comes last, once that instant was over when it was read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from taskhub.events.canonical import body_hash
from taskhub.events.fields import BadField
from taskhub.events.model import NEWS, Delivery, Event, RecordRef
from taskhub.events.native import CREATED, DELETED, MERGED
from taskhub.events.reading import storable
from taskhub.ids import digest
from taskhub.policy.policies import Connection

OPTIONS_REST = timedelta(hours=1)  # what is deleted over there has no label, however often one asks

MEDIA_TYPE = "application/vnd.taskhub.record+json"
OVER = timedelta(seconds=2)  # versions are whole seconds in places, and so is the clock an answer shows
_LAST, _LONGEST, _BIGGEST = "~", 200, 2**63


@dataclass(frozen=True, slots=True)
class State:
    """One record in our words. ``data`` has the native form; ``by`` is whoever wrote it last, where that is told.

    ``handed_on``: it is known to have been made by somebody else.
    """

    ref: RecordRef
    data: Mapping[str, Any]
    version: datetime | None = None
    made_at: datetime | None = None
    by: str | None = None
    handed_on: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What one call showed. ``record`` None: it is gone. ``begun_at``: what was made before is no news (None: unknown).

    ``id`` is theirs; ``look`` is NEWS or QUIET; ``born``: that it was made is news, whatever else; ``into``: their id
    of the record into which one that is gone was merged.
    """

    noun: str
    id: str
    read_at: datetime
    record: Mapping[str, Any] | None = field(default=None, repr=False)
    begun_at: datetime | None = None
    look: str = NEWS
    born: bool = False
    into: str = ""


def gone(seen: Seen, connection: Connection, ref: RecordRef, into: str | None = None) -> Delivery:
    """A record that is not there any more, or has gone ``into`` another one. Told again the same day it is a copy."""
    end = DELETED if into is None else MERGED
    draft = _draft(seen, connection, f"{end}-{seen.read_at:%Y-%m-%d}", ref)
    fields = {"id": ref.id, DELETED: True, **({} if into is None else {"merged_into": into})}
    event = Event(
        source=draft.source, external_id=draft.external_id, types=(f"{seen.noun}.{end}",), occurred_at=seen.read_at,
        record=ref, data={seen.noun: fields}, connection=connection.key, states_change=False,
        order=_LAST, partial=True, look=seen.look,
    )  # fmt: skip
    return replace(draft, type=event.type, occurred_at=event.occurred_at, outcome="accepted", event=event)


def there(seen: Seen, connection: Connection, state: State) -> Delivery:
    """A record as it is now. The same state told again is a copy."""
    version = state.version or seen.read_at
    settled = seen.read_at - version >= OVER
    news = seen.born or _is_younger(state.made_at, seen.begun_at)
    told = f"{version.astimezone(UTC).isoformat()}{'' if settled else ' early'}{' born' if news else ''}"
    draft = _draft(seen, connection, f"{told}-{body_hash(state.data)[:16]}", state.ref)
    event = Event(
        source=draft.source,
        external_id=draft.external_id,
        types=(f"{seen.noun}.{CREATED if news else 'updated'}",),
        occurred_at=version,
        record=state.ref,
        data=state.data,
        connection=connection.key,
        states_change=False,
        by=None if news and state.handed_on and seen.noun != "activity" else state.by,
        order=f"{_LAST if settled else ''}{seen.read_at.astimezone(UTC).isoformat(timespec='microseconds')}",
        partial=True,
        look=seen.look,
    )
    return replace(draft, type=event.type, occurred_at=version, outcome="accepted", event=event)


def unread(seen: Seen, connection: Connection, error: BadField) -> Delivery:
    """A record that makes no sense under today's maps: kept, to be read again under others."""
    content = body_hash(seen.record)
    return replace(_draft(seen, connection, f"unread-{content[:16]}", None), reason=str(error))


def kept(seen: Seen) -> bytes:
    """What the inbox keeps of it: enough to read it again."""
    told = {"noun": seen.noun, "id": seen.id, "read_at": seen.read_at.isoformat(), "record": seen.record}
    marks = {"begun_at": seen.begun_at.isoformat() if seen.begun_at else None, "look": seen.look, "born": seen.born}
    return orjson.dumps({**told, **marks, **({"into": seen.into} if seen.into else {})})


def seen_in(body: bytes) -> Seen:
    """Inverse of ``kept``. Raises ValueError."""
    try:
        told = orjson.loads(body)
        begun = told["begun_at"]
        return Seen(
            told["noun"], told["id"], datetime.fromisoformat(told["read_at"]), told["record"],
            datetime.fromisoformat(begun) if begun else None, told["look"], told["born"], told.get("into", ""),
        )  # fmt: skip
    except (KeyError, TypeError) as error:
        raise ValueError("it is no record that was read") from error


def plain(value: Any) -> Any:
    """What another system's JSON says, as it can be stored: one odd sign must not keep a whole look from its place."""
    if isinstance(value, str):
        return value if storable(value) else "".join(one if storable(one) else "\ufffd" for one in value)
    if isinstance(value, Mapping):
        return {plain(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, int) and abs(value) >= _BIGGEST else value


def _is_younger(made_at: datetime | None, begun_at: datetime | None) -> bool:
    return made_at is not None and begun_at is not None and made_at >= begun_at


def _draft(seen: Seen, connection: Connection, told: str, ref: RecordRef | None) -> Delivery:
    name = f"{seen.noun}-{ref.id if ref else seen.id}-{told}"
    return Delivery(
        source=f"{connection.system}:{connection.key}",
        external_id=name[:_LONGEST],
        type=f"{connection.system}.{seen.noun}.read",
        subject=str(ref) if ref else None,
        occurred_at=None,
        delivery_key=digest("read", connection.key, name),
        body_hash=digest(name),
        outcome="quarantined",
        kept=(kept(seen), MEDIA_TYPE),
    )
