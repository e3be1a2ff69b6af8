"""How far looks have come, and what one look has found. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from taskhub.connectors.reading import Seen
from taskhub.events.model import Delivery
from taskhub.policy.policies import Connection, Options

_EACH = ("account", "contact", "lead", "deal", "activity")
NOUNS: Mapping[str, tuple[str, ...]] = {"pipedrive": _EACH, "salesforce": _EACH, "dynamics": _EACH}
"""What is looked at, by system, in this order: a deal is best known after its customer."""
OVERLAP = timedelta(minutes=2)  # of two houses' clocks and of what is written while it is read


@dataclass(frozen=True, slots=True)
class Place:
    """One noun of one connection. ``begun_at`` and ``read_at`` are their time; ``cursor`` is their word for a place."""

    noun: str
    begun_at: datetime
    cursor: str | None = None
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One noun looked at: what to store, and where it stands afterwards, if nobody has moved it on meanwhile.

    ``options``: what its fields offer to choose from, where that was asked for; ``mute``: it was, in vain.
    """

    before: Place | None
    after: Place
    deliveries: Sequence[Delivery] = ()
    options: Mapping[str, Options | None] | None = None
    mute: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One look. ``refused``: noun → why the system does not tell of it, although it can be reached."""

    steps: Sequence[Step] = ()
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def deliveries(self) -> list[Delivery]:
        """All of it."""
        return [one for step in self.steps for one in step.deliveries]


@dataclass(frozen=True, slots=True)
class Again:
    """One record read once more; ``options`` and ``mute`` as in ``Step``."""

    seen: Seen
    options: Mapping[str, Options | None] | None = None
    mute: bool = False


def is_due(connection: Connection, asked_at: datetime | None, now: datetime) -> bool:
    """Whether the newest of the connection's looks has not been asked for. They lie at multiples of its interval."""
    if not connection.poll:
        return False
    epoch = datetime(1970, 1, 1, tzinfo=now.tzinfo)
    slot = now - (now - epoch) % connection.poll
    return asked_at is None or asked_at < slot
