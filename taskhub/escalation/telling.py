"""Tells people and channels of a task, one notice each whoever asked, and says who was told instead of whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from taskhub.db.tx import Tx
from taskhub.escalation import addressing, effects, notices
from taskhub.escalation.addressing import Directory, Told
from taskhub.escalation.notices import Case, Reader
from taskhub.escalation.notifications.model import INFO, LATE, URGENT, Notice
from taskhub.escalation.notifications.tell import tell
from taskhub.escalation.people import concern_of, directory_of
from taskhub.policy.text import LocalText
from taskhub.tasks import moves
from taskhub.tasks.model import Task

Done = dict[str, Any]


def step(
    tx: Tx, task: Task, notify: Sequence[str], done: Done, *, urgent: bool, start_by: datetime | None = None
) -> list[Done]:
    """A step says that the task is late, or will be. Returns who was told, for the record.

    ``start_by``: the step is about its start, which was promised by then.
    """
    due = start_by or task.due_at
    is_late = due is not None and due <= tx.now
    return _notify(tx, task, notify, done, ("step", URGENT if urgent else LATE if is_late else INFO), start_by)


def set_aside(tx: Tx, task: Task) -> list[Done]:
    """The leader hears of work that was put aside and not taken up again."""
    return _notify(tx, task, ("leader",), {}, ("held", LATE))


def _notify(
    tx: Tx, task: Task, notify: Sequence[str], done: Done, of: tuple[str, str], start_by: datetime | None = None
) -> list[Done]:
    between = [key for key in effects.hands(done) if key]
    if not notify and not between:
        return []
    concern = concern_of(tx, task)
    directory = directory_of(tx, concern, [*notify, *(f"agent:{key}" for key in between)])
    case = replace(_case(tx, task, done, directory, is_held=of[0] == "held"), start_by=start_by)
    found = addressing.tell(notify, concern, directory)
    sent: dict[tuple[str | None, str | None], str] = {}
    said: list[Done] = []
    for told in [*found, *addressing.handed(between, found, directory)]:
        to = (told.agent, told.url)
        if to not in sent:
            sent[to] = tell(tx, _notice(task, told, directory, case, _hand(told, done), of))
        facts = {"asked": told.asked, "agent": told.agent, "instead_of": told.instead_of, "because": told.because}
        said.append({name: value for name, value in facts.items() if value} | {"notification": sent[to]})
    return said


def _hand(told: Told, done: Done) -> str | None:
    """Whether the reader has got the task by this, or lost it to another person."""
    to, was = effects.hands(done)
    if to is None or told.agent is None:
        return None
    return "to_you" if told.agent == to else "from_you" if told.agent == was else None


def _notice(task: Task, told: Told, directory: Directory, case: Case, hand: str | None, of: tuple[str, str]) -> Notice:
    person = directory.people.get(told.agent or "")
    reader = Reader(because=told.because)
    if person is not None:
        reader = Reader(person.language, person.time_zone, _name(directory, told.instead_of), told.because, hand)
    if hand == "to_you" and task.sla_state in moves.LATE:
        # In their list it stands with other work that came to them late.
        of = "given_late", LATE if of[1] == INFO else of[1]
    subject, body = notices.write(case, reader)
    return Notice(*of, subject, body, told.agent, told.url, person.email if person else None, task.id)


def _case(tx: Tx, task: Task, done: Done, directory: Directory, *, is_held: bool) -> Case:
    kind, queue = tx.policies.kinds.get(task.kind), tx.policies.queues.get(task.queue)
    raised, moved = done.get("raised", {}), done.get("reassigned", {})
    return Case(
        task=task.id,
        title=task.title,
        kind=kind.name if kind else LocalText(task.kind),
        queue=queue.name if queue else LocalText(task.queue),
        due_at=task.due_at,
        now=tx.now,
        holder=_name(directory, task.agent),
        held=is_held,
        raised_to=raised.get("to") if raised.get("to") != raised.get("from") else None,
        moved_to=None if moved.get("kept") else _name(directory, moved.get("to")),
        widened=tuple(done.get("widened", {}).get("teams", ())),
    )


def _name(directory: Directory, key: str | None) -> str | None:
    person = directory.people.get(key or "")
    return person.name if person else key
