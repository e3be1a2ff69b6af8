"""Switches: from when they hold, what happens to work that is with people, how they are taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.acts import staffing, undo
from taskhub.assignment import service as assignment
from taskhub.db.tables import history
from taskhub.db.tables import staffing as switches
from taskhub.errors import Conflict, InvalidInput, NotFound
from taskhub.policy.work import Staffing
from taskhub.queues import queries
from taskhub.queues import service as queues
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

FRONT = {"model": "rotating", "params": {"teams": ["front"]}, "strategy": "round_robin"}
FILE = {"model": None}
HOUR = timedelta(hours=1)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    desk_queue = org.queue("desk", teams=("specialists", "front"))
    side = org.queue("front", teams=("front",), mode="pull", staffing=Staffing("rotating", {"teams": ["front"]}))
    made = Desk(database_url, org.policies(queues=(desk_queue, side)))
    made.staff("specialists", "ana", "bob")
    made.staff("front", "zoe", "yan")
    yield made
    made.db.close()


def switch(desk: Desk, asked: dict[str, Any], at: str | datetime = "now", queue: str = "desk") -> Any:
    return desk.do("admin", lambda tx: staffing.switch(tx, tx.policies.queues[queue], asked, at))


def model(desk: Desk, queue: str = "desk") -> str:
    with desk.db.read() as tx:
        return queues.as_served(tx, [tx.policies.queues[queue]])[0].staffing.model


def offered(desk: Desk, *ids: str) -> list[str | None]:
    return [desk.task(id_).agent for id_ in ids]


def test_a_switch_now_returns_offers_and_gives_them_anew(desk: Desk) -> None:
    ids = [desk.make("contract") for _ in range(4)]
    desk.drain()
    assert set(offered(desk, *ids)) == {"ana", "bob"}
    desk.clock.forward(minutes=1)
    made, returned = switch(desk, FRONT)
    assert sorted(returned) == sorted(ids)
    assert {desk.task(id_).state for id_ in ids} == {"queued"}
    assert desk.history(ids[0], "withdraw")[0]["change"]["why"] == "switch"
    desk.drain()
    assert set(offered(desk, *ids)) == {"zoe", "yan"}
    assert desk.decisions(ids[0])[-1].model == "rotating"
    assert [row.act for row in desk.rows(history, noun="switch", id=made.id)] == ["plan", "effective"]


def test_started_paused_and_pinned_work_stays(desk: Desk) -> None:
    started, token = desk.started("ana", "contract")
    paused, other = desk.started("ana", "contract")
    desk.do("ana", tasks.pause, paused, "set_aside", None, other)
    pinned, pushed = desk.make("contract"), desk.make("credit")
    desk.do("admin", assignment.assign, pinned, "bob")
    desk.drain()
    desk.clock.forward(minutes=1)
    assert switch(desk, FRONT)[1] == [pushed]
    states = [desk.task(id_).state for id_ in (started, paused, pinned)]
    assert states == ["in_progress", "paused", "assigned"]
    desk.do("ana", tasks.complete, started, token)


def test_a_planned_switch_starts_at_its_time_and_not_before(desk: Desk) -> None:
    one = desk.make("contract")
    desk.drain()
    at = desk.clock.now + 2 * HOUR
    made, returned = switch(desk, FRONT, at)
    assert (returned, model(desk)) == ([], "dedicated")
    desk.forward(hours=1, minutes=59)
    assert (model(desk), desk.task(one).agent in ("ana", "bob")) == ("dedicated", True)
    desk.forward(minutes=1)
    assert model(desk) == "rotating"
    assert desk.task(one).agent in ("zoe", "yan")
    with pytest.raises(Conflict) as refused:
        desk.do("admin", queues.cancel_switch, "desk", made.id)
    assert refused.value.stable_code == "switch_started"


def test_the_next_shift_is_the_next_opening(desk: Desk) -> None:
    made, _ = switch(desk, FRONT, "next_shift")
    assert made.effective_at == datetime(2026, 3, 3, 9, tzinfo=UTC)
    desk.forward(days=1)
    assert model(desk) == "rotating"


def test_back_to_the_file_everything_equals_the_file(desk: Desk) -> None:
    one = desk.make("contract")
    switch(desk, FRONT)
    desk.drain()
    assert desk.task(one).agent in ("zoe", "yan")
    desk.clock.forward(minutes=1)
    switch(desk, FILE)
    desk.drain()
    assert desk.task(one).agent in ("ana", "bob")
    with desk.db.read() as tx:
        file = tx.policies.queues["desk"]
        assert queues.as_served(tx, [file]) == [file]


def test_said_twice_it_happens_once(desk: Desk) -> None:
    with pytest.raises(Conflict) as refused:
        switch(desk, FILE)
    assert refused.value.stable_code == "nothing_to_change"
    first, _ = switch(desk, FRONT)
    desk.make("contract")
    desk.drain()
    desk.clock.forward(minutes=1)
    again, returned = switch(desk, FRONT)
    assert (again.id, returned) == (first.id, [])
    assert len(desk.rows(switches)) == 1


def test_a_planned_switch_is_undone_until_it_starts(desk: Desk) -> None:
    switch(desk, FRONT, desk.clock.now + HOUR)
    with desk.db.read(org.ADMIN) as tx:
        newest = undo.list_acts(tx)[0]
    assert newest["can_undo"]
    desk.do("admin", undo.undo, newest["id"])
    assert desk.rows(switches) == []
    desk.forward(hours=2)
    assert model(desk) == "dedicated"


def test_a_switch_that_has_started_is_not_undone(desk: Desk) -> None:
    switch(desk, FRONT, desk.clock.now + HOUR)
    with desk.db.read(org.ADMIN) as tx:
        newest = undo.list_acts(tx)[0]
    desk.forward(hours=1)
    with desk.db.read(org.ADMIN) as tx:
        assert undo.list_acts(tx)[0]["why_not"] == "switch_started"
    with pytest.raises(Conflict) as refused:
        desk.do("admin", undo.undo, newest["id"])
    assert refused.value.stable_code == "switch_started"
    assert model(desk) == "rotating"


def test_a_gift_of_a_pass_that_began_before_the_switch_returns_a_little_later(desk: Desk) -> None:
    switch(desk, FRONT)
    desk.drain()
    desk.clock.forward(seconds=-5)
    late = desk.make("contract")
    with desk.as_("worker") as tx:
        tx.conn.exec_driver_sql(
            f"UPDATE task SET state = 'assigned', agent = 'ana', given_at = created_at WHERE id = '{late}'"
        )
    desk.forward(seconds=20)
    assert desk.task(late).agent in ("zoe", "yan")


@pytest.mark.parametrize(
    ("asked", "at", "code", "said"),
    [
        ({"model": "rotatng"}, "now", "staffing_invalid", "rotating"),
        ({"model": "rotating", "params": {"teams": ["nobody"]}}, "now", "staffing_invalid", "params.teams"),
        ({**FRONT, "strategy": "round_robbin"}, "now", "staffing_invalid", "round_robin"),
        ({"model": None, "params": {"team": "front"}}, "now", "model_missing", "leave params"),
        (FRONT, datetime(2026, 3, 2, 8, tzinfo=UTC), "effective_at_in_past", "past"),
        (FRONT, datetime(2028, 3, 2, 8, tzinfo=UTC), "too_far_ahead", "a year"),
    ],
)
def test_what_the_files_would_refuse_a_switch_refuses(
    desk: Desk, asked: dict[str, Any], at: Any, code: str, said: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        switch(desk, asked, at)
    assert refused.value.stable_code == code
    assert said in refused.value.message
    assert desk.rows(switches) == []


def test_a_preview_says_who_gains_and_loses_and_writes_nothing(desk: Desk) -> None:
    ids = [desk.make("contract") for _ in range(2)]
    desk.drain()
    started, _ = desk.started("bob", "credit")
    with desk.db.read(org.ADMIN) as tx:
        found = staffing.preview(tx, tx.policies.queues["desk"], FRONT, "now")
    assert [key for key in found.pool_before.people if key not in (found.pool_before.refused or {})] == ["ana", "bob"]
    assert [key for key in found.pool_after.people if key not in (found.pool_after.refused or {})] == ["yan", "zoe"]
    assert (sorted(found.returned), found.stays) == (sorted(ids), [started])
    assert desk.rows(switches) == []


def test_cancelling_what_is_not_there_says_so(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.do("admin", queues.cancel_switch, "desk", "nope")


def test_the_claim_follows_a_switch_and_its_return(desk: Desk) -> None:
    id_ = desk.make("billing")
    asked = {"model": "dedicated", "params": {"team": "front"}}
    switch(desk, asked, queue="front")
    with desk.as_("admin") as tx:
        found = staffing.preview(tx, tx.policies.queues["front"], FILE, "now")
    assert found.after.staffing.model == "rotating"
    assert desk.claim("zoe").task.id == id_
    assert desk.decisions(id_)[-1].model == "dedicated"


def test_a_switch_to_a_rota_is_planned_by_the_workers_and_said_so_before(desk: Desk) -> None:
    rota = {"model": "duty_rota", "params": {"teams": ["specialists", "front"]}}
    one = desk.make("contract")
    desk.drain()
    with desk.db.read(org.ADMIN) as tx:
        assert staffing.preview(tx, tx.policies.queues["desk"], rota, "now").pool_after.planned
    desk.clock.forward(minutes=1)
    assert switch(desk, rota)[1] == [one]
    desk.drain()
    with desk.db.read() as tx:
        duties = queries.duties(tx, "desk")
        members = (queries.pool(tx, "desk") or {})["members"]
    assert {each["agent"] for each in duties} <= {"ana", "bob", "zoe", "yan"}
    assert members
    assert desk.task(one).agent in members
