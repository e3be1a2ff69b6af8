"""Questions: an agent asks about a task, the rep finds it in their list, and the answer wakes the task."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query

from taskhub.access import service as access
from taskhub.access.permissions import Caller, reaches_all
from taskhub.acts import asking
from taskhub.api import queries, seen, shown, shown_questions
from taskhub.api.bodies import Call
from taskhub.api.question_bodies import Answer, Ask, PassOn
from taskhub.db.tx import Tx
from taskhub.http import paging
from taskhub.http.edge import act, look
from taskhub.http.inputs import Id, KeyText
from taskhub.http.paging import Cursor, Limit
from taskhub.http.route import router
from taskhub.tasks.model import Task
from taskhub.tasks.questions import service as questions
from taskhub.tasks.questions.model import Question

routes = router("questions")
READ, ANSWER, WORK = "question.read", "question.answer", "task.work"
State = Annotated[Literal["open", "answered", "withdrawn", "lapsed", "any"], Query()]
Named = Annotated[KeyText | None, Query()]


@routes.post("/tasks/{id}/ask")
@act(WORK, "task.ask")
def ask(tx: Tx, id: Id, body: Ask) -> dict[str, Any]:
    """Asks whoever knows the customer; the task waits for the answer, with its person."""
    seen.task(tx, id, WORK)
    return _both(tx, asking.ask(tx, id, body.question, body.until, body.lease_token, body.version))


@routes.post("/tasks/{id}/withdraw-question")
@act(WORK, "task.withdraw_question")
def withdraw(tx: Tx, id: Id, body: Call = Call()) -> dict[str, Any]:  # noqa: B008
    """The answer is not needed any more; the task tops its person's list."""
    seen.task(tx, id, WORK)
    return _both(tx, asking.withdraw(tx, id, body.version))


@routes.get("/questions")
@look(READ)
def list_questions(
    tx: Tx, state: State = "open", agent: Named = None, task: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 50, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """What is asked of the caller and their team, or what they asked; the longest waiting first."""
    asked = {"state": None if state == "any" else state, "asked_of": agent, "task": task}
    wanted = {name: value for name, value in asked.items() if value is not None}
    who = access.caller(tx)
    found, following = questions.find(tx, wanted, _among(tx, who), paging.instant_after(cursor), limit)
    return paging.page(shown_questions.questions(tx, found), paging.encode(*following) if following else None)


@routes.get("/questions/{id}")
@look(READ)
def get_question(tx: Tx, id: Id) -> dict[str, Any]:
    """One question."""
    return shown_questions.question(tx, seen.question(tx, id)[0])


@routes.post("/questions/{id}/answer")
@act(ANSWER)
def answer(tx: Tx, id: Id, body: Answer) -> dict[str, Any]:
    """The answer, kept as a note on task and record; the task is woken."""
    seen.question(tx, id, ANSWER)
    task, done = asking.answer(tx, id, body.answer, body.version)
    return {"question": shown_questions.question(tx, done, task)}


@routes.post("/questions/{id}/pass")
@act(ANSWER, "question.pass")
def pass_on(tx: Tx, id: Id, body: PassOn) -> dict[str, Any]:
    """A colleague knows better: it is theirs from now on."""
    seen.question(tx, id, ANSWER)
    seen.agent(tx, body.to.agent)
    done = asking.pass_on(tx, id, body.to.agent, body.note, body.version)
    return {"question": shown_questions.question(tx, done)}


def _both(tx: Tx, done: tuple[Task, Question]) -> dict[str, Any]:
    task, one = done
    return {"task": shown.task(tx, task), "question": shown_questions.question(tx, one, task)}


def _among(tx: Tx, who: Caller) -> dict[str, list[str]] | None:
    """Whose questions a list shows: those of the caller and of teams whose work they may read. None: all."""
    if reaches_all(who, READ):
        return None
    teams = seen.teams(who) if set(who.by.roles) != {"agent"} else ()
    people = {*queries.members(tx, teams or ()), *([who.by.agent] if who.by.agent else [])}
    return {"asked_of": sorted(people), "asked_by": [who.by.label]}


def open_of(tx: Tx, task: Task) -> dict[str, Any] | None:
    """The open question about a task, as the task shows it."""
    found = questions.open_of(tx, task.id)
    return shown_questions.question(tx, found, task) if found is not None else None
