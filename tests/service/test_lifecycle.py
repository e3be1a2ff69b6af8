"""What people do with tasks: the table row by row, tokens, versions, clocks, and one commit for each act."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.acts import presence
from taskhub.agents import service as agents
from taskhub.assignment import service as assignment
from taskhub.db.tables import act as act_table
from taskhub.db.tables import history as history_table
from taskhub.errors import (
    AtCapacity,
    Conflict,
    Forbidden,
    InvalidInput,
    InvalidTransition,
    LeaseLost,
    NotEligible,
    NotFound,
    TaskhubError,
    VersionClash,
)
from taskhub.policy.promise import PauseReason
from taskhub.policy.text import LocalText
from taskhub.policy.work import ChecklistItem, Kind
from taskhub.tasks import lifecycle
from taskhub.tasks import service as tasks
from taskhub.tasks.lifecycle import OPERATIONS, SYSTEM, Caller
from taskhub.tasks.model import STATES
from taskhub.testing import organisation as org
from tests.service.desk import Desk
from tests.service.life_cycle_page import PAGE, page

HOUR = timedelta(hours=1)
DUE = datetime(2026, 3, 2, 13, tzinfo=UTC)
CHECKS = (
    ChecklistItem(LocalText("Address checked"), required=True),
    ChecklistItem(LocalText("VAT number"), required=True, field="vat"),
    ChecklistItem(LocalText("Thank them")),
)


def policies(**more: Any) -> Any:
    kinds = [
        Kind("contract", LocalText("Contract"), "desk", sla="standard"),
        Kind("billing", LocalText("Billing"), "front", sla="standard"),
        Kind("refund", LocalText("Refund"), "front", sla="standard", checklist=CHECKS),
        Kind("note", LocalText("Note"), "front"),
    ]
    set_ = org.policies(kinds=kinds, skip_reasons=("too_hard",), **more)
    reason = PauseReason("short", LocalText("Short"), stops_clock=True, max_for=2 * HOUR)
    return org.replace(set_, pause_reasons={**set_.pause_reasons, "short": reason})


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    yield from _desk(database_url)


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Desk]:
    """For variations of what one database has shown already."""
    yield from _desk(sqlite_url)


@pytest.fixture(scope="module")
def wide(sqlite_databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Shared by the rows of the table; everybody has room for all of them."""
    yield from _desk(sqlite_databases.create(tmp_path_factory.mktemp("table")), capacity=1000)


def _desk(url: str, **facts: Any) -> Iterator[Desk]:
    made = Desk(url, policies())
    made.staff("front", "ana", "bob", **facts)
    yield made
    made.db.close()


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────
def in_state(desk: Desk, state: str, holder: str = "ana") -> str:
    """A task of ana's in that state."""
    if state == "blocked":
        return desk.make(delay=HOUR)
    id_ = desk.make()
    if state != "queued":
        desk.do("admin", assignment.assign, id_, holder)
    if state in ("in_progress", "paused", "completed"):
        token = desk.do(holder, tasks.start, id_)[1].token
        if state == "paused":
            desk.do(holder, tasks.pause, id_, "waiting_customer", None, token)
        if state == "completed":
            desk.do(holder, tasks.complete, id_, token)
    if state == "cancelled":
        desk.do("admin", tasks.cancel, id_, "test")
    assert desk.task(id_).state == state
    return id_


