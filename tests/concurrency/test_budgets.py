"""What one person may do so often, or keep so many of, holds also when their tabs do it in the same moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from taskhub.errors import AtCapacity, Conflict, TaskhubError
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.concurrency.test_capacity import together
from tests.service.desk import Desk

TABS, BUDGET, MOST = 12, 3, 4
ROUNDS = 5


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    queue = org.queue("desk", mode="pull", calendar="always", skip_budget=BUDGET)
    kinds = [Kind("desk", LocalText("Desk"), "desk")]
    made = Desk(database_url, org.policies(queues=[queue], kinds=kinds, max_paused=MOST))
    made.staff("specialists", *[f"ana{n}" for n in range(ROUNDS)], capacity=TABS)
    yield made
    made.db.close()


def held(desk: Desk, who: str) -> list[tuple[str, int]]:
    return [desk.started(who, "desk") for _ in range(TABS)]


def raced(desk: Desk, who: str, act: str, call: Any) -> Counter[str]:
    """Every task of the person, each in a tab of its own: how often it was done, or why not."""
    mine = held(desk, who)

    def tab(number: int) -> str:
        try:
            with desk.as_(who, act) as tx:
                call(tx, *mine[number])
        except TaskhubError as refused:
            return refused.stable_code
        return "done"

    return Counter(together(tab, TABS))


def test_there_are_never_more_skips_than_the_budget(desk: Desk) -> None:
    for n in range(ROUNDS):
        found = raced(desk, f"ana{n}", "task.skip", lambda tx, id_, token: tasks.skip(tx, id_, "later", token))
        assert found == {"done": BUDGET, "skip_budget_used": TABS - BUDGET}


def test_there_are_never_more_paused_tasks_than_one_person_may_keep(desk: Desk) -> None:
    def pause(tx: Any, id_: str, token: int) -> None:
        tasks.pause(tx, id_, "waiting_customer", token=token)

    for n in range(ROUNDS):
        found = raced(desk, f"ana{n}", "task.pause", pause)
        assert found == {"done": MOST, "too_many_paused": TABS - MOST}


def test_who_keeps_too_many_paused_is_told_what_to_take_up(desk: Desk) -> None:
    mine = held(desk, "ana0")
    for id_, token in mine[:MOST]:
        desk.do("ana0", tasks.pause, id_, "waiting_customer", None, token)
        desk.clock.forward(minutes=1)
    id_, token = mine[MOST]
    with pytest.raises(AtCapacity) as full:
        desk.do("ana0", tasks.pause, id_, "waiting_customer", None, token)
    fields = full.value.fields
    assert (full.value.stable_code, fields["paused"], fields["max_paused"]) == ("too_many_paused", MOST, MOST)
    assert [one["id"] for one in fields["could_resume"]] == [one for one, _ in mine[:MOST]]
    assert desk.task(id_).state == "in_progress"
    first = mine[0][0]
    token_again = desk.do("ana0", tasks.resume, first)[1].token
    desk.do("ana0", tasks.complete, first, token_again)
    desk.do("ana0", tasks.pause, id_, "waiting_customer", None, token)
    assert desk.task(id_).state == "paused"


def test_a_queue_without_a_budget_lets_everybody_skip(sqlite_url: str) -> None:
    desk = Desk(sqlite_url, org.policies(queues=[org.queue("desk", mode="pull", calendar="always")],
                                         kinds=[Kind("desk", LocalText("Desk"), "desk")]))  # fmt: skip
    desk.staff("specialists", "ana0", capacity=TABS)
    found = raced(desk, "ana0", "task.skip", lambda tx, id_, token: tasks.skip(tx, id_, "later", token))
    assert found == {"done": TABS}
    desk.db.close()


def test_the_budget_counts_skips_of_that_queue_alone(desk: Desk) -> None:
    mine = held(desk, "ana0")
    for id_, token in mine[:BUDGET]:
        with desk.as_("ana0", "task.skip") as tx:
            tasks.skip(tx, id_, "later", token)
    with pytest.raises(Conflict):
        desk.do("ana0", tasks.skip, mine[BUDGET][0], "later", mine[BUDGET][1])
