"""A question is asked, passed on, withdrawn, answered; its task waits, and is woken in the same transaction.

The question is locked behind its task, so that of an answer, a withdrawal and the end of the task one comes first and
the others are told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from taskhub.db.tx import Tx
from taskhub.errors import Conflict, NotFound
from taskhub.failpoints import failpoint
from taskhub.ids import new_id
from taskhub.policy.promise import WAITING_REP
from taskhub.tasks import checks, moves, pausing
from taskhub.tasks import store as tasks
from taskhub.tasks.model import PAUSED, Task
from taskhub.tasks.questions import model, store
from taskhub.tasks.questions.model import ANSWERED, LAPSED, OPEN, WITHDRAWN, Asked, Question
from taskhub.tasks.questions.whom import House, Whom, successor, whom

NOUN = "question"
UNSEEN = "There is no such question, or you may not see it."
ASKED, TOLD, ENDED = "question.asked", "question.answered", "question.ended"


def get(tx: Tx, id_: str) -> Question:
    """One question. Raises NotFound."""
    found = store.get(tx, id_)
    if found is None:
        raise NotFound(UNSEEN)
    return found


def open_of(tx: Tx, task_id: str) -> Question | None:
    """The open question about a task."""
    return store.open_of(tx, task_id)


def of_tasks(tx: Tx, ids: Collection[str]) -> dict[str, list[Question]]:
    """Every question about these tasks by task, oldest first."""
    found: dict[str, list[Question]] = {}
    for one in store.of_tasks(tx, ids):
        found.setdefault(one.task, []).append(one)
    return found


def find(
    tx: Tx, filters: Mapping[str, Any], seen: Mapping[str, Any] | None, cursor: tuple[datetime, str] | None, limit: int
) -> tuple[list[Question], tuple[datetime, str] | None]:
    """One page of questions, the longest waiting first, and where the next page begins."""
    found = store.find(tx, filters, seen, cursor, limit + 1)
    page = found[:limit]
    return page, (page[-1].asked_at, page[-1].id) if len(found) > limit else None


def to_whom(tx: Tx, owner: str | None, asker: str | None) -> Whom:
    """Who is to be asked, locked as is the asker. Raises Conflict where there is nobody, or just not any more."""
    named = {key for key in (owner, asker) if key}
    chosen = whom(owner, asker, store.house(tx, named))
    if chosen is None:
        raise Conflict(
            "There is nobody to ask: the record has no owner who is here, and nobody leads or manages their team. Give "
            "it an owner first.",
            code="nobody_to_ask", owner=owner,
        )  # fmt: skip
    _lock_people(tx, {chosen.agent, *([asker] if asker else [])})
    if chosen.agent not in store.house(tx, {chosen.agent}).active:
        raise Conflict(f"{chosen.agent} has just left: ask again.", code="moved_on", agent=chosen.agent)
    return chosen


def ask(
    tx: Tx, task_id: str, asked: Asked, token: int | None = None, version: int | None = None
) -> tuple[Task, Question]:  # fmt: skip
    """The task waits for the answer, with its person. People are locked already (``to_whom``)."""
    reason = checks.pause_reason(tx.policies, WAITING_REP)
    # Who presses twice has no token any more: that a question is open says more than that the lease is gone.
    moves.locked(tx, task_id)
    model.refuse_second(store.open_of(tx, task_id))
    task, _ = moves.allowed(tx, task_id, "ask", token, version)
    checks.room_to_pause(tx, task.agent or "")
    until = checks.pause_until(tx.policies, reason, asked.until, tx.now, tx.policies.calendar_of(task.queue))
    of = asked.of
    new = Question(
        new_id(), task_id, tx.by.label, OPEN, asked.record, of.agent, of.instead_of, of.because,
        model.checked(asked.text), tx.now, None, None, None, None, [], 1,
    )  # fmt: skip
    moved = pausing.put_aside(tx, task, "ask", WAITING_REP, until, {"question": new.id, "of": of.agent})
    store.add(tx, new)
    failpoint("question.stored")
    tx.record(NOUN, new.id, "ask", {"task": task_id, "of": of.agent, "record": asked.record})
    tx.emit(ASKED, new.id, {"of": of.agent})
    tx.inverse = {"op": "unask", "question": new.id, "task": task_id}
    return moved, new


def lock(tx: Tx, id_: str, version: int | None = None) -> tuple[Task, Question]:
    """An open question behind its task, both locked. Raises NotFound, VersionClash, or Conflict once it has ended."""
    task = moves.locked(tx, get(tx, id_).task)
    found = store.get(tx, id_, lock=True)
    if found is None:
        raise NotFound(UNSEEN)
    model.refuse_ended(found, version)
    return task, found


def answered(tx: Tx, task: Task, one: Question, text: str, note: str) -> tuple[Task, Question]:
    """A locked question has its answer, which hangs on the record as ``note``; the task wakes up."""
    done = _end(tx, one, "answer", {"state": ANSWERED, "answer": text, "note": note})
    failpoint("question.answered")
    woken = _wake(tx, task, "answered", one.id)
    tx.emit(TOLD, one.id)
    return woken, done


def withdraw(tx: Tx, task_id: str, version: int | None = None) -> tuple[Task, Question]:
    """The holder, or a manager, needs no answer any more: the task wakes up. Raises Conflict where nothing is asked."""
    task, _ = moves.allowed(tx, task_id, "withdraw_question", version=version)
    found = store.open_of(tx, task_id)
    if found is None:
        raise Conflict("No question about this task is open.", code="no_question")
    _, one = lock(tx, found.id)
    done = _end(tx, one, "withdraw", {"state": WITHDRAWN})
    tx.emit(ENDED, one.id, {"of": one.asked_of})
    return _wake(tx, task, "question_withdrawn", one.id), done


def pass_on(tx: Tx, id_: str, to: str, note: str | None = None, version: int | None = None) -> Question:
    """A colleague knows better: the question is theirs from now on. Raises InvalidInput or Conflict."""
    _lock_people(tx, {to})
    house = store.house(tx, {to})
    _, one = lock(tx, id_, version)
    if to not in house.active:
        raise NotFound(f"There is no active agent {to[:64]!r}.")
    if one.asked_by == f"agent:{to}":
        raise Conflict(f"{to} has asked this question.", code="asked_it", agent=to)
    if one.asked_of == to:
        raise Conflict(f"{to} has this question already.", code="nothing_to_change", agent=to)
    tx.inverse = {"op": "pass_back", "question": one.id, "to": one.asked_of} if one.asked_of else None
    return _given(tx, one, "pass", to, note)


def going_on(tx: Tx, leaver: str, to: str | None, *, lock: bool) -> list[tuple[Question, str | None]]:
    """What is open with somebody who leaves, and whose it will be; None: nobody is there to ask."""
    mine = store.open_with(tx, leaver, lock=lock)
    house = store.house(tx, {leaver, *([to] if to else [])}) if mine else House((), {}, {})
    goes_to = successor(leaver, to, house)
    # Nobody is asked what they have asked themselves.
    return [(one, None if one.asked_by == f"agent:{goes_to}" else goes_to) for one in mine]


def hand_on(tx: Tx, going: Sequence[tuple[Question, str | None]], note: str | None = None) -> dict[str, str | None]:
    """Somebody leaves: what is open with them goes on. Returns id -> to whom."""
    for one, to in going:
        _given(tx, one, "hand_on", to, note)
    return {one.id: to for one, to in going}


def give_back(tx: Tx, leaver: str, went: Mapping[str, str | None]) -> None:
    """Undo of ``hand_on``: what is still open, and still with whom it went."""
    for id_ in sorted(went):
        one = store.get(tx, id_, lock=True)
        if one is not None and one.state == OPEN and one.asked_of == went[id_]:
            _given(tx, one, "give_back", leaver, None)


def lapse(tx: Tx, task_id: str) -> None:
    """The task has ended: nobody needs the answer any more."""
    gone = store.lapse(tx, task_id)
    if gone is not None:
        tx.record(NOUN, gone, "lapse", {"state": LAPSED})
        tx.emit(ENDED, gone, {})


def _given(tx: Tx, one: Question, act: str, to: str | None, note: str | None) -> Question:
    passed = model.handed(one, tx.now, tx.by.label, note)
    changes: dict[str, Any] = {"asked_of": to, "passed": passed, "version": one.version + 1}
    store.save(tx, one.id, changes)
    tx.record(NOUN, one.id, act, {"of": [one.asked_of, to], **({"note": note} if note else {})})
    if to is not None:
        tx.emit(ASKED, one.id, {"of": to})
    return replace(one, **changes)


def _end(tx: Tx, one: Question, act: str, changes: Mapping[str, Any]) -> Question:
    ended = {**changes, "ended_at": tx.now, "ended_by": tx.by.label, "version": one.version + 1}
    store.save(tx, one.id, ended)
    tx.record(NOUN, one.id, act, {"state": changes["state"]})
    return replace(one, **ended)


def _wake(tx: Tx, task: Task, why: str, question: str) -> Task:
    """What waits for this answer waits no more; what has gone on, or waits for something else, is left as it is."""
    if task.state != PAUSED or task.paused_reason != WAITING_REP:
        return task
    holder = task.agent or ""
    if holder not in store.house(tx, {holder}).active:
        tasks.end_pause(tx, task)
        return moves.back_to_queue(tx, task, "expire", {"by_whom": task.agent, "why": why, "question": question})
    if task.paused_until is not None and task.paused_until <= tx.now:
        return task  # its time was over: it is awake
    return pausing.wake(tx, task, why, {"question": question})


def _lock_people(tx: Tx, keys: Collection[str]) -> None:
    for key in sorted(keys):
        tasks.lock_agent(tx, key)