Call = Callable[[Any, str, int | None, int | None], Any]
# Operation -> who may do it whatever the holder, and the call with (tx, id, token, version).
CALLS: dict[str, tuple[str, Call]] = {
    "claim": ("ana", lambda tx, id_, t, v: assignment.claim_one(tx, id_, "on the line", v).task),
    "start": ("ana", lambda tx, id_, t, v: tasks.start(tx, id_, v)[0]),
    "release": ("ana", lambda tx, id_, t, v: tasks.release(tx, id_, "no time", t, v)),
    "skip": ("ana", lambda tx, id_, t, v: tasks.skip(tx, id_, "too_hard", t, v)),
    "pause": ("ana", lambda tx, id_, t, v: tasks.pause(tx, id_, "waiting_customer", None, t, v)),
    "resume": ("ana", lambda tx, id_, t, v: tasks.resume(tx, id_, v)[0]),
    "complete": ("ana", lambda tx, id_, t, v: tasks.complete(tx, id_, t, version=v)),
    "hand_over": ("ana", lambda tx, id_, t, v: assignment.hand_over(tx, id_, "bob", "see note", t, v)),
    "assign": ("admin", lambda tx, id_, t, v: assignment.assign(tx, id_, "bob", v)),
    "unassign": ("admin", lambda tx, id_, t, v: tasks.unassign(tx, id_, v)),
    "change_kind": ("admin", lambda tx, id_, t, v: tasks.change_kind(tx, id_, "refund", "wrong", t, v)),
    "cancel": ("admin", lambda tx, id_, t, v: tasks.cancel(tx, id_, "not wanted", v)),
    "reopen": ("ana", lambda tx, id_, t, v: assignment.reopen(tx, id_, "wrong", v)),
    "restore": ("admin", lambda tx, id_, t, v: assignment.reopen(tx, id_, "undo", v, act="restore")),
    "acknowledge": ("admin", lambda tx, id_, t, v: tasks.acknowledge(tx, id_, v)),
    "patch": ("admin", lambda tx, id_, t, v: tasks.patch(tx, id_, v or tasks.get(tx, id_).version, {"note": "n"})),
}
# Reopened work goes to its person, and what was never ready is blocked again: the table names the other end.
ENDS = {"reopen": {"assigned"}, "restore": {"queued", "assigned", "blocked"}, "change_kind": {"queued", "blocked"}}


def cells(*, allowed: bool) -> list[Any]:
    return [(name, state) for name in CALLS for state in STATES if (state in OPERATIONS[name].frm) is allowed]


def token_of(desk: Desk, id_: str) -> int | None:
    found = desk.lease(id_)
    return found.token if found else None


@pytest.mark.parametrize(("name", "state"), cells(allowed=True))
def test_an_allowed_operation_is_one_row_one_version_one_act(wide: Desk, name: str, state: str) -> None:
    id_ = in_state(wide, state)
    before, token, acts = wide.task(id_), token_of(wide, id_), wide.count(act_table)
    who, call = CALLS[name]
    operation = OPERATIONS[name]
    wide.do(who, call, id_, token, before.version)
    after = wide.task(id_)
    assert after.state in ENDS.get(name, {operation.to or state})
    assert (after.seq, after.version) == (before.seq + 1, before.version + 1)
    row = wide.history(id_)[-1]
    assert (row["act"], row["seq"]) == (name, after.seq)
    assert wide.count(act_table) == acts + 1
    (recorded,) = wide.rows(act_table, id=row["act_id"])
    assert ["task", id_] in recorded.touched
    assert (wide.lease(id_) is not None) == (after.state == "in_progress")
    if operation.lease == "new":
        assert token_of(wide, id_) != token


@pytest.mark.parametrize(("name", "state"), cells(allowed=False))
def test_a_refused_operation_says_why_and_changes_nothing(wide: Desk, name: str, state: str) -> None:
    id_ = in_state(wide, state)
    if name == "start" and state == "in_progress":
        return  # the lease they have comes back
    before, count = wide.task(id_), wide.count(history_table)
    who, call = CALLS[name]
    with pytest.raises(InvalidTransition) as refused:
        wide.do(who, call, id_, None, None)
    assert refused.value.stable_code == "invalid_transition"
    assert refused.value.fields == {"state": state, "holder": before.agent}
    if OPERATIONS[name].token:
        with pytest.raises(LeaseLost) as lost:
            wide.do("ana", call, id_, 12345, None)
        assert lost.value.fields == {"state": state, "holder": before.agent}
    assert wide.task(id_) == before
    assert wide.count(history_table) == count


