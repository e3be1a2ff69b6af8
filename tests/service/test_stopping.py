"""Closing, pausing, moving: nothing is lost, clocks run on, and one act takes it all back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from taskhub.acts import stopping, undo
from taskhub.assignment import service as assignment
from taskhub.db.tables import queue_state
from taskhub.errors import Conflict, InvalidInput
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.policy.work import Staffing
from taskhub.tasks import moving
from taskhub.tasks import service as tasks
from taskhub.tasks.model import NewTask
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    front = org.queue("front", teams=("front",), staffing=Staffing("rotating", {"teams": ["front"]}))
    filed = org.queue("filed", closed=True, paused=True)
    won = Rule("won", ("deal.won",), tasks=(TaskTemplate("contract"),))
    made = Desk(database_url, org.policies(queues=(org.queue("desk"), front, filed), rules=[won]))
    made.staff("specialists", "ana")
    made.staff("front", "zoe")
    yield made
    made.db.close()


def stop(desk: Desk, verb: str, queue: str = "desk", reason: str | None = "because") -> Any:
    return desk.do("admin", lambda tx: stopping.stop(tx, tx.policies.queues[queue], verb, reason))


def undo_newest(desk: Desk) -> Any:
    with desk.db.read(org.ADMIN) as tx:
        newest = undo.list_acts(tx)[0]
    return desk.do("admin", undo.undo, newest["id"])


def test_a_closed_queue_takes_no_new_work_from_people_and_loses_none_of_rules(desk: Desk) -> None:
    done = stop(desk, "close")
    assert done.fed_by == ["won"]
    with pytest.raises(Conflict) as refused:
        desk.do("ana", tasks.create, NewTask("contract", "By hand"))
    assert refused.value.stable_code == "queue_closed"
    assert "/queues/desk/open" in refused.value.message
    other = desk.make("billing")
    with pytest.raises(Conflict):
        desk.do("admin", tasks.change_kind, other, "contract", "wrong")
    made = desk.make("contract")
    desk.drain()
    assert (desk.task(made).state, desk.task(made).agent) == ("assigned", "ana")
    stop(desk, "open")
    assert desk.do("ana", tasks.create, NewTask("contract", "By hand")).state == "queued"


def test_a_paused_queue_gives_nothing_while_clocks_run(desk: Desk) -> None:
    held, _ = desk.started("ana", "contract")
    stop(desk, "pause")
    one = desk.make("contract")
    desk.drain()
    assert (desk.task(one).state, desk.task(one).waiting_reasons) == ("queued", ["queue_paused"])
    assert desk.claim("ana").reason == "nothing_eligible"
    assert desk.task(held).state == "in_progress"
    desk.forward(hours=5)
    assert desk.task(one).sla_state == "breached"
    stop(desk, "resume")
    desk.drain()
    assert desk.task(one).agent == "ana"


def test_a_pull_queue_that_is_paused_gives_nothing_to_a_claim(desk: Desk, database_url: str) -> None:
    desk.db.close()
    pull = org.queue("front", teams=("front",), mode="pull", staffing=Staffing("rotating", {"teams": ["front"]}))
    again = Desk(database_url, org.policies(queues=(org.queue("desk"), pull), hash="pulled"))
    one = again.make("billing")
    stop(again, "pause", "front")
    assert (again.claim("zoe").task, again.claim("zoe").reason) == (None, "nothing_eligible")
    stop(again, "resume", "front")
    assert again.claim("zoe").task.id == one
    again.db.close()


def test_saying_it_twice_or_against_the_file_is_told(desk: Desk) -> None:
    def said(verb: str, queue: str = "desk") -> str:
        with pytest.raises(Conflict) as refused:
            stop(desk, verb, queue)
        return refused.value.stable_code

    assert said("open") == said("resume") == "nothing_to_change"
    stop(desk, "close")
    assert said("close") == "nothing_to_change"
    assert (said("open", "filed"), said("resume", "filed")) == ("closed_by_file", "paused_by_file")


def test_closing_and_pausing_are_undone(desk: Desk) -> None:
    stop(desk, "pause")
    stop(desk, "close")
    undo_newest(desk)
    (row,) = desk.rows(queue_state)
    assert (row.closed, row.paused) == (False, True)


def move(desk: Desk, kind: str = "contract", to: str = "billing") -> Any:
    return desk.do("admin", lambda tx: stopping.move(tx, tx.policies.queues["desk"], kind, to, "closing"))


def test_waiting_work_moves_with_its_clock_and_begun_work_stays(desk: Desk) -> None:
    started, _ = desk.started("ana", "contract")
    pinned = desk.make("contract")
    desk.do("admin", assignment.assign, pinned, "ana")
    waiting = [desk.make("contract") for _ in range(3)]
    other = desk.make("credit")
    desk.drain()
    due = {id_: desk.task(id_).due_at for id_ in waiting}
    with desk.db.read(org.ADMIN) as tx:
        before = stopping.preview(tx, tx.policies.queues["desk"], "contract", "billing")
    desk.clock.forward(hours=1)
    found = move(desk)
    assert sorted(found.moved) == sorted(before.moved) == sorted(waiting)
    assert sorted(found.stays) == sorted(before.stays) == sorted([started, pinned])
    assert {id_: desk.task(id_).due_at for id_ in waiting} == due
    desk.drain()
    assert {desk.task(id_).queue for id_ in waiting} == {"front"}
    assert {desk.task(id_).agent for id_ in waiting} == {"zoe"}
    assert desk.task(other).queue == "desk"
    assert desk.history(waiting[0], "change_kind")[0]["change"]["reason"] == "closing"


def test_a_move_is_taken_back_whole_also_when_it_was_offered_since(desk: Desk) -> None:
    ids = [desk.make("contract") for _ in range(4)]
    move(desk)
    desk.drain()
    assert "zoe" in {desk.task(id_).agent for id_ in ids}
    undo_newest(desk)
    desk.drain()
    assert {(desk.task(id_).kind, desk.task(id_).queue) for id_ in ids} == {("contract", "desk")}
    assert "zoe" not in {desk.task(id_).agent for id_ in ids}


def test_a_move_is_not_taken_back_once_somebody_has_begun(desk: Desk) -> None:
    id_ = desk.make("contract")
    move(desk)
    desk.drain()
    desk.do("zoe", tasks.start, id_)
    with pytest.raises(Conflict) as refused:
        undo_newest(desk)
    assert refused.value.stable_code == "changed_since"


def test_what_does_not_fit_in_one_move_is_counted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "MOST", 2)
    ids = [desk.make("contract") for _ in range(5)]
    assert (move(desk).left, move(desk).left, move(desk).left) == (3, 1, 0)
    assert {desk.task(id_).queue for id_ in ids} == {"front"}


@pytest.mark.parametrize(
    ("kind", "to", "code"),
    [
        ("contrct", "billing", "unknown_kind"), ("contract", "billng", "unknown_kind"),
        ("billing", "contract", "kind_not_in_queue"), ("contract", "credit", "same_queue"),
    ],
)  # fmt: skip
def test_a_move_that_makes_no_sense_is_refused(desk: Desk, kind: str, to: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        move(desk, kind, to)
    assert refused.value.stable_code == code


def test_nothing_moves_into_a_closed_queue(desk: Desk) -> None:
    desk.make("contract")
    stop(desk, "close", "front")
    with pytest.raises(Conflict) as refused:
        move(desk)
    assert refused.value.stable_code == "queue_closed"
