"""Our task as a CRM shows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

OPEN, DONE, CLOSED = "open", "done", "closed"
GONE = "gone"  # it was there, and is not any more: nothing is written about it again
OWN_KEY = "of_taskhub"  # of their task: the id of ours, where they have a field for it
WRITE, FIND, HAND, FINISH, CLOSE, REOPEN = "write", "find", "hand", "finish", "close", "reopen"


@dataclass(frozen=True, slots=True)
class Binding:
    """One task in one CRM.

    ``wanted`` and ``wanted_owner`` (their id, None: as it is) say how it is to stand there, ``shown`` and ``owner`` how
    it does, ``theirs`` under which id. ``busy``: a delivery is under way; ``tried_at``: it may have been written since;
    ``reopened_at``: we have opened it again there, what is older than that does not end it.
    """

    connection: str
    task: str
    wanted: str
    at: datetime
    theirs: str | None = None
    wanted_owner: str | None = None
    reason: str | None = None
    shown: str | None = None
    owner: str | None = None
    busy: bool = False
    tried_at: datetime | None = None
    reopened_at: datetime | None = None


class Wanted(NamedTuple):
    """How a task is to stand over there."""

    state: str
    owner: str | None = None
    reason: str | None = None


class Shown(NamedTuple):
    """How it stands over there after a step; ``new``: only now do we know under which id.

    ``reopened``: the step itself has opened what had ended.
    """

    theirs: str | None
    state: str
    owner: str | None = None
    new: bool = False
    reopened: bool = False
