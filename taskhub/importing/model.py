"""A file on its way in: its rows, what each would become, and what is known of a whole run. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from taskhub.events.model import RecordRef
from taskhub.sales.model import BROUGHT_IN
from taskhub.tasks.model import NewTask

LEAD, DEAL, TASK = "lead", "deal", "task"
PLURALS = {"leads": LEAD, "deals": DEAL, "tasks": TASK}
CHECKING, CHECKED, RUNNING, ENDED, UNDOING, UNDONE = "checking", "checked", "running", "ended", "undoing", "undone"
SOURCE = BROUGHT_IN


class Row(NamedTuple):
    """One row of a file. ``line``: where it begins, from 1. ``fault``: why it cannot be read; cells holds it raw."""

    line: int
    cells: list[str]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be taken in: a stable ``reason`` and what to do, in words."""

    line: int
    reason: str
    message: str


class Refusal(NamedTuple):
    """One refused row as it is kept: ``raw`` is the row as it came."""

    line: int
    reason: str
    message: str
    raw: str


@dataclass(frozen=True, slots=True)
class Party:
    """An account or contact a deal names: an ``id``, or fields by which it is found again or made."""

    noun: str
    id: str | None
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Way:
    """How far a record has come: made at ``created_at``, at its stage since ``stage_at``, ended at ``closed_at``."""

    status: str
    created_at: datetime
    stage_at: datetime | None = None
    closed_at: datetime | None = None
    lost_reason: str | None = None


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A lead or deal to be. ``parties`` are still to be found or made, ``links`` must be there."""

    line: int
    ref: RecordRef
    fields: Mapping[str, Any]
    way: Way
    parties: tuple[Party, ...] = ()
    links: tuple[RecordRef, ...] = ()


@dataclass(frozen=True, slots=True)
class NewWork:
    """An open task to be. ``agent`` holds it; ``waits_for``: why it is put aside, ``until`` when."""

    line: int
    id: str
    new: NewTask
    agent: str | None = None
    waits_for: str | None = None
    until: datetime | None = None
    links: tuple[RecordRef, ...] = ()


Judged = NewRecord | NewWork | Refused


@dataclass(frozen=True, slots=True)
class Run:
    """One file on its way in. ``counts``: rows new, known, blank, repeated, refused by reason, ``tasks`` rules make.

    ``step`` is the piece that comes next, ``mapping`` how it is read, ``preview`` the first rows as they would become.
    """

    id: str
    noun: str
    name: str
    digest: str
    state: str
    by: str
    agent: str | None
    at: datetime
    total: int
    pieces: int
    step: int
    mapping: Mapping[str, Any]
    options: Mapping[str, Any]
    counts: Mapping[str, Any]
    preview: Mapping[str, Any]
    ended_at: datetime | None = None
    undone_at: datetime | None = None
    undone_by: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """What the beginning of a file says: how it is written, its columns, the first rows and the line they begin at."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    sample: tuple[Row, ...] = field(default=(), repr=False)


def no_counts() -> dict[str, Any]:
    """Nothing so far."""
    return {"new": 0, "known": 0, "refused": {}, "tasks": 0, "accounts": 0, "contacts": 0}


def counted(counts: Mapping[str, Any], refused: Sequence[Refused], **more: int) -> dict[str, Any]:
    """``counts`` with these rows added."""
    by = dict(counts["refused"])
    for one in refused:
        by[one.reason] = by.get(one.reason, 0) + 1
    return {**counts, **{name: counts[name] + n for name, n in more.items()}, "refused": by}
