"""How a task is to stand in a CRM, and the next step that brings it there."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from taskhub.connectors.asking import orders
from taskhub.connectors.write_back import model, plan
from taskhub.connectors.write_back.model import CLOSED, DONE, GONE, OPEN, Binding, Wanted
from taskhub.policy.policies import Connection
from taskhub.policy.text import LocalText
from taskhub.tasks.model import STATES, Task
from taskhub.testing.clock import MONDAY

BLANK = Binding("crm", "t", OPEN, MONDAY)
THERE = replace(BLANK, theirs="7", shown=OPEN, owner="1")


def task(state: str, **facts: Any) -> Task:
    blank = dict.fromkeys(Task.__slots__)
    return Task(**{**blank, "id": "t", "state": state, **facts})  # type: ignore[arg-type]


def wanted(state: str, before: Binding | None = None, mode: str = "assigned", **facts: Any) -> Wanted | None:
    held_back = facts.pop("held_back", False)
    return plan.wanted(task(state, **facts), mode, before, "1", held_back=held_back)


@pytest.mark.parametrize(
    ("state", "facts", "mode", "expected"),
    [
        ("queued", {}, "assigned", None),
        ("assigned", {"agent": "sue"}, "assigned", Wanted(OPEN, "1")),
        ("assigned", {"agent": "sue"}, "done", None),
        ("completed", {"completed_by": "sue"}, "done", Wanted(DONE, "1")),
        ("completed", {"completed_by": "sue", "held_back": True}, "done", None),
        ("completed", {}, "assigned", None),  # a rule has ended what nobody had
        ("cancelled", {"outcome": "lost"}, "assigned", None),
    ],
)
def test_of_what_is_not_there(state: str, facts: dict[str, Any], mode: str, expected: Wanted | None) -> None:
    assert wanted(state, None, mode, **facts) == expected


@pytest.mark.parametrize("before", [THERE, replace(BLANK, tried_at=MONDAY)])
def test_of_what_is_there_or_may_be(before: Binding) -> None:
    assert wanted("queued", before) == Wanted(OPEN, "1")
    assert wanted("completed", before) == Wanted(DONE, "1")
    assert wanted("completed", before, held_back=True) == Wanted(OPEN, "1")
    assert wanted("cancelled", before, outcome="lost") == Wanted(CLOSED, reason="lost")


@pytest.mark.parametrize(
    ("now", "step"),
    [
        (BLANK, model.WRITE),
        (replace(BLANK, wanted=DONE), model.WRITE),
        (replace(BLANK, wanted=CLOSED), None),
        (replace(BLANK, wanted=CLOSED, tried_at=MONDAY), model.FIND),
        (THERE, None),
        (replace(THERE, wanted_owner="2"), model.HAND),
        (replace(THERE, wanted=DONE, wanted_owner="2"), model.FINISH),
        (replace(THERE, shown=DONE), model.REOPEN),
        (replace(THERE, shown=GONE, wanted=DONE), None),
    ],
)
def test_the_next_step(now: Binding, step: str | None) -> None:
    assert plan.next_step(now) == step


def test_every_way_ends_where_it_is_wanted() -> None:
    """Whatever stands there and whatever is wanted: a few steps, then nothing more to do."""
    for shown, goal, owner in product((None, OPEN, DONE, CLOSED), (OPEN, DONE, CLOSED), (None, "1", "2")):
        now = replace(BLANK, wanted=goal, wanted_owner=owner, shown=shown, theirs="7" if shown else None)
        for _ in range(4):
            step = plan.next_step(now)
            if step is None:
                break
            now = _taken(now, step)
        assert plan.next_step(now) is None
        assert now.shown == goal or (shown is None and goal == CLOSED)


def _taken(now: Binding, step: str) -> Binding:
    after = {model.WRITE: OPEN, model.HAND: OPEN, model.FINISH: DONE, model.CLOSE: CLOSED, model.REOPEN: OPEN}
    return replace(now, theirs="7", shown=after[step], owner=now.wanted_owner or now.owner)


def test_states_are_all_thought_of() -> None:
    for state, mode in product(STATES, ("assigned", "done")):
        found = wanted(state, THERE, mode)
        assert found is not None
        assert found.state in (OPEN, DONE, CLOSED)


def connection(system: str, **settings: Any) -> Connection:
    return Connection("crm", system, LocalText("CRM"), settings=settings, stages={"deal": {"3": "offer", "4": "offer"}})


@pytest.mark.parametrize(
    ("system", "settings", "noun", "word"),
    [
        ("pipedrive", {}, "deal", "price"),
        ("pipedrive", {}, "lead", ""),
        ("pipedrive", {"lead_lost_when_archived": False}, "lead", None),
        ("pipedrive", {"lead_lost_when_archived": False, "lost_labels": {"L1": "price"}}, "lead", "L1"),
        ("salesforce", {"lost_reasons": {"deal": {"Too dear": "price"}}}, "deal", "Too dear"),
        ("salesforce", {}, "lead", "price"),
        ("dynamics", {"lost_reasons": {"lead": {"5": "no_answer", "7": "price"}}}, "lead", "7"),
        ("dynamics", {}, "deal", "4"),
    ],
)
def test_a_reason_in_their_words(system: str, settings: dict[str, Any], noun: str, word: str | None) -> None:
    assert orders.their_reason(connection(system, **settings), noun, "price") == word


def test_ids_of_others_are_not_said() -> None:
    assert [orders.theirs("crm", one) for one in ("crm:7", "crm2:7", "7", None, 7)] == ["7", None, None, None, None]
    assert orders.their_stage(connection("pipedrive"), "offer") == "3"