@pytest.mark.parametrize("name", sorted(CALLS))
def test_an_old_version_is_refused_before_anything_else(wide: Desk, name: str) -> None:
    id_ = in_state(wide, OPERATIONS[name].frm[-1])
    before = wide.task(id_)
    who, call = CALLS[name]
    with pytest.raises(VersionClash) as clash:
        wide.do(who, call, id_, token_of(wide, id_), before.version + 1)
    assert clash.value.fields["version"] == before.version
    assert wide.task(id_) == before


@pytest.mark.parametrize("name", [name for name, one in OPERATIONS.items() if one.who == SYSTEM])
def test_what_the_workers_do_nobody_else_may(wide: Desk, name: str) -> None:
    task = wide.task(in_state(wide, OPERATIONS[name].frm[0]))
    with pytest.raises(Forbidden):
        lifecycle.check(name, task, Caller("ana", manages=True), None)
    assert lifecycle.check(name, task, Caller(None, system=True), None).name == name


@pytest.mark.parametrize("name", ["start", "release", "skip", "pause", "resume", "complete", "hand_over", "reopen"])
def test_what_is_a_holders_nobody_else_may(wide: Desk, name: str) -> None:
    state = OPERATIONS[name].frm[0]
    id_ = in_state(wide, state)
    with pytest.raises(LeaseLost if state == "in_progress" else Forbidden) as refused:
        wide.do("bob", CALLS[name][1], id_, None, None)
    assert refused.value.fields["holder"] == "ana"


@pytest.mark.parametrize("name", ["assign", "cancel", "change_kind", "acknowledge", "patch"])
def test_what_is_a_managers_a_colleague_may_not(wide: Desk, name: str) -> None:
    with pytest.raises(Forbidden):
        wide.do("bob", CALLS[name][1], in_state(wide, "queued"), None, None)


def test_the_page_of_the_life_cycle_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_old_token_is_dead_after_a_new_lease(desk: Desk) -> None:
    id_, old = desk.started("ana")
    desk.do("ana", tasks.release, id_, "no time", old)
    claim = desk.claim("bob")
    assert claim.task.id == id_
    assert claim.lease.token > old
    for call in ("complete", "pause", "release", "hand_over"):
        with pytest.raises(LeaseLost) as lost:
            desk.do("ana", CALLS[call][1], id_, old, None)
        assert lost.value.stable_code == "lease_lost"
        assert lost.value.fields == {"state": "in_progress", "holder": "bob"}
    desk.do("bob", tasks.complete, id_, claim.lease.token)
    assert desk.task(id_).completed_by == "bob"


def test_without_a_token_a_started_task_does_not_move(lite: Desk) -> None:
    id_, _ = lite.started("ana")
    with pytest.raises(LeaseLost, match="No lease_token was sent"):
        lite.do("ana", tasks.complete, id_, None)


def test_a_manager_needs_no_token_but_a_wrong_one_is_wrong(lite: Desk) -> None:
    id_, token = lite.started("ana")
    with pytest.raises(LeaseLost):
        lite.do("admin", tasks.complete, id_, None)  # only its holder completes it
    with pytest.raises(LeaseLost):
        lite.do("admin", assignment.hand_over, id_, "bob", None, token + 1)
    lite.do("admin", assignment.hand_over, id_, "bob")
    assert (lite.task(id_).agent, lite.lease(id_)) == ("bob", None)


def test_completing_twice_is_a_lost_lease(lite: Desk) -> None:
    id_, token = lite.started("ana")
    lite.do("ana", tasks.complete, id_, token)
    with pytest.raises(LeaseLost) as lost:
        lite.do("ana", tasks.complete, id_, token)
    assert lost.value.fields == {"state": "completed", "holder": "ana"}


def test_a_dead_token_is_refused_where_none_is_asked_for(lite: Desk) -> None:
    id_, token = lite.started("ana")
    lite.do("ana", tasks.complete, id_, token)
    lite.do("ana", assignment.reopen, id_, "not done")
    assert lite.task(id_).state == "assigned"
    with pytest.raises(LeaseLost) as lost:
        lite.do("ana", tasks.release, id_, "no time", token)
    assert lost.value.fields == {"state": "assigned", "holder": "ana"}
    lite.do("ana", tasks.release, id_, "no time")
    assert lite.task(id_).state == "queued"


