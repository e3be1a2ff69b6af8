"""Acknowledging stops a ladder for as long as the task stays in the hands it is in; who and when stand on record."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from taskhub.policy.promise import Step
from taskhub.tasks import service as tasks
from tests.service.climb import DUE, HOUR, MONDAY, TUESDAY, Desk, person, policies

LADDER = (
    Step(at_fraction=0.5, notify=("agent",)),
    Step(at_fraction=1.0, notify=("leader",)),
    Step(overdue_for=2 * HOUR, notify=("agent",), repeat_every=2 * HOUR),
    Step(overdue_for=7 * HOUR, notify=("leader",), reassign="queue"),
)
WEDNESDAY = TUESDAY + 24 * HOUR


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    one = Desk(database_url, policies(LADDER, timedelta(days=90)))
    yield one
    one.db.close()


def acknowledged(desk: Desk, *, started: bool = False) -> str:
    made = desk.new("ana", started=started)
    desk.pass_to(MONDAY + 5 * HOUR)
    with desk.at(by=person("ana")) as tx:
        tasks.acknowledge(tx, made)
    return made


def token(desk: Desk, made: str) -> int:
    with desk.at() as tx:
        return tasks.leases(tx, [tasks.get(tx, made)])[made].token


def test_who_and_when_stand_on_the_task_and_nothing_fires(desk: Desk) -> None:
    made = acknowledged(desk)
    task = desk.task(made)
    assert (task.acknowledged_by, task.acknowledged_at) == ("ana", MONDAY + 5 * HOUR)
    desk.pass_to(WEDNESDAY)
    assert (len(desk.fired(made)), desk.timer()) == (1, None)


def _hand_over(desk: Desk, made: str) -> None:
    held = token(desk, made)
    with desk.at(by=person("ana")) as tx:
        tasks.hand_over(tx, made, "ben", None, held)


def _release(desk: Desk, made: str) -> None:
    held = token(desk, made)
    with desk.at(by=person("ana")) as tx:
        tasks.release(tx, made, "ill", held)


def _reopen(desk: Desk, made: str) -> None:
    held = token(desk, made)
    with desk.at(by=person("ana")) as tx:
        tasks.complete(tx, made, held)
    with desk.at(by=person("ana")) as tx:
        tasks.reopen(tx, made, "not right")


@pytest.mark.parametrize("change", [_hand_over, _release, _reopen])
def test_it_goes_on_when_the_work_changes_hands_or_is_opened_again(
    desk: Desk, change: Callable[[Desk, str], None]
) -> None:
    """What fell due meanwhile is passed over; what repeats finds its rhythm again."""
    made = acknowledged(desk, started=True)
    desk.pass_to(TUESDAY + 3 * HOUR)
    change(desk, made)
    task = desk.task(made)
    assert (task.acknowledged_by, task.acknowledged_at, task.ladder_from) == (None, None, TUESDAY + 3 * HOUR)
    desk.pass_to(TUESDAY + 8 * HOUR)
    fired = [(step, repetition, at) for step, repetition, at in desk.fired(made)[1:]]
    assert fired == [
        (2, 0, TUESDAY + 4 * HOUR), (2, 1, TUESDAY + 6 * HOUR), (3, 0, TUESDAY + 7 * HOUR), (2, 2, TUESDAY + 8 * HOUR),
    ]  # fmt: skip


def test_what_comes_to_a_waiting_task_leaves_it_acknowledged(desk: Desk) -> None:
    made = desk.new()
    desk.pass_to(MONDAY + 5 * HOUR)
    from taskhub.db.tx import By

    with desk.at(by=By("key:boss", role="admin", roles=("admin",))) as tx:
        tasks.acknowledge(tx, made)
    with desk.at() as tx:
        tasks.assign(tx, made, "ana")
    assert desk.task(made).acknowledged_by == "key:boss"
    desk.pass_to(WEDNESDAY)
    assert len(desk.fired(made)) == 1


def test_taken_back_it_was_a_mistake_and_all_that_is_due_fires(desk: Desk) -> None:
    made = acknowledged(desk)
    desk.pass_to(DUE + timedelta(minutes=5))
    with desk.at(by=person("ana")) as tx:
        tasks.unacknowledge(tx, made)
    assert desk.task(made).acknowledged_at is None
    desk.pass_to(DUE + timedelta(minutes=5))
    assert [step for step, _, _ in desk.fired(made)] == [0, 1]
