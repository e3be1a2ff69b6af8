"""One thing asked of a CRM about one of its records. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from taskhub.events.model import RecordRef

CONVERT, LOSE, UNCONVERT, REOPEN = "convert", "lose", "unconvert", "reopen"
PENDING, DONE, REFUSED, WITHDRAWN = "pending", "done", "refused", "withdrawn"


@dataclass(frozen=True, slots=True)
class CrmAct:
    """``id`` is the act's, ``record`` noun:id, ``account``, ``contact``, ``deal`` ids of ours of what came of it.

    ``tried_at``: it may have been asked since; ``answered_at``: they have done it, or refused (``reason``);
    ``seen_at``: their own word of it, of a conversion that of its deal, has come by. ``given_up_at``: it is not tried
    any more, because of ``trouble``, until somebody has it tried again. ``in_doubt_since``: it has ended here, and they
    may have done it all the same; ``deal`` and ``seen_at`` are of their word of it then.
    """

    id: str
    connection: str
    record: str
    kind: str
    by: str
    at: datetime
    asked: Mapping[str, Any] = field(default_factory=dict)
    state: str = PENDING
    agent: str | None = None
    job: str | None = None
    account: str | None = None
    contact: str | None = None
    deal: str | None = None
    tried_at: datetime | None = None
    answered_at: datetime | None = None
    seen_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    given_up_at: datetime | None = None
    trouble: str | None = None
    in_doubt_since: datetime | None = None

    @property
    def ref(self) -> RecordRef:
        """What it is about."""
        return RecordRef(*self.record.split(":", 1))

    @property
    def waits(self) -> bool:
        """Whether they have not answered yet."""
        return self.state == PENDING and self.answered_at is None

    @property
    def may_be_withdrawn(self) -> bool:
        """Whether nothing of it is under way."""
        return self.waits and (self.tried_at is None or self.given_up_at is not None)


@dataclass(frozen=True, slots=True)
class Refused:
    """They will not do it; ``reason`` in their words. ``sure``: they have not done it at an earlier try either."""

    reason: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Done:
    """They did it, and nothing new came of it."""