def test_starting_a_started_task_gives_the_lease_that_is_there(desk: Desk) -> None:
    id_, token = desk.started("ana")
    version = desk.task(id_).version
    assert desk.do("ana", tasks.start, id_)[1].token == token
    assert desk.task(id_).version == version
    with pytest.raises(InvalidTransition):
        desk.do("bob", tasks.start, id_)


def test_renewing_prolongs_every_lease_of_that_person_and_leaves_no_trace(desk: Desk) -> None:
    (first, token), (second, _), (other, _) = desk.started("ana"), desk.started("ana"), desk.started("bob")
    ends, rows = desk.lease(other).expires_at, desk.count(history_table)
    now = desk.clock.forward(minutes=20)
    _, lease = desk.do("ana", tasks.renew, first, token)
    assert lease.expires_at == desk.lease(first).expires_at == desk.lease(second).expires_at == now + HOUR / 2
    assert desk.lease(other).expires_at == ends
    assert desk.count(history_table) == rows


def test_a_task_that_is_not_there(lite: Desk) -> None:
    with pytest.raises(NotFound):
        lite.do("ana", tasks.complete, "0" * 32, 1)


# ── one commit; versions ─────────────────────────────────────────────────────────────────────────────────────────────
def test_a_refused_act_leaves_nothing(desk: Desk) -> None:
    id_, token = desk.started("ana", "refund")
    before, rows, acts = desk.task(id_), desk.count(history_table), desk.count(act_table)
    with pytest.raises(InvalidInput) as refused:
        desk.do("ana", tasks.complete, id_, token)
    assert refused.value.stable_code == "checklist_open"
    assert refused.value.fields["items"] == ["Address checked", "VAT number"]
    assert (desk.task(id_), desk.count(history_table), desk.count(act_table)) == (before, rows, acts)
    assert desk.lease(id_) is not None


def test_the_workers_acts_raise_no_version(desk: Desk) -> None:
    desk.staff("specialists", "sue")
    id_ = desk.make("contract")
    desk.forward(minutes=1)
    assert (desk.task(id_).state, desk.task(id_).version, desk.task(id_).seq) == ("assigned", 1, 2)
    desk.forward(hours=5)
    assert {row["act"] for row in desk.history(id_)} == {"create", "offer", "sla.warned", "sla.breached"}
    assert (desk.task(id_).version, desk.task(id_).seq) == (1, 4)
    assert [row["seq"] for row in desk.history(id_)] == [1, 2, 3, 4]


def test_every_history_row_of_an_act_carries_its_id(desk: Desk) -> None:
    id_ = desk.make()
    claim = desk.claim("ana")
    desk.do("ana", tasks.complete, id_, claim.lease.token, "ok", "all well", {"vat": "1"})
    row = desk.history(id_, "complete")[0]
    (recorded,) = desk.rows(act_table, id=row["act_id"])
    assert (recorded.by, recorded.at) == (row["by"], row["at"])
    assert (row["change"]["from"], row["change"]["state"]) == ("in_progress", "completed")
    done = desk.task(id_)
    assert (done.outcome, done.note, done.data["vat"], done.completed_by) == ("ok", "all well", "1", "ana")


# ── pauses and clocks ────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("reason", "until", "code"),
    [
        ("holiday", None, "unknown_reason"),
        ("waiting_customer", timedelta(), "until_in_past"),
        ("waiting_customer", -HOUR, "until_in_past"),
        ("waiting_customer", timedelta(days=367), "pause_too_long"),
        ("short", 3 * HOUR, "pause_too_long"),
    ],
)
def test_a_pause_that_cannot_be(wide: Desk, reason: str, until: timedelta | None, code: str) -> None:
    id_, token = wide.started("ana")
    at = None if until is None else wide.clock.now + until
    with pytest.raises(InvalidInput) as refused:
        wide.do("ana", tasks.pause, id_, reason, at, token)
    assert refused.value.stable_code == code
    assert wide.task(id_).state == "in_progress"


