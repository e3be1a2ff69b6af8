"""An agent asks whoever knows the customer; the answer hangs on task and record, and the task is woken with it."""

from __future__ import annotations

from datetime import datetime

from taskhub.db.interruption import Interrupted
from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef
from taskhub.notes import model as writing
from taskhub.notes import service as notes
from taskhub.sales import service as sales
from taskhub.sales.duplicates import merges
from taskhub.tasks import service as tasks
from taskhub.tasks.model import Task
from taskhub.tasks.questions import model
from taskhub.tasks.questions import service as questions
from taskhub.tasks.questions.model import Asked, Question

OF_SALES = ("lead", "deal", "account", "contact")


def ask(
    tx: Tx, task_id: str, text: str, until: datetime | None = None, token: int | None = None,
    version: int | None = None,
) -> tuple[Task, Question]:  # fmt: skip
    """The owner of the task's deal, else of its lead or record, is asked; without one whoever answers for the team."""
    model.checked(text)
    task = tasks.get(tx, task_id)
    ref = about(task)
    of = questions.to_whom(tx, _owner(tx, ref), tx.by.agent)
    return questions.ask(tx, task_id, Asked(of, str(ref) if ref else None, text, until), token, version)


def answer(tx: Tx, question_id: str, text: str, version: int | None = None) -> tuple[Task, Question]:
    """The answer is a note on task and record, and wakes the task. Raises Conflict once the question has ended."""
    record = questions.get(tx, question_id).record
    on = _held(tx, record) if record is not None else ()  # before the task, as everywhere
    task, one = questions.lock(tx, question_id, version)
    draft = writing.drafted(text, question=one.id)
    note = notes.add(tx, [f"task:{task.id}", *on], draft)
    done = questions.answered(tx, task, one, text, note.id)
    tx.inverse = None  # it was read by now
    return done


def _held(tx: Tx, record: str) -> tuple[str, ...]:
    """The record, and the one it was merged into, locked in one order."""
    ref = merges.ref_of(record)
    found = sorted({ref, merges.current(tx, ref)})
    for one in found:
        sales.locked(tx, one)
    if merges.current(tx, ref) not in found:
        raise Interrupted("A record was merged at this very moment. Try again.", lost=False)
    return tuple(map(str, found))


def withdraw(tx: Tx, task_id: str, version: int | None = None) -> tuple[Task, Question]:
    """The answer is not needed any more."""
    return questions.withdraw(tx, task_id, version)


def unask(tx: Tx, task_id: str) -> Task:
    """Undo of a question that nobody has answered: its person is back at work."""
    questions.withdraw(tx, task_id)
    return tasks.resume(tx, task_id)[0]


def pass_on(tx: Tx, question_id: str, to: str, note: str | None = None, version: int | None = None) -> Question:
    """A colleague is asked instead."""
    if note is not None:
        model.checked(note, "note")
    return questions.pass_on(tx, question_id, to, note, version)


def about(task: Task) -> RecordRef | None:
    """The record whose owner is asked about a task."""
    if task.deal:
        return RecordRef("deal", task.deal)
    if task.lead:
        return RecordRef("lead", task.lead)
    noun, _, id_ = (task.record or "").partition(":")
    return RecordRef(noun, id_) if noun in OF_SALES and id_ else None


def _owner(tx: Tx, ref: RecordRef | None) -> str | None:
    """Whose it is; a deal without an owner, or one nobody knows of, is asked about where it came from."""
    fields = sales.known_of(tx, ref)
    for noun in (ref.noun, "lead", "account", "contact") if ref else ():
        owner = fields.get(noun, {}).get("owner")
        if isinstance(owner, str) and owner:
            return owner
    return None
