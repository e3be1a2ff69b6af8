"""Somebody leaves: previewed, then handed over, ended and closed in one transaction; undone while nobody moved on."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import insert

from taskhub.access import service as access
from taskhub.acts import leaving, undo
from taskhub.agents import service as agents
from taskhub.assignment import service as assignment
from taskhub.db.tables import agent, api_key, duty, lease, loan
from taskhub.errors import Conflict, InvalidInput, NotFound
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind
from taskhub.queues import lending
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    queues = (org.queue("desk", mode="pull"), org.queue("other", teams=("others",), mode="pull"))
    kinds = [Kind("contract", LocalText("Contract"), "desk"), Kind("billing", LocalText("Billing"), "desk")]
    desk = Desk(database_url, org.policies(queues=queues, kinds=[*kinds, Kind("far", LocalText("Far"), "other")]))
    desk.staff("specialists", "ana", "bob", capacity=5)
    yield desk
    desk.db.close()


def busy(desk: Desk) -> dict[str, str]:
    """Ana holds one of everything."""
    begun, _ = desk.started("ana", "contract")
    paused, token = desk.started("ana", "contract")
    desk.do("ana", tasks.pause, paused, "waiting_customer", None, token)
    pinned = desk.make("contract")
    desk.do("admin", assignment.assign, pinned, "ana")
    return {"begun": begun, "paused": paused, "pinned": pinned}


def test_the_preview_says_what_leaving_then_does(desk: Desk) -> None:
    held = busy(desk)
    desk.do("bob", agents.set_presence, "bob", "offline")
    before = desk.do("admin", leaving.preview, "ana", "bob")
    assert {move.task.id: move.to for move in before.moves} == {
        held["begun"]: "bob", held["paused"]: "bob", held["pinned"]: None,
    }  # fmt: skip
    assert desk.task(held["begun"]).agent == "ana"
    with desk.as_("admin") as tx:
        done = leaving.leave(tx, "ana", "bob", "Ask Eve about the seal")
    assert [(m.task.id, m.to) for m in done.moves] == [(m.task.id, m.to) for m in before.moves]
    after = {name: desk.task(id_) for name, id_ in held.items()}
    assert {name: (t.state, t.agent, t.pinned) for name, t in after.items()} == {
        "begun": ("assigned", "bob", True), "paused": ("assigned", "bob", True), "pinned": ("queued", None, False),
    }  # fmt: skip
    assert {t.note for t in after.values()} == {"Ask Eve about the seal"}
    assert desk.history(held["begun"], "hand_over")[-1]["change"]["half_done"] is True
    assert desk.history(held["pinned"], "withdraw")[-1]["change"]["half_done"] is False
    assert desk.rows(lease) == []
    assert desk.pauses(held["paused"])[0].to_at is not None
    assert desk.decisions(held["begun"])[-1].way == "manual"


def test_plans_keys_and_presence_end_with_the_person(desk: Desk) -> None:
    now = desk.clock.now
    with desk.as_("admin") as tx:
        access.create_key(tx, "agent", "phone", "ana")
        agents.add_absence(tx, "ana", now + timedelta(days=3), now + timedelta(days=4))
        lending.lend(tx, "ana", tx.policies.queues["other"], None, now + timedelta(days=2))
        slot = {"queue": "desk", "agent": "ana", "from_at": now, "until_at": now + timedelta(days=1), "kinds": []}
        tx.conn.execute(insert(duty).values(**slot))
        agents.patch_team(tx, "specialists", {"leader": "ana"})
        agents.patch_agent(tx, "bob", {"stand_in": "ana"})
    seen = desk.do("admin", leaving.leave, "ana")
    assert (len(seen.loans), len(seen.absences), len(seen.duties)) == (1, 1, 1)
    assert {(one["key"], one["field"]) for one in seen.references} == {("specialists", "leader"), ("bob", "stand_in")}
    (row,) = desk.rows(agent, key="ana")
    assert (row.active, row.presence) == (False, "offline")
    assert desk.rows(duty) == []
    assert [row.revoked_at is not None for row in desk.rows(api_key, agent="ana")] == [True]
    assert [row.until_at <= desk.clock.now for row in desk.rows(loan)] in ([], [True])
    with desk.db.read() as tx:
        assert agents.absences(tx, "ana") == []
    with pytest.raises(Conflict) as again:
        desk.do("admin", leaving.leave, "ana")
    assert again.value.stable_code == "already_left"


def test_a_colleague_who_may_not_or_is_full_gets_nothing(desk: Desk) -> None:
    held = busy(desk)
    desk.do("admin", agents.patch_agent, "bob", {"capacity": 1})
    moves = {move.task.id: move for move in desk.do("admin", leaving.preview, "ana", "bob").moves}
    to = [moves[held[name]].to for name in ("begun", "paused")]
    assert sorted(to, key=str) == [None, "bob"]
    refused = next(move for move in moves.values() if move.half_done and move.to is None)
    assert refused.against == ("at_capacity",)
    desk.do("admin", agents.patch_agent, "bob", {"skills": {"billing": 3}})
    found = desk.do("admin", leaving.preview, "ana", "bob").moves
    assert {move.to for move in found} == {None}
    assert {move.nobody for move in found} == {("skill_missing",)}


def test_kinds_left_with_nobody_are_named(desk: Desk) -> None:
    desk.do("admin", agents.patch_agent, "bob", {"skills": {"billing": 3}})
    few = desk.do("admin", leaving.preview, "ana").few
    assert {cover.kind.key: [gap.left for gap in cover.gaps] for cover in few} == {
        "contract": [()], "billing": [("bob",)],
    }  # fmt: skip


def test_nonsense_is_refused(desk: Desk) -> None:
    for call, error in ((("ana", "ana"), InvalidInput), (("ana", "nobody"), NotFound), (("nobody",), NotFound)):
        with pytest.raises(error):
            desk.do("admin", leaving.preview, *call)


def test_leaving_is_undone_while_nobody_has_moved_on(desk: Desk) -> None:
    held = busy(desk)
    now = desk.clock.now
    with desk.as_("admin") as tx:
        key = access.create_key(tx, "agent", "phone", "ana")
        agents.add_absence(tx, "ana", now + timedelta(days=3), now + timedelta(days=4))
    with desk.as_("admin", "agent.leave") as tx:
        leaving.leave(tx, "ana", "bob")
        act = tx.act_id
    desk.drain()
    desk.do("admin", undo.undo, act)
    assert {desk.task(id_).agent for id_ in held.values()} == {"ana"}
    assert [row.revoked_at for row in desk.rows(api_key, agent="ana")] == [None]
    assert key
    with desk.db.read() as tx:
        assert len(agents.absences(tx, "ana")) == 1
    assert desk.rows(agent, key="ana")[0].active is True


def test_leaving_is_not_undone_once_somebody_went_on_with_it(desk: Desk) -> None:
    held = busy(desk)
    with desk.as_("admin", "agent.leave") as tx:
        leaving.leave(tx, "ana", "bob")
        act = tx.act_id
    desk.do("bob", tasks.start, held["begun"])
    with pytest.raises(Conflict) as refused:
        desk.do("admin", undo.undo, act)
    assert refused.value.stable_code == "changed_since"
    assert desk.rows(agent, key="ana")[0].active is False