def test_a_pause_always_has_a_next_date(lite: Desk) -> None:
    (first, one), (second, two) = lite.started("ana"), lite.started("ana")
    lite.do("ana", tasks.pause, first, "short", None, one)
    lite.do("ana", tasks.pause, second, "waiting_customer", None, two)
    assert lite.task(first).paused_until == lite.clock.now + 2 * HOUR
    assert lite.task(second).paused_until == datetime(2026, 3, 4, 17, tzinfo=UTC)  # 24 open hours
    assert lite.timers("task.snooze", first) == [lite.task(first).paused_until]


def test_time_in_a_pause_that_stops_the_clock_is_given_back(desk: Desk) -> None:
    id_, token = desk.started("ana")
    assert desk.task(id_).due_at == DUE
    desk.clock.forward(hours=1)
    desk.do("ana", tasks.pause, id_, "waiting_customer", None, token)
    assert (desk.task(id_).due_at, desk.task(id_).sla_state) == (None, "paused")
    assert desk.timers("task.clock", id_) == []
    desk.forward(hours=8)
    desk.clock.forward(hours=17)  # Tuesday 11:00, after nine open hours
    desk.do("ana", tasks.resume, id_)
    after = desk.task(id_)
    assert (after.due_at, after.sla_state) == (datetime(2026, 3, 3, 14, tzinfo=UTC), "on_track")
    assert desk.timers("task.clock", id_) == [datetime(2026, 3, 3, 13, tzinfo=UTC)]
    (pause,) = desk.pauses(id_)
    assert (pause.reason, pause.by, pause.stops_clock, pause.to_at) == (
        "waiting_customer", "agent:ana", True, desk.clock.now,
    )  # fmt: skip


def test_set_aside_runs_on(desk: Desk) -> None:
    id_, token = desk.started("ana")
    desk.do("ana", tasks.pause, id_, "set_aside", None, token)
    assert (desk.task(id_).due_at, desk.task(id_).sla_state) == (DUE, "on_track")
    desk.forward(hours=3)
    assert desk.task(id_).sla_state == "at_risk"
    desk.do("ana", tasks.resume, id_)
    assert desk.task(id_).due_at == DUE


def test_nobody_collects_paused_work_without_end(sqlite_url: str) -> None:
    desk = Desk(sqlite_url, org.replace(policies(), max_paused=2))
    desk.staff("front", "ana")
    for _ in range(2):
        id_, token = desk.started("ana")
        desk.do("ana", tasks.pause, id_, "set_aside", None, token)
    id_, token = desk.started("ana")
    with pytest.raises(AtCapacity) as full:
        desk.do("ana", tasks.pause, id_, "set_aside", None, token)
    assert full.value.stable_code == "too_many_paused"
    desk.db.close()


def test_resuming_checks_the_room_and_names_what_could_be_paused(desk: Desk) -> None:
    paused, token = desk.started("ana")
    desk.do("ana", tasks.pause, paused, "set_aside", None, token)
    held = [desk.started("ana", title=f"Bill {n}")[0] for n in range(3)]
    with pytest.raises(AtCapacity) as full:
        desk.do("ana", tasks.resume, paused)
    assert full.value.stable_code == "at_capacity"
    assert (full.value.fields["held"], full.value.fields["capacity"]) == (3, 3)
    assert {one["id"] for one in full.value.fields["could_pause"]} == set(held)
    desk.do("ana", tasks.pause, held[0], "set_aside", None, desk.token(held[0]))
    assert desk.do("ana", tasks.resume, paused)[0].state == "in_progress"


