"""The normalised event: what every sender's message becomes before any rule sees it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

NOUNS = ("lead", "deal", "contact", "account", "activity")


LINK = "\x01"
NEWS, QUIET = "news", "quiet"


class RecordRef(NamedTuple):
    """A sales record: ``noun`` of NOUNS and its ``id`` in taskhub (a CRM's ids are prefixed by their connection)."""

    noun: str
    id: str

    def __str__(self) -> str:
        return f"{self.noun}:{self.id}"


class Version(NamedTuple):
    """Orders what senders say about one record: the instant it happened, then the sender's id of the event."""

    at: datetime
    tie: str

    @property
    def linked(self) -> Version:
        """What follows from it in a chain: newer than it and all that came with it, older than every later change."""
        return Version(self.at, self.tie + LINK)


@dataclass(frozen=True, slots=True)
class Event:
    """One fact, normalised.

    ``types`` holds at least one type, the most decisive first (a CRM's one change may be both a stage move and a win).
    ``data`` has the native form: objects ``lead``, ``deal``, ``contact``, ``account``, ``activity`` with our field
    names; anything we cannot read stays under its own keys and is ignored. ``previous`` maps noun -> field -> old
    value, only for what this event says has changed. ``states_change`` is False for state-only events (polls,
    re-reads). ``order`` settles events of the same instant where the sender says more than its id does (a finer time).
    ``partial`` is True for state-only events that tell some fields of a record made before: of an unknown record they
    are no creation. ``change`` names the change where several messages tell of one act: together they count once.
    ``look`` is set where taskhub has read the record itself: NEWS, or QUIET for a first sync, which fires no rules.
    ``told`` maps a noun to the names of the fields the event tells of that record; what else ``data`` holds of it is
    known already and there to be read. A noun that is not in it tells everything.
    """

    source: str
    external_id: str
    types: tuple[str, ...]
    occurred_at: datetime
    record: RecordRef | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    previous: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    connection: str | None = None
    states_change: bool = True
    by: str | None = None
    order: str = ""
    partial: bool = False
    change: str = ""
    look: str = ""
    told: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The most decisive type."""
        return self.types[0]

    @property
    def version(self) -> Version:
        """Order of this event among those about the same record."""
        return Version(self.occurred_at, f"{self.order or self.external_id} {self.source}")


class Doubt(NamedTuple):
    """A record (by our id) that only its owner can tell, or with ``id`` "" all of a noun since ``since``.

    ``born``: what was left untold is that it was made; ``gone``: it was said to be gone, which holds where nobody can
    be asked; ``after``: asking earlier would tell nothing new.
    """

    noun: str
    id: str = ""
    born: bool = False
    since: datetime | None = None
    gone: bool = False
    after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivered message after its envelope was read: what intake stores.

    Exactly one of ``event`` and ``reason`` is set: ``outcome`` "accepted" with an event, "ignored" or "quarantined"
    with the reason. ``delivery_key`` names the fact, ``body_hash`` the body without what belongs to the delivery
    (attempt, retry…). ``kept`` are the bytes to keep of it and their content type, where it came in a body with others
    or with what may not be stored; None keeps what came in. ``doubt`` is what it leaves to be read again.
    """

    source: str
    external_id: str
    type: str
    subject: str | None
    occurred_at: datetime | None
    delivery_key: str
    body_hash: str
    outcome: str
    event: Event | None = None
    reason: str | None = None
    kept: tuple[bytes, str] | None = None
    doubt: Doubt | None = None
