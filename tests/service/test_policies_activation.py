"""A policy set becomes active for everybody at once; open work follows it and keeps what it had earned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from taskhub.acts import activate
from taskhub.agents import service as agents
from taskhub.assignment import in_force, swift
from taskhub.assignment import service as assignment
from taskhub.calendars import parse_target
from taskhub.db.database import ACCEPTED
from taskhub.db.tables import history, policy_set
from taskhub.db.tables import task as task_table
from taskhub.errors import PolicyError
from taskhub.policy.policies import Policies
from taskhub.policy.promise import SlaPolicy
from taskhub.policy.text import LocalText
from taskhub.policy.work import DEFAULT_MAX_WAIT, Kind, Staffing
from taskhub.tasks import making
from taskhub.tasks import service as tasks
from taskhub.tasks.model import NewTask
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)
DUE = datetime(2026, 3, 2, 13, tzinfo=UTC)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    yield from _desk(database_url)


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Desk]:
    yield from _desk(sqlite_url)


def _desk(url: str) -> Iterator[Desk]:
    made = Desk(url)
    made.staff("front", "ana", "bob")
    yield made
    made.db.close()


def changed(desk: Desk, hash_: str = "second", **changes: Any) -> Policies:
    return org.replace(desk.policies, hash=hash_, **changes)


def of_kind(desk: Desk, key: str = "billing", **changes: Any) -> Policies:
    kinds = {**desk.policies.kinds, key: org.replace(desk.policies.kinds[key], **changes)}
    return changed(desk, kinds=kinds)


def without(known: Any, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in known.items() if key not in keys}


# ── what stays in memory ─────────────────────────────────────────────────────────────────────────────────────────────
def test_sets_of_long_ago_are_let_go_of(desk: Desk) -> None:
    desk.staff("front", "cas", capacity=100)
    in_force._known.clear()
    swift._known.clear()

    def kept(number: int) -> tuple[int, int, int]:
        desk.adopt(changed(desk, f"set {number}"))
        desk.make()
        assert desk.claim("cas").task is not None
        return len(desk.db._accepted), len(in_force._known), len(swift._known)

    first, *_, last = [kept(number) for number in range(2 * ACCEPTED)]
    assert last == (ACCEPTED, *first[1:])


# ── becoming active ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_set_is_active_from_the_next_transaction_on(desk: Desk) -> None:
    assert desk.adopt(changed(desk))
    with desk.db.read() as tx:
        assert tx.policies.hash == "second"
    (row,) = desk.rows(history, noun="policy_set")
    assert (row.id, row.act, row.change) == ("second", "activate", {"was": "test"})
    assert not desk.adopt(changed(desk))
    assert len(desk.rows(policy_set)) == 2


def test_an_older_set_can_be_active_again(desk: Desk) -> None:
    desk.adopt(changed(desk))
    assert desk.do("admin", activate.activate, desk.policies, {})
    with desk.db.read() as tx:
        assert tx.policies.hash == "test"
    assert len(desk.rows(policy_set)) == 2


def test_teams_named_in_the_files_come_into_being(lite: Desk) -> None:
    front = org.replace(lite.policies.queues["front"], teams=("front", "night"))
    back = org.queue("back", teams=("experts",), staffing=Staffing("dedicated", {"team": "experts"}))
    queues = {**lite.policies.queues, "front": front, "back": back}
    lite.adopt(changed(lite, queues=queues))
    with lite.db.read() as tx:
        teams = {team.key: team.kind for team in agents.list_teams(tx, limit=50)}
    assert (teams["night"], teams["experts"]) == ("front_line", "specialist")


def test_what_is_in_use_is_not_removed(desk: Desk) -> None:
    for _ in range(3):
        desk.make()
    desk.do("admin", tasks.cancel, desk.make("contract"), "done with")
    smaller = changed(desk, queues={}, kinds={})
    with pytest.raises(PolicyError) as refused:
        desk.adopt(smaller)
    assert [(p.file, p.key) for p in refused.value.problems] == [("queues.toml", "front"), ("kinds.toml", "billing")]
    assert "3 open tasks" in refused.value.problems[0].message
    with desk.db.read() as tx:
        assert tx.policies.hash == "test"


def test_a_removed_kind_moves_where_it_is_said(desk: Desk) -> None:
    queued, (started, token) = desk.make(), desk.started("ana")
    kinds = {**without(desk.policies.kinds, "billing"), "invoice": Kind("invoice", LocalText("Invoice"), "desk")}
    smaller = changed(desk, kinds=kinds, queues=without(desk.policies.queues, "front"))
    for nowhere in ({"billing": "nonsense", "front": "desk"}, {"billing": "invoice"}):
        with pytest.raises(PolicyError):
            desk.adopt(smaller, moved_to=nowhere)
    assert desk.adopt(smaller, moved_to={"billing": "invoice", "front": "desk"})
    desk.drain()
    for id_ in (queued, started):
        moved = desk.task(id_)
        assert (moved.kind, moved.queue, moved.policy_hash) == ("invoice", "desk", "second")
    assert desk.do("ana", tasks.complete, started, token).state == "completed"
    desk.staff("specialists", "sue")
    desk.drain()
    assert desk.task(queued).agent == "sue"


# ── open work follows ────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_new_promise_keeps_counted_and_earned_time(desk: Desk) -> None:
    id_, token = desk.started("ana")
    desk.do("ana", tasks.pause, id_, "waiting_customer", None, token)
    desk.clock.forward(hours=1)
    token = desk.do("ana", tasks.resume, id_)[1].token
    assert desk.task(id_).due_at == DUE + HOUR
    before = desk.task(id_)
    desk.adopt(changed(desk, sla={"standard": SlaPolicy("standard", parse_target("2h"))}))
    desk.drain()
    after = desk.task(id_)
    assert (after.due_at, after.policy_hash) == (DUE - HOUR, "second")
    assert (after.version, after.seq, after.state) == (before.version, before.seq + 1, "in_progress")
    assert desk.history(id_, "rederive")[0]["by"] == "worker"
    assert desk.timers("task.clock", id_) == [DUE - HOUR - HOUR / 2]
    desk.do("ana", tasks.complete, id_, token)  # the lease has not been touched


def test_only_what_changes_leaves_a_row(desk: Desk) -> None:
    billing, contract = desk.make(), desk.make("contract")
    desk.adopt(of_kind(desk, weight=3.0))
    desk.drain()
    assert [row["act"] for row in desk.history(billing)] == ["create", "rederive"]
    assert [row["act"] for row in desk.history(contract)] == ["create"]
    assert desk.task(billing).weight == 3.0
    assert {desk.task(id_).policy_hash for id_ in (billing, contract)} == {"second"}


def test_the_order_of_waiting_work_follows(desk: Desk) -> None:
    first, second = desk.make(priority=1), desk.make(priority=3)
    assert desk.task(second).start_by < desk.task(first).start_by
    waits = {**DEFAULT_MAX_WAIT, "normal": HOUR / 2}
    front = org.replace(desk.policies.queues["front"], max_wait=waits)
    desk.adopt(changed(desk, queues={**desk.policies.queues, "front": front}))
    desk.drain()
    assert desk.task(first).start_by == desk.clock.now + HOUR / 2
    assert desk.claim("ana").task.id == first


def test_another_level_or_queue_is_asked_for_at_once(desk: Desk) -> None:
    desk.staff("specialists", "sue")
    id_ = desk.make()
    desk.drain()
    desk.adopt(of_kind(desk, level=4))
    desk.drain()
    assert desk.claim("ana").reason == "nothing_eligible"
    assert desk.decisions(id_)[-1].facts["reasons"] == ["skill_too_low"]
    desk.adopt(changed(desk, "third", kinds=of_kind(desk, queue="desk").kinds))
    desk.do("admin", agents.patch_agent, "sue", {"skills": {"billing": 5}})
    desk.drain()
    assert (desk.task(id_).queue, desk.task(id_).agent) == ("desk", "sue")


def test_ended_and_blocked_work(lite: Desk) -> None:
    done, blocked = lite.make(), lite.make(delay=HOUR)
    lite.do("admin", tasks.cancel, done, "done with")
    lite.adopt(changed(lite, sla={"standard": SlaPolicy("standard", parse_target("2h"))}))
    lite.drain()
    assert lite.task(done).policy_hash == "test"
    assert (lite.task(blocked).due_at, lite.clock_of(blocked)) == (None, None)
    lite.forward(hours=1)
    assert lite.task(blocked).due_at == lite.clock.now + 2 * HOUR


def test_a_promise_that_is_gone_stands_as_the_date_it_came_to(lite: Desk) -> None:
    id_ = lite.make()
    lite.adopt(changed(lite, sla={}))
    lite.drain()
    assert lite.task(id_).due_at == DUE
    lite.clock.now = DUE
    lite.drain()
    assert lite.task(id_).sla_state == "breached"


def test_a_large_backlog_follows_in_batches(lite: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activate, "BATCH", 10)
    with lite.db.begin() as tx:
        making.make(tx, [NewTask("billing", str(n)) for n in range(21)])
    lite.adopt(of_kind(lite, weight=2.0))
    lite.drain()
    assert {(row.policy_hash, row.weight) for row in lite.rows(task_table)} == {("second", 2.0)}


def test_work_made_meanwhile_under_the_old_set_follows_a_little_later(desk: Desk) -> None:
    desk.adopt(of_kind(desk, weight=2.0))
    desk.drain()
    late = desk.make()
    with desk.db.begin() as tx:  # as if its transaction had begun before the activation
        tx.conn.execute(update(task_table).where(task_table.c.id == late).values(policy_hash="test", weight=1.0))
    desk.forward(seconds=9)
    assert desk.task(late).weight == 1.0
    desk.forward(seconds=1)
    assert (desk.task(late).weight, desk.task(late).policy_hash) == (2.0, "second")


def test_a_set_that_was_replaced_meanwhile_derives_nothing(lite: Desk) -> None:
    id_ = lite.make()
    sets = {"second": of_kind(lite, weight=2.0), "third": changed(lite, "third")}
    for name in ("second", "third"):
        lite.db._loader = lambda texts, _resolved: sets.get(texts.get("set", ""), lite.policies)
        lite.do("admin", activate.activate, sets[name], {"set": name})
    lite.drain()
    assert (lite.task(id_).policy_hash, lite.task(id_).weight) == ("third", 1.0)


def test_decisions_name_the_set_they_were_made_under(desk: Desk) -> None:
    first, second = desk.make(), desk.make()
    desk.claim("ana")
    desk.adopt(changed(desk))
    desk.do("admin", assignment.assign, second, "ana")
    assert desk.decisions(first)[-1].policy_hash == "test"
    assert desk.decisions(second)[-1].policy_hash == "second"
