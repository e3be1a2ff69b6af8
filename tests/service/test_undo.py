"""Undo: what can be taken back, what comes back, and when the world has moved on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.acts import presence, undo
from taskhub.assignment import service as assignment
from taskhub.db.tables import act
from taskhub.errors import AlreadyDone, AtCapacity, Conflict, NotFound
from taskhub.policy.rule import Condition, Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import ChecklistItem, Kind
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)
DUE = datetime(2026, 3, 2, 13, tzinfo=UTC)


def policies() -> Any:
    items = (ChecklistItem(LocalText("Address")), ChecklistItem(LocalText("VAT")))
    kinds = [
        Kind("billing", LocalText("Billing"), "front", sla="standard", checklist=items),
        Kind("check", LocalText("Check"), "front", sla="standard"),
        Kind("contract", LocalText("Contract"), "desk", sla="standard"),
    ]
    chain = Rule(
        "check", ("task.completed",), when=(Condition("task.kind", "eq", "billing"),), tasks=(TaskTemplate("check"),)
    )
    return org.policies(kinds=kinds, rules=[chain])


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    yield from _desk(database_url)


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Desk]:
    yield from _desk(sqlite_url)


def _desk(url: str) -> Iterator[Desk]:
    made = Desk(url, policies())
    made.staff("front", "ana", "bob")
    yield made
    made.db.close()


def acts(desk: Desk, who: str) -> list[dict[str, Any]]:
    with desk.db.read(org.ADMIN if who == "admin" else org.as_agent(who)) as tx:
        return undo.list_acts(tx)


def take_back(desk: Desk, who: str) -> Any:
    """The newest act of that person, undone."""
    return desk.do(who, undo.undo, acts(desk, who)[0]["id"])


def claim(desk: Desk) -> str:
    id_ = desk.make()
    desk.claim("ana")
    return id_


def test_acts_are_listed_newest_first_for_a_day(desk: Desk) -> None:
    id_ = claim(desk)
    desk.clock.forward(minutes=1)
    desk.do("ana", tasks.complete, id_, desk.token(id_))
    newest, oldest = acts(desk, "ana")
    assert (newest["can_undo"], newest["why_not"], newest["touched"]) == (True, None, [f"task:{id_}"])
    assert (oldest["can_undo"], oldest["why_not"]) == (False, "changed_since")
    assert acts(desk, "bob") == []
    desk.clock.forward(hours=24, minutes=1)
    assert acts(desk, "ana") == []
    with pytest.raises(NotFound):
        desk.do("ana", undo.undo, newest["id"])


def test_a_claim_taken_back_waits_at_its_old_place(desk: Desk) -> None:
    id_ = claim(desk)
    place = desk.task(id_).start_by
    take_back(desk, "ana")
    back = desk.task(id_)
    assert (back.state, back.agent, back.start_by, desk.lease(id_)) == ("queued", None, place, None)
    assert desk.claim("bob").task.id == id_


def test_a_pause_taken_back_is_work_again_with_a_new_lease(desk: Desk) -> None:
    id_ = claim(desk)
    old = desk.token(id_)
    desk.do("ana", tasks.pause, id_, "waiting_customer", None, old)
    desk.clock.forward(minutes=10)
    take_back(desk, "ana")
    after = desk.task(id_)
    assert (after.state, after.due_at, desk.token(id_) > old) == ("in_progress", DUE + HOUR / 6, True)
    assert desk.do("ana", tasks.start, id_)[1].token == desk.token(id_)


def test_a_pause_is_not_taken_back_by_a_full_person(lite: Desk) -> None:
    id_ = claim(lite)
    lite.do("ana", tasks.pause, id_, "set_aside", None, lite.token(id_))
    paused = acts(lite, "ana")[0]["id"]
    for _ in range(3):
        lite.started("ana")
    with pytest.raises(AtCapacity):
        lite.do("ana", undo.undo, paused)
    assert lite.rows(act, id=paused)[0].undone_by is None


def test_a_completion_taken_back_takes_its_followers_with_it(desk: Desk) -> None:
    id_ = claim(desk)
    desk.clock.forward(minutes=30)
    desk.do("ana", tasks.complete, id_, desk.token(id_), "done")
    desk.drain()
    assert desk.states() == {"billing": "completed", "check": "queued"}
    desk.clock.forward(minutes=30)
    take_back(desk, "ana")
    back = desk.task(id_)
    assert (back.state, back.agent, back.outcome, back.due_at) == ("assigned", "ana", None, DUE + HOUR / 2)
    assert desk.states() == {"billing": "assigned", "check": "cancelled"}
    desk.drain()
    token = desk.do("ana", tasks.start, id_)[1].token
    desk.do("ana", tasks.complete, id_, token)
    desk.drain()
    (fresh,) = [t for t in (desk.task(row.id) for row in desk.rows_of("check")) if t.is_open]
    assert fresh.parent == id_


def test_a_completion_whose_follower_has_begun_stays(desk: Desk) -> None:
    id_ = claim(desk)
    desk.do("ana", tasks.complete, id_, desk.token(id_))
    desk.drain()
    assert desk.claim("bob").task.parent == id_
    assert acts(desk, "ana")[0]["why_not"] == "follower_started"
    with pytest.raises(Conflict) as refused:
        take_back(desk, "ana")
    assert refused.value.stable_code == "follower_started"


def test_a_completion_taken_back_before_its_rules_ran_leads_to_nothing(lite: Desk) -> None:
    id_ = claim(lite)
    lite.do("ana", tasks.complete, id_, lite.token(id_))
    take_back(lite, "ana")
    lite.drain()
    assert lite.states() == {"billing": "assigned"}


def test_a_gift_taken_back_goes_to_whom_it_was_with(desk: Desk) -> None:
    id_ = claim(desk)
    desk.do("ana", assignment.hand_over, id_, "bob", None, desk.token(id_))
    take_back(desk, "ana")
    back = desk.task(id_)
    assert (back.state, back.agent, back.pinned) == ("assigned", "ana", True)
    assert desk.history(id_)[-1]["act"] == "take_back"
    assert desk.decisions(id_)[-1].agent == "ana"


def test_a_gift_from_the_queue_goes_back_to_the_queue(desk: Desk) -> None:
    id_ = desk.make()
    desk.do("admin", assignment.assign, id_, "ana")
    take_back(desk, "admin")
    assert (desk.task(id_).state, desk.task(id_).agent) == ("queued", None)


def test_a_gift_to_somebody_else_goes_back_to_the_first(lite: Desk) -> None:
    id_ = lite.make()
    lite.do("admin", assignment.assign, id_, "ana")
    lite.clock.forward(minutes=1)
    lite.do("admin", assignment.assign, id_, "bob")
    take_back(lite, "admin")
    assert lite.task(id_).agent == "ana"


def test_a_gift_that_was_started_stays(lite: Desk) -> None:
    id_ = lite.make()
    lite.do("admin", assignment.assign, id_, "ana")
    lite.do("ana", tasks.start, id_)
    with pytest.raises(Conflict) as refused:
        take_back(lite, "admin")
    assert refused.value.stable_code == "changed_since"


def test_a_cancellation_taken_back(desk: Desk) -> None:
    id_ = claim(desk)
    desk.do("admin", tasks.cancel, id_, "mistake")
    take_back(desk, "admin")
    back = desk.task(id_)
    assert (back.state, back.agent, back.outcome, back.due_at) == ("assigned", "ana", None, DUE)
    assert desk.timers("task.clock", id_) == [DUE - HOUR]
    assert desk.history(id_)[-1]["act"] == "restore"


def test_a_kind_taken_back_brings_its_marks_and_demands(desk: Desk) -> None:
    id_ = desk.make(requires={"language": "de"}, level=2)
    desk.do("admin", assignment.assign, id_, "ana")
    desk.do("ana", tasks.patch, id_, desk.task(id_).version, {"checklist": [{"item": 0, "done": True}]})
    before = desk.task(id_)
    desk.clock.forward(minutes=1)
    desk.do("ana", tasks.change_kind, id_, "contract", "looked like one")
    assert (desk.task(id_).requires, desk.task(id_).checklist) == ({}, [])
    take_back(desk, "ana")
    back = desk.task(id_)
    same = ("kind", "queue", "shape", "level", "requires", "checklist", "weight", "minutes", "due_at", "start_by")
    assert {name: getattr(back, name) for name in same} == {name: getattr(before, name) for name in same}
    assert back.state == "queued"


PATCHES: list[dict[str, Any]] = [
    {"data": {"new": 1, "old": 2}},
    {"note": "something"},
    {"priority": "urgent"},
    {"due_at": DUE + 3 * HOUR},
    {"checklist": [{"item": 0, "not_applicable": "no company", "value": "x"}]},
]


@pytest.mark.parametrize("changes", PATCHES, ids=lambda changes: next(iter(changes)))
def test_a_patch_taken_back_leaves_nothing_behind(lite: Desk, changes: dict[str, Any]) -> None:
    id_ = lite.make(data={"old": 1})
    before = lite.task(id_)
    lite.do("admin", tasks.patch, id_, 1, changes)
    assert lite.task(id_) != before
    take_back(lite, "admin")
    after = lite.task(id_)
    moved = {"seq": 3, "version": 3}
    assert after == org.replace(before, **moved)


def test_an_explicit_due_time_comes_back(desk: Desk) -> None:
    wanted = DUE + 5 * HOUR
    id_ = desk.make(due_at=wanted)
    desk.do("admin", tasks.patch, id_, 1, {"due_at": None})
    assert desk.task(id_).due_at == DUE
    take_back(desk, "admin")
    assert (desk.task(id_).due_at, desk.task(id_).explicit_due) == (wanted, True)


def test_once_is_enough(desk: Desk) -> None:
    claim(desk)
    done = acts(desk, "ana")[0]["id"]
    desk.do("ana", undo.undo, done)
    with pytest.raises(AlreadyDone) as again:
        desk.do("ana", undo.undo, done)
    assert again.value.stable_code == "already_done"
    shown = {one["id"]: one for one in acts(desk, "ana")}
    assert shown[done]["why_not"] == "already_undone"
    assert shown[shown[done]["undone_by"]]["why_not"] == "cannot_be_undone"


def test_nobody_takes_back_what_others_did(desk: Desk) -> None:
    claim(desk)
    with pytest.raises(NotFound):
        desk.do("bob", undo.undo, acts(desk, "ana")[0]["id"])
    with pytest.raises(NotFound):
        desk.do("bob", undo.undo, "no-such-act")


def raised(desk: Desk, id_: str) -> None:
    desk.do("admin", tasks.patch, id_, desk.task(id_).version, {"priority": "high"})


def released(desk: Desk, id_: str) -> None:
    desk.do("ana", tasks.release, id_, "no time", desk.token(id_))


@pytest.mark.parametrize("later", [raised, released], ids=lambda later: later.__name__)
def test_what_a_person_has_touched_since_stays(lite: Desk, later: Callable[[Desk, str], None]) -> None:
    id_ = claim(lite)
    first = acts(lite, "ana")[-1]["id"]
    lite.clock.forward(minutes=1)
    later(lite, id_)
    with pytest.raises(Conflict) as refused:
        lite.do("ana", undo.undo, first)
    assert refused.value.stable_code == "changed_since"


def test_what_only_the_workers_touched_can_be_taken_back(lite: Desk) -> None:
    id_ = lite.make()
    lite.do("admin", assignment.assign, id_, "ana")
    lite.forward(hours=5)
    assert lite.task(id_).sla_state == "breached"
    take_back(lite, "admin")
    assert lite.task(id_).state == "queued"


def test_a_release_cannot_be_taken_back(lite: Desk) -> None:
    id_ = claim(lite)
    lite.clock.forward(minutes=1)
    released(lite, id_)
    (newest, *_) = acts(lite, "ana")
    assert newest["why_not"] == "cannot_be_undone"
    with pytest.raises(Conflict, match="has no undo"):
        lite.do("ana", undo.undo, newest["id"])


def test_an_offline_person_who_claims_can_take_it_back(desk: Desk) -> None:
    desk.do("ana", presence.set_presence, "ana", "offline")
    desk.clock.forward(minutes=1)
    id_ = claim(desk)
    newest = acts(desk, "ana")[0]
    assert set(newest["touched"]) >= {f"task:{id_}"}
    take_back(desk, "ana")
    assert desk.task(id_).state == "queued"
