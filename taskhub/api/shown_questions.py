"""What clients get of questions: with what of the task a rep needs, who may not see the task itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskhub.api import queries
from taskhub.db.tx import Tx
from taskhub.tasks import service as tasks
from taskhub.tasks.model import Task
from taskhub.tasks.questions.model import Question

AGENT = "agent:"


def question(tx: Tx, one: Question, task: Task | None = None) -> dict[str, Any]:
    """One question."""
    return questions(tx, [one], {task.id: task} if task else None)[0]


def questions(
    tx: Tx, found: Sequence[Question], known: Mapping[str, Task] | None = None
) -> list[dict[str, Any]]:  # fmt: skip
    """Questions with the names of people; ``known``: their tasks, where somebody has read them already."""
    ids = {one.task for one in found}
    about = known or {row.id: row for row in (tasks.find(tx, {"id": sorted(ids)}, None, len(ids))[0] if ids else ())}
    people = {key for one in found for key in (one.asked_of, _key(one.asked_by), _key(one.ended_by)) if key}
    names = queries.names_of(tx, people)
    return [_question(one, about.get(one.task), names) for one in found]


def brief(one: Question, names: Mapping[str, str]) -> dict[str, Any]:
    """What stands with its task in the file of a deal."""
    return {
        "id": one.id, "state": one.state, "question": one.text, "asked_by": one.asked_by,
        "asked_by_name": names.get(_key(one.asked_by)), "asked_of": one.asked_of,
        "asked_of_name": names.get(one.asked_of or ""), "asked_at": one.asked_at, "answer": one.answer,
        "ended_at": one.ended_at, "ended_by": one.ended_by, "note": one.note,
    }  # fmt: skip


def _question(one: Question, task: Task | None, names: Mapping[str, str]) -> dict[str, Any]:
    about = {"id": one.task, **({"title": task.title, "kind": task.kind, "state": task.state} if task else {})}
    more = {"task": about, "deal": task.deal if task else None, "lead": task.lead if task else None}
    passed = [dict(step) for step in one.passed]
    return {
        **brief(one, names), **more, "record": one.record, "instead_of": one.instead_of, "because": one.because,
        "passed": passed, "version": one.version,
    }  # fmt: skip


def _key(label: str | None) -> str:
    return (label or "").removeprefix(AGENT)
