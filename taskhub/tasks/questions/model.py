"""A question and what may be done with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from taskhub.errors import Conflict, InvalidInput, VersionClash
from taskhub.events.times import written
from taskhub.tasks.questions.whom import Whom

OPEN, ANSWERED, WITHDRAWN, LAPSED = "open", "answered", "withdrawn", "lapsed"
STATES = (OPEN, ANSWERED, WITHDRAWN, LAPSED)
LONGEST = 5_000


@dataclass(frozen=True, slots=True)
class Question:
    """``asked_by`` is a label ("agent:zoe"), ``asked_of`` a person's key, None where there was nobody left to ask.

    ``instead_of`` and ``because``: whom it was meant for, and why it went to somebody else. ``lapsed``: the task was
    completed or cancelled before anybody answered. ``passed``: who had it before, each {of, at, by, note}.
    """

    id: str
    task: str
    asked_by: str
    state: str
    record: str | None
    asked_of: str | None
    instead_of: str | None
    because: str | None
    text: str
    asked_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    note: str | None
    answer: str | None
    passed: Sequence[Mapping[str, Any]]
    version: int


class Asked(NamedTuple):
    """What is about to be asked: of whom, about which record (noun:id), and how long the task waits at most."""

    of: Whom
    record: str | None
    text: str
    until: datetime | None = None


def checked(text: str, name: str = "question", longest: int = LONGEST) -> str:
    """The text as it came. Raises InvalidInput where it says nothing or too much."""
    fault = None
    if not text.strip():
        fault = "is empty: say something"
    elif len(text) > longest:
        fault = f"has {len(text)} characters; {longest} are the most"
    if fault is not None:
        raise InvalidInput(f"{name} {fault}.", errors=[{"path": name, "message": fault}])
    return text


def refuse_ended(one: Question, version: int | None = None) -> None:
    """Raises Conflict for a question that is open no more, VersionClash where it has changed."""
    if one.state != OPEN:
        why = {ANSWERED: f"answered by {one.ended_by}", WITHDRAWN: f"withdrawn by {one.ended_by}"}
        said = why.get(one.state, "done with: its task is")
        raise Conflict(
            f"This question is {said}{' closed' if one.state == LAPSED else ''}. Nothing was changed.",
            code="question_closed", state=one.state, ended_by=one.ended_by,
            ended_at=written(one.ended_at) if one.ended_at else None,
        )  # fmt: skip
    if version is not None and version != one.version:
        raise VersionClash(
            f"The question has changed: it is at version {one.version}, you sent {version}. Read it again.",
            version=one.version,
        )


def refuse_second(open_: Question | None) -> None:
    """Raises Conflict while another question about the task is open: a rep has one thing to answer, not five."""
    if open_ is not None:
        raise Conflict(
            f"A question about this task is open with {open_.asked_of or 'nobody'}: wait for the answer, or withdraw "
            "it and ask anew.",
            code="question_open", question=open_.id, asked_of=open_.asked_of, asked_at=written(open_.asked_at),
        )  # fmt: skip


def handed(one: Question, at: datetime, by: str, note: str | None) -> list[dict[str, Any]]:
    """``passed`` once it goes on from whoever has it."""
    return [*map(dict, one.passed), {"of": one.asked_of, "at": at.isoformat(), "by": by, "note": note}]
