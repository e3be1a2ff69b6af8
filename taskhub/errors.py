"""Every error taskhub raises on purpose, in one tree.

TaskhubError
├── NotFound            the object does not exist, or the caller may not know that it does
├── Conflict            the state of the world forbids it now
│   ├── AlreadyClaimed · LeaseLost · InvalidTransition · VersionClash · AtCapacity · AlreadyDone · DeliveryClash
├── Refused             the caller may not
│   ├── NotEligible · Forbidden · Unauthenticated
├── InvalidInput        what was sent cannot be read or is out of range
│   └── KeyReused
├── PolicyError         a policy set is refused; lists every problem
└── Unavailable         try again later (``retry_after`` seconds)
    └── OutcomeUnknown  another system may have done it or not: look before trying again

``code`` is stable and public, ``fields`` are facts a program can use. HTTP statuses live in taskhub.http.problems.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


class TaskhubError(Exception):
    """Root of the tree. ``message`` says what happened and what to do next."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields
        self._code = code

    @property
    def stable_code(self) -> str:
        """The public code of this very error."""
        return self._code or self.code


class NotFound(TaskhubError):
    code = "not_found"


class Conflict(TaskhubError):
    code = "conflict"


class AlreadyClaimed(Conflict):
    code = "already_claimed"


class LeaseLost(Conflict):
    code = "lease_lost"


class InvalidTransition(Conflict):
    code = "invalid_transition"


class VersionClash(Conflict):
    code = "version_clash"


class AtCapacity(Conflict):
    code = "at_capacity"


class AlreadyDone(Conflict):
    code = "already_done"


class DeliveryClash(Conflict):
    code = "event_id_reused"


class Refused(TaskhubError):
    code = "refused"


class NotEligible(Refused):
    code = "not_eligible"


class Forbidden(Refused):
    code = "forbidden"


class Unauthenticated(Refused):
    code = "unauthenticated"


class InvalidInput(TaskhubError):
    code = "invalid_input"


class KeyReused(InvalidInput):
    code = "idempotency_key_reused"


class Unavailable(TaskhubError):
    code = "unavailable"

    def __init__(self, message: str, *, retry_after: float = 1.0, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.retry_after = retry_after


class OutcomeUnknown(Unavailable):
    code = "outcome_unknown"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a policy set.

    ``file`` and ``line`` (from 1, 0 = unknown) say where, ``key`` is the dotted path (empty: the whole file),
    ``suggestion`` the nearest valid name.
    """

    file: str
    line: int
    key: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        hint = f" Did you mean {self.suggestion!r}?" if self.suggestion else ""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(filter(None, (place, self.key, f"{self.message}{hint}")))


class PolicyError(TaskhubError):
    """A policy set is refused as a whole; ``problems`` lists everything wrong with it."""

    code = "policy_refused"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)), problems=[str(p) for p in self.problems])