def test_own_paused_work_whose_date_has_come_is_claimed_with_its_clock_running(desk: Desk) -> None:
    id_, token = desk.started("ana")
    desk.do("ana", tasks.pause, id_, "waiting_customer", desk.clock.now + HOUR, token)
    desk.clock.forward(hours=2)  # the workers have not looked yet
    claim = desk.claim("ana")
    assert (claim.task.id, claim.task.state, claim.task.due_at) == (id_, "in_progress", DUE + 2 * HOUR)
    assert desk.pauses(id_)[0].to_at == desk.clock.now
    desk.drain()
    assert desk.task(id_).state == "in_progress"


# ── completion, checklist, patch ─────────────────────────────────────────────────────────────────────────────────────
def test_a_checklist_is_ticked_or_declared_not_applicable_with_a_reason(desk: Desk) -> None:
    id_, token = desk.started("ana", "refund")

    def patch(*marks: dict[str, Any]) -> Any:
        return desk.do("ana", tasks.patch, id_, desk.task(id_).version, {"checklist": list(marks)})

    with pytest.raises(InvalidInput) as unknown:
        patch({"item": 9, "done": True})
    assert (unknown.value.stable_code, unknown.value.fields["items"]) == ("unknown_item", [0, 1, 2])
    with pytest.raises(InvalidInput) as silent:
        patch({"item": 1, "not_applicable": " "})
    assert silent.value.stable_code == "reason_missing"
    patch({"item": 0, "done": True}, {"item": 1, "not_applicable": "no company"})
    items = desk.task(id_).checklist
    assert [(i["done"], i.get("not_applicable")) for i in items] == [
        (True, None), (False, "no company"), (False, None),
    ]  # fmt: skip
    desk.do("ana", tasks.complete, id_, token)
    assert desk.task(id_).state == "completed"


def test_an_explicit_due_time_replaces_the_promise_and_can_be_taken_back(desk: Desk) -> None:
    id_ = desk.make()
    before = desk.task(id_)
    wanted = datetime(2026, 3, 4, 12, tzinfo=UTC)
    changed = desk.do("admin", tasks.patch, id_, before.version, {"due_at": wanted})
    assert (changed.due_at, changed.explicit_due, changed.start_by) == (
        wanted, True, datetime(2026, 3, 3, 17, tzinfo=UTC),
    )  # fmt: skip
    assert desk.timers("task.clock", id_) == [desk.clock_of(id_).warn_at]
    back = desk.do("admin", tasks.patch, id_, changed.version, {"due_at": None})
    assert (back.due_at, back.explicit_due, back.start_by) == (DUE, False, before.start_by)


def test_a_due_time_on_a_task_without_a_promise_comes_and_goes(desk: Desk) -> None:
    id_ = desk.make("note")
    assert (desk.task(id_).due_at, desk.task(id_).sla_state) == (None, None)
    one = desk.do("admin", tasks.patch, id_, 1, {"due_at": DUE})
    assert (one.due_at, one.sla_state) == (DUE, "on_track")
    two = desk.do("admin", tasks.patch, id_, 2, {"due_at": None})
    assert (two.due_at, two.sla_state, desk.clock_of(id_), desk.timers("task.clock", id_)) == (None, None, None, [])


def test_priority_moves_the_place_in_the_queue(lite: Desk) -> None:
    first, second = lite.make("note"), lite.make("note")
    raised = lite.do("admin", tasks.patch, second, 1, {"priority": "urgent"})
    assert raised.start_by == lite.clock.now + HOUR
    assert lite.claim("ana").task.id == second
    with pytest.raises(InvalidInput) as unknown:
        lite.do("admin", tasks.patch, first, 1, {"priority": "asap"})
    assert unknown.value.stable_code == "unknown_priority"


@pytest.mark.parametrize("changes", [{"priority": "high"}, {"due_at": DUE}])
def test_blocked_work_has_no_clock_before_it_is_ready(desk: Desk, changes: dict[str, Any]) -> None:
    id_ = desk.make(delay=2 * HOUR)
    desk.do("admin", tasks.patch, id_, 1, changes)
    assert (desk.clock_of(id_), desk.timers("task.clock", id_)) == (None, [])
    desk.forward(hours=2)
    ready = desk.task(id_)
    assert (ready.state, ready.ready_at) == ("queued", desk.clock.now)
    assert ready.due_at == changes.get("due_at", desk.clock.now + 4 * HOUR)


