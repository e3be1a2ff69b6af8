"""The inbound seam: what one system's folder must offer. Pure: raw request in, deliveries out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from taskhub.errors import TaskhubError
from taskhub.events.model import Delivery
from taskhub.policy.policies import Connection
from taskhub.policy.reading.vocabulary import NO_PROOF, SECRETS


@dataclass(frozen=True, slots=True)
class HookRequest:
    """One delivery as it came in. ``headers`` have lower-case names; ``path_secret`` is the last part of the route."""

    body: bytes
    received_at: datetime
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    path_secret: str | None = None


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """The answer the sending system wants to hear."""

    status: int
    content_type: str
    body: bytes


class Inbound(Protocol):
    """One system's reading of its own wire format. ``secrets`` are resolved values, keyed as in the connection."""

    def verify(self, request: HookRequest, connection: Connection, secrets: Mapping[str, str]) -> None:
        """Return when the sender proved who they are, else raise ``Unauthenticated``."""
        ...

    def split_and_normalise(self, request: HookRequest, connection: Connection) -> list[Delivery]:
        """One delivery per fact; raise ``InvalidInput`` only for what must be refused and not stored."""
        ...

    def answer(self, deliveries: Sequence[Delivery]) -> HookAnswer:
        """What to reply once ``deliveries`` are stored."""
        ...


def lacking(connection: Connection, secrets: Mapping[str, str]) -> list[str]:
    """The secrets by which ``connection`` lets senders in and that have no value: while there is one, nobody gets in.

    Of systems that taskhub does not ship nothing is known, so their readers judge for themselves.
    """
    if connection.system not in SECRETS:
        return []
    no_proof = NO_PROOF.get(connection.system, ())
    return [name for name in connection.secrets if name not in no_proof and not secrets.get(name)]


@runtime_checkable
class SpeaksFaults(Protocol):
    """A reader whose senders expect refusals in a form of their own."""

    def fault(self, request: HookRequest, error: TaskhubError, status: int) -> HookAnswer | None:
        """The refusal of a verified sender's body with ``status`` in that form; None for the usual one."""
        ...


@runtime_checkable
class KeepsHeaders(Protocol):
    """Offered by systems whose senders may put a secret into a header of any name."""

    def kept_headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The headers that may be stored with a body."""
        ...


@runtime_checkable
class TriesAgain(Protocol):
    """Offered by systems that try again after 502, 503 and 504 only: "later" is then 503, whatever the cause."""

    retries_only_unavailable: bool
