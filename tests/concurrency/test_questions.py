"""Answer, withdrawal and the end of a task at once: one comes first, and the others are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from taskhub.acts import asking, selling
from taskhub.assignment import service as assignment
from taskhub.db.database import Database
from taskhub.db.tables_notes import note, note_on, question
from taskhub.db.tx import By
from taskhub.errors import Conflict, LeaseLost
from taskhub.tasks import making
from taskhub.tasks import service as tasks
from taskhub.tasks.model import NewTask
from taskhub.testing import organisation as org
from taskhub.testing.drain import drain

ROB = By("agent:rob", "rep", "rob", "sales", ("rep",))
ROUNDS = 6


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    made = org.database(database_url, org.policies(), pool=12)
    with made.begin(org.ADMIN) as tx:
        org.people(tx, "sales", ["rob", "ria"], "front_line", roles=["rep"])
        org.people(tx, "specialists", ["zoe"], capacity=100)
    yield made
    made.close()


def asked(db: Database) -> tuple[str, str]:
    """A task that waits for Rob: its id and that of the question."""
    with db.begin(ROB, act="lead.create") as tx:
        lead = selling.create(tx, "lead", {"name": "Ann Roux"}).ref.id
    with db.begin() as tx:
        (task,) = making.make(tx, [NewTask("contract", "Contract", record=f"lead:{lead}", lead=lead)])
    with db.begin(org.ADMIN, act="task.assign") as tx:
        assignment.assign(tx, task, "zoe")
    with db.begin(org.as_agent("zoe"), act="task.start") as tx:
        token = tasks.start(tx, task)[1].token
    with db.begin(org.as_agent("zoe"), act="task.ask") as tx:
        return task, asking.ask(tx, task, "Which?", token=token)[1].id


def at_once(*acts: Callable[[], object]) -> list[str]:
    """What came of each: ok, or the code it was refused with."""
    start = threading.Barrier(len(acts))

    def one(act: Callable[[], object]) -> str:
        start.wait()
        try:
            act()
        except (Conflict, LeaseLost) as refused:
            return refused.stable_code
        return "ok"

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def answer(db: Database, id_: str) -> None:
    with db.begin(ROB, act="question.answer") as tx:
        asking.answer(tx, id_, "Lyon")


def withdraw(db: Database, task: str) -> None:
    with db.begin(org.as_agent("zoe"), act="task.withdraw_question") as tx:
        asking.withdraw(tx, task)


def complete(db: Database, task: str) -> None:
    with db.begin(org.as_agent("zoe"), act="task.resume") as tx:
        token = tasks.resume(tx, task)[1].token
    with db.begin(org.as_agent("zoe"), act="task.complete") as tx:
        tasks.complete(tx, task, token)


def cancel(db: Database, task: str) -> None:
    with db.begin(org.ADMIN, act="task.cancel") as tx:
        tasks.cancel(tx, task, "not needed")


def leave(db: Database, id_: str) -> None:
    with db.begin(ROB, act="question.pass") as tx:
        asking.pass_on(tx, id_, "ria")


def state(db: Database, id_: str) -> tuple[str, int, int]:
    """The question's state, how many answers there are, and how many places they hang on."""
    with db.read() as tx:
        said = tx.conn.execute(select(question.c.state).where(question.c.id == id_)).scalar_one()
        mine = note.c.question == id_
        count = tx.conn.execute(select(func.count()).select_from(note).where(mine)).scalar_one()
        hung = select(func.count()).select_from(note_on).join(note, note.c.id == note_on.c.note).where(mine)
        return said, count, tx.conn.execute(hung).scalar_one()


def test_answer_withdrawal_and_completion_at_once(db: Database) -> None:
    seen = set()
    for _ in range(ROUNDS):
        task, id_ = asked(db)
        said = at_once(lambda i=id_: answer(db, i), lambda t=task: withdraw(db, t), lambda t=task: complete(db, t))
        ended, answers, hung = state(db, id_)
        assert said[2] == "ok"
        assert said.count("ok") <= 2, said
        assert (ended == "answered") == (said[0] == "ok")
        assert (ended == "withdrawn") == (said[1] == "ok")
        assert (answers, hung) == ((1, 2) if ended == "answered" else (0, 0))
        assert said[0] in ("ok", "question_closed")
        assert said[1] in ("ok", "no_question", "question_closed", "invalid_transition")
        seen.add(ended)
        drain(db)
        with db.read() as tx:
            assert tasks.get(tx, task).state == "completed"
    assert seen <= {"answered", "withdrawn", "lapsed"}


def test_of_many_answers_one_counts(db: Database) -> None:
    _, id_ = asked(db)
    said = at_once(*[lambda: answer(db, id_) for _ in range(8)])
    assert sorted(said) == ["ok", *["question_closed"] * 7]
    assert state(db, id_) == ("answered", 1, 2)


def test_answer_and_cancel_and_passing_on_at_once(db: Database) -> None:
    for _ in range(ROUNDS):
        task, id_ = asked(db)
        said = at_once(lambda i=id_: answer(db, i), lambda t=task: cancel(db, t), lambda i=id_: leave(db, i))
        ended, answers, _ = state(db, id_)
        assert said[1] == "ok"
        assert (ended, answers) == (("answered", 1) if said[0] == "ok" else ("lapsed", 0))
        assert {said[0], said[2]} <= {"ok", "question_closed"}


def test_of_two_questions_one_is_asked(db: Database) -> None:
    """The second finds the task paused, or the first question open."""
    with db.begin() as tx:
        (task,) = making.make(tx, [NewTask("contract", "Contract")])
    with db.begin(org.ADMIN, act="team") as tx:
        from taskhub.agents import service as agents

        agents.patch_team(tx, "specialists", {"leader": "rob"})
        assignment.assign(tx, task, "zoe")
    with db.begin(org.as_agent("zoe"), act="task.start") as tx:
        token = tasks.start(tx, task)[1].token

    def ask() -> None:
        with db.begin(org.as_agent("zoe"), act="task.ask") as tx:
            asking.ask(tx, task, "Which?", token=token)

    assert sorted(at_once(ask, ask, ask)) == ["ok", "question_open", "question_open"]