def test_data_is_merged_and_notes_replace(lite: Desk) -> None:
    id_ = lite.make("note", data={"a": 1})
    after = lite.do("admin", tasks.patch, id_, 1, {"data": {"b": 2}, "note": "first"})
    assert (after.data, after.note) == ({"a": 1, "b": 2}, "first")


# ── kinds, gifts, rework ─────────────────────────────────────────────────────────────────────────────────────────────
def test_another_kind_keeps_the_clock_and_waits_in_its_own_queue(desk: Desk) -> None:
    id_, token = desk.started("ana")
    desk.clock.forward(hours=1)
    moved = desk.do("ana", tasks.change_kind, id_, "contract", "it is a contract", token)
    assert (moved.kind, moved.queue, moved.state, moved.agent) == ("contract", "desk", "queued", None)
    assert (moved.due_at, desk.clock_of(id_).started_at) == (DUE, DUE - 4 * HOUR)
    assert desk.lease(id_) is None
    assert [row["act"] for row in desk.history(id_)] == ["create", "assign", "start", "change_kind"]
    desk.staff("specialists", "sue")
    desk.drain()
    assert desk.task(id_).agent == "sue"


def test_a_kind_that_does_not_exist(lite: Desk) -> None:
    with pytest.raises(InvalidInput) as unknown:
        lite.do("admin", tasks.change_kind, lite.make(), "nonsense", "?")
    assert unknown.value.stable_code == "unknown_kind"


def test_a_paused_task_of_another_kind_has_no_open_pause(lite: Desk) -> None:
    id_ = in_state(lite, "paused")
    lite.clock.forward(hours=1)
    lite.do("ana", tasks.change_kind, id_, "refund", "wrong")
    assert lite.pauses(id_)[0].to_at == lite.clock.now
    assert lite.task(id_).due_at == DUE + HOUR


def test_a_gift_is_pinned_and_ends_the_lease(desk: Desk) -> None:
    id_, token = desk.started("ana")
    given = desk.do("ana", assignment.hand_over, id_, "bob", "half done", token)
    assert (given.state, given.agent, given.pinned, given.note) == ("assigned", "bob", True, "half done")
    assert desk.lease(id_) is None
    (_, decision) = desk.decisions(id_)
    assert (decision.way, decision.agent, decision.outcome) == ("manual", "bob", "assigned")


def refusals(desk: Desk, id_: str, to: str, who: str = "admin", token: int | None = None) -> TaskhubError:
    call = assignment.assign if who == "admin" else assignment.hand_over
    rest = () if who == "admin" else (None, token)
    with pytest.raises(TaskhubError) as refused:
        desk.do(who, call, id_, to, *rest)
    return refused.value


def test_what_not_even_a_manager_may_give(desk: Desk) -> None:
    id_ = desk.make(excluded={"bob": "not_by"})
    four_eyes = refusals(desk, id_, "bob")
    assert (type(four_eyes), four_eyes.fields["reasons"]) == (NotEligible, ["not_by"])
    desk.staff("front", "cid", capacity=1)
    desk.started("cid")
    full = refusals(desk, id_, "cid")
    assert (type(full), full.fields["held"]) == (AtCapacity, 1)
    desk.do("admin", agents.patch_agent, "cid", {"active": False})
    assert refusals(desk, id_, "cid").fields["reasons"] == ["inactive"]
    assert type(refusals(desk, id_, "nobody")) is NotFound
    desk.do("admin", assignment.assign, id_, "ana")
    again = refusals(desk, id_, "ana")
    assert (type(again), again.stable_code) == (Conflict, "already_assigned")


def test_what_a_manager_may_override_stands_on_record_and_a_colleague_may_not(desk: Desk) -> None:
    desk.staff("front", "dee", skills={"refund": 3})
    id_, token = desk.started("ana")
    unable = refusals(desk, id_, "dee", "ana", token)
    assert (type(unable), unable.fields["reasons"]) == (NotEligible, ["skill_missing"])
    assert desk.task(id_).agent == "ana"
    desk.do("admin", assignment.assign, id_, "dee")
    assert desk.decisions(id_)[-1].facts["overridden"] == ["skill_missing"]


