"""Somebody leaves: previewed, then in one transaction. What they held, planned and could open goes with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskhub.acts import lending as lends
from taskhub.agents import leaving as agents
from taskhub.agents import service as people
from taskhub.agents.model import Absence, Agent
from taskhub.assignment import cover
from taskhub.assignment import leaving as assignment
from taskhub.assignment.cover import Cover
from taskhub.assignment.leaving import Move
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput, TaskhubError
from taskhub.queues import lending
from taskhub.queues.model import Lending, flat
from taskhub.tasks import leaving as tasks
from taskhub.tasks.questions import service as questions
from taskhub.tasks.questions.model import Question


@dataclass(frozen=True, slots=True)
class Leaving:
    """Everything that moves, ends or is left open when a person leaves."""

    agent: Agent
    moves: list[Move]
    few: list[Cover]
    loans: list[Lending]
    absences: list[Absence]
    duties: list[dict[str, Any]]
    references: list[dict[str, str]]
    questions: list[tuple[Question, str | None]]


def preview(tx: Tx, key: str, to: str | None = None) -> Leaving:
    """What ``leave`` would do now. Raises what it would raise."""
    return _look(tx, key, to, lock=False)


def _look(tx: Tx, key: str, to: str | None, *, lock: bool) -> Leaving:
    person = agents.present(tx, key)
    if to == key:
        raise InvalidInput("Name somebody else.", errors=[{"path": "to.agent", "message": "is the person who leaves"}])
    return Leaving(
        person, assignment.plan(tx, key, to, lock=lock), cover.without(tx, key, tx.now, None),
        lending.of_agent(tx, key), people.absences(tx, key), agents.duties(tx, key), agents.references(tx, key),
        questions.going_on(tx, key, to, lock=lock),
    )  # fmt: skip


def leave(tx: Tx, key: str, to: str | None = None, note: str | None = None) -> Leaving:
    """Hands over, ends and closes everything of the person at once; undone while nobody has touched any of it."""
    agents.lock(tx, {key, *([to] if to else [])})
    found = _look(tx, key, to, lock=True)
    was = agents.leave(tx, found.agent, {"tasks": len(found.moves), "to": to})
    assignment.carry_out(tx, found.moves, note)
    for loan in found.loans:
        lending.end(tx, key, loan.id)
    asked = questions.hand_on(tx, found.questions, note)
    moved = {move.task.id: move.to for move in found.moves}
    lent = [flat(loan) for loan in found.loans]
    tx.inverse = {"op": "come_back", "agent": key, "tasks": moved, "lent": lent, "questions": asked, **was}
    return found


def come_back(tx: Tx, inverse: Mapping[str, Any]) -> Agent:
    """Undo: the person is back, with what nobody has begun since, and lent as they were.

    A loan that may no longer be (over, the queue closed, another in its place) stays ended, and history says so.
    """
    key = inverse["agent"]
    agents.lock(tx, {key, *[to for to in inverse["tasks"].values() if to]})
    person = agents.come_back(tx, key, inverse)
    tasks.give_back(tx, key, inverse["tasks"])
    questions.give_back(tx, key, inverse.get("questions", {}))
    for row in inverse.get("lent", ()):
        try:
            lends.again(tx, row)
        except TaskhubError as refused:
            tx.record("loan", row["id"], "not_lent_again", {"agent": key, "why": refused.stable_code})
    return person
