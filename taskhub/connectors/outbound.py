"""The outbound seam: what a client of one system must offer, in words all systems share.

Every act may be repeated. ``first`` says that it was surely never tried before; without it the client looks for what an
earlier try of unknown outcome has made before it makes anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from taskhub.policy.policies import Options

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Who:
    """Whom the system takes us for. ``at`` is its own clock as its answer shows it, None when it shows none."""

    user: str
    name: str
    company: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A task of ours as the other system shows it. ``about``: noun → their id; ``owner``: their id of the person."""

    task: str
    title: str
    about: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    owner: str | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class Conversion:
    """What is to become of a lead. ``title``, ``contact`` and ``account`` find the deal again when the lead is gone.

    ``stage``: their stage id of the new deal; ``status``: their status of a converted lead, where they have several.
    """

    lead: str
    asked_at: datetime
    title: str = ""
    contact: str | None = None
    account: str | None = None
    stage: str | None = None
    status: str | None = None
    make_deal: bool = True


@dataclass(frozen=True, slots=True)
class Converted:
    """``done``: with the ids of what came of it; else it goes on over there, and ``job`` asks for it later."""

    done: bool
    deal: str | None = None
    account: str | None = None
    contact: str | None = None
    job: str | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """Records as they are now, ids of deleted ones, and where the next look begins.

    ``resync``: the place that was given is not known any more; what came is everything there is. ``absent``: fields
    that were asked for and are not there: the records came without them.
    """

    records: Sequence[Record]
    deleted: Sequence[str]
    cursor: str
    resync: bool = False
    absent: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Hook:
    """One subscription. ``what`` names action and entity in their words; ``url`` may hold a secret: never say it."""

    id: str
    what: str
    url: str = field(repr=False)
    live: bool = True


class Client(Protocol):
    """One system's API.

    Raises ``Unavailable`` (later), ``OutcomeUnknown`` (look, then again), ``Unauthenticated``, ``Forbidden``,
    ``NotFound``, ``Conflict`` or ``InvalidInput``; none of them shows a secret.
    """

    def close(self) -> None:
        """Lets go of its connections."""
        ...

    def who(self) -> Who:
        """Whom we are logged in as: the test of a connection."""
        ...

    def read(self, noun: str, id: str) -> Record | None:
        """One record as it is now; None when there is none (any more)."""
        ...

    def changes(self, noun: str, cursor: str | None) -> Changes:
        """What changed since ``cursor``; None begins now, or with everything where a system has no other beginning."""
        ...

    def everything(self, noun: str) -> Changes:
        """All there is, and where the next look begins: what changes meanwhile comes again."""
        ...

    def clock(self) -> datetime | None:
        """Their clock as the newest answer showed it."""
        ...

    def write_work(self, work: Work, *, first: bool = False) -> str:
        """Make the task over there, once; returns their id."""
        ...

    def find_work(self, work: Work) -> str | None:
        """Their id of what an earlier try has made; None when none did."""
        ...

    def hand_work(self, id: str, owner: str) -> None:
        """It goes to their user ``owner``."""
        ...

    def complete_work(self, id: str) -> None:
        """It is done; done twice is done once."""
        ...

    def close_work(self, id: str, said: str) -> None:
        """Nobody does it any more; ``said`` is a line for whoever reads it, written once."""
        ...

    def reopen_work(self, id: str) -> None:
        """It is to be done after all."""
        ...

    def convert(self, order: Conversion, *, first: bool = False) -> Converted:
        """Turn a lead into a customer, once."""
        ...

    def converting(self, order: Conversion, job: str) -> Converted:
        """What has become of a conversion that went on over there."""
        ...

    def lose(self, noun: str, id: str, reason: str) -> None:
        """A lead or deal is lost, for a reason in their words; lost twice is lost once."""
        ...


class Reverser(Protocol):
    """A system in which a conversion and a loss can be taken back."""

    def regain(self, noun: str, id: str, reason: str) -> None:
        """Open again; ``reason`` is the one it was lost for."""
        ...

    def unconvert(self, deal: str, *, first: bool = False) -> Converted:
        """A deal becomes a lead again."""
        ...

    def unconverting(self, deal: str, job: str) -> Converted:
        """What has become of that."""
        ...


class Subscriber(Protocol):
    """A system whose webhooks can be looked at and made through its API."""

    def hooks(self) -> list[Hook]:
        """Those that exist."""
        ...

    def missing(self, url: str) -> list[str]:
        """What nothing that is live sends to ``url``, in their words."""
        ...

    def subscribe(self, url: str, secrets: Mapping[str, str]) -> list[str]:
        """Make what is missing; returns it. Safe to repeat: it looks first."""
        ...


class Merger(Protocol):
    """A system that tells a merge as the deletion of the record that lost, and says on being asked where it went."""

    def went(self, noun: str, ids: Sequence[str]) -> Mapping[str, str]:
        """Their ids of deleted records that were merged → of the one each went into."""
        ...


class Chooser(Protocol):
    """A system whose events tell the ids of options, and that says their labels on being asked."""

    def options(self, noun: str, keys: Sequence[str]) -> Mapping[str, Options | None]:
        """Their field → what it offers to choose from; None where nothing is chosen."""
        ...


class Describer(Protocol):
    """A system that can say which fields its records have."""

    def fields(self, noun: str) -> Collection[str]:
        """The names of all fields of a noun, as ``fields`` of the connection writes them."""
        ...


class Namer(Protocol):
    """A system that can say what the names in our maps may be."""

    def names(self) -> Mapping[str, Mapping[str, str]]:
        """Place of a map in the connection (``stages.deal``, ``users``) → their id → their name, "" without one."""
        ...