def test_released_work_is_not_offered_to_the_same_person_within_the_cool_down(desk: Desk) -> None:
    id_, token = desk.started("ana")
    place = desk.task(id_).start_by
    desk.do("ana", tasks.release, id_, "no time", token)
    assert (desk.task(id_).start_by, desk.task(id_).agent) == (place, None)
    assert desk.claim("ana").reason == "nothing_eligible"
    desk.forward(hours=1)
    assert desk.claim("ana").task.id == id_


def test_skipping_takes_a_reason_from_the_list(lite: Desk) -> None:
    first, second = lite.make(), lite.make()
    claim = lite.claim("ana")
    with pytest.raises(InvalidInput) as unknown:
        lite.do("ana", tasks.skip, claim.task.id, "boring", claim.lease.token)
    assert unknown.value.fields["reasons"] == ["too_hard"]
    lite.do("ana", tasks.skip, claim.task.id, "too_hard", claim.lease.token)
    assert {claim.task.id, lite.claim("ana").task.id} == {first, second}


def completed(desk: Desk) -> str:
    id_, token = desk.started("ana")
    desk.clock.forward(hours=1)
    desk.do("ana", tasks.complete, id_, token, "done")
    return id_


def test_rework_goes_to_the_last_person_and_the_time_it_lay_done_does_not_count(desk: Desk) -> None:
    id_ = completed(desk)
    assert desk.clock_of(id_).met_at == desk.clock.now
    desk.clock.forward(hours=2)
    back = desk.do("admin", assignment.reopen, id_, "wrong amount")
    assert (back.state, back.agent, back.pinned, back.outcome, back.completed_at) == (
        "assigned", "ana", False, None, None,
    )  # fmt: skip
    assert (back.due_at, back.ready_at, back.sla_state) == (DUE + 2 * HOUR, desk.clock.now, "on_track")
    assert desk.history(id_)[-1]["change"]["reason"] == "wrong amount"
    desk.forward(hours=3)
    assert desk.task(id_).sla_state == "breached"


def full(desk: Desk) -> None:
    for _ in range(3):
        desk.started("ana")


def gone(desk: Desk) -> None:
    desk.do("ana", presence.set_presence, "ana", "offline")


def inactive(desk: Desk) -> None:
    desk.do("admin", agents.patch_agent, "ana", {"active": False})


def unskilled(desk: Desk) -> None:
    desk.do("admin", agents.patch_agent, "ana", {"skills": {}})


@pytest.mark.parametrize("hindrance", [full, gone, inactive, unskilled])
def test_rework_waits_in_the_queue_when_the_last_person_may_not_take_it(
    lite: Desk, hindrance: Callable[[Desk], None]
) -> None:
    id_ = completed(lite)
    hindrance(lite)
    back = lite.do("admin", assignment.reopen, id_, "wrong")
    assert (back.state, back.agent) == ("queued", None)
    assert lite.claim("bob").task.id == id_


def test_cancelled_work_has_no_clock_left(desk: Desk) -> None:
    id_, _ = desk.started("ana")
    gone_ = desk.do("admin", tasks.cancel, id_, "customer withdrew")
    assert (gone_.state, gone_.outcome, desk.lease(id_)) == ("cancelled", "customer withdrew", None)
    assert desk.timers("task.clock", id_) == desk.timers("task.lease", id_) == []
    desk.forward(days=3)
    assert not desk.history(id_, "sla.warned", "sla.breached")


def test_somebody_who_knows_of_it_stops_the_ladder(lite: Desk) -> None:
    id_, _ = lite.started("ana")
    seen = lite.do("ana", tasks.acknowledge, id_)
    assert (seen.acknowledged_by, seen.acknowledged_at) == ("ana", lite.clock.now)
