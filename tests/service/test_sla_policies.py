"""A change of the policies touches the open work it concerns, writes what differs, and keeps what was counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from taskhub.acts import activate
from taskhub.calendars import BusinessCalendar, Opening, parse_target
from taskhub.db.tables import history, sla_clock
from taskhub.db.tables import task as task_table
from taskhub.errors import Conflict, PolicyError
from taskhub.policy.policies import Policies
from taskhub.policy.promise import EscalationPolicy, PauseReason, Remind, SlaPolicy, Step
from taskhub.policy.rule import Raise, Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind
from taskhub.tasks import explained
from taskhub.tasks import rederive as rederiving
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def policies() -> Policies:
    kinds = [
        Kind("billing", LocalText("Billing"), "front", sla="standard"),
        Kind("invoice", LocalText("Invoice"), "front", sla="days"),
        Kind("contract", LocalText("Contract"), "desk", sla="standard"),
        Kind("chat", LocalText("Chat"), "chat", sla="standard"),
    ]
    front = org.queue("front", teams=("front",), mode="pull", staffing=org.Staffing("rotating", {"teams": ["front"]}))
    chat = replace(front, key="chat", calendar="always")
    return org.policies(
        queues=[org.queue(calendar="second"), front, chat], kinds=kinds,
        sla={
            "standard": SlaPolicy("standard", parse_target("4h")),
            "days": SlaPolicy("days", parse_target("2 working days, end of day")),
        },
        calendars={**org.policies().calendars, "second": BusinessCalendar("second", "UTC", org.OFFICE)},
    )  # fmt: skip


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


def adopt(desk: Desk, set_: Policies, *, drain: bool = True) -> Policies:
    """Activates the set and lets open work follow it."""
    desk.adopt(set_)
    if drain:
        desk.drain()
    return set_


def with_calendar(desk: Desk, key: str = "office", hash_: str = "second", **changes: Any) -> Policies:
    old = desk.policies.calendars[key]
    facts = {"weekly": old.weekly, "holidays": old.holidays, **changes}
    return org.replace(
        desk.policies, hash=hash_, calendars={**desk.policies.calendars, key: BusinessCalendar(key, "UTC", **facts)}
    )


def hours(text: str) -> dict[str, list[Opening]]:
    return {day: [Opening.parse(text)] for day in ("mon", "tue", "wed", "thu", "fri")}


def marks(desk: Desk) -> dict[str, Any]:
    """How often each task has been written (its history rows), and its clocks as they are."""
    clocks = [(row.task, row.target, row.due_at, row.warn_at, row.laps) for row in desk.rows(sla_clock)]
    seqs = {row.id: row.seq for row in desk.rows(task_table)}
    return {"history": len(desk.rows(history, noun="task")), "clocks": clocks, "seq": seqs}


# ── whom a change touches ────────────────────────────────────────────────────────────────────────────────────────────
def test_a_change_of_names_writes_nothing_but_stamps(desk: Desk) -> None:
    ids = [desk.make(), desk.make("invoice"), desk.make("contract")]
    before = marks(desk)
    adopt(desk, org.replace(desk.policies, hash="second", max_paused=7))
    after = marks(desk)
    assert (after["clocks"], after["seq"]) == (before["clocks"], before["seq"])
    assert after["history"] == before["history"]
    assert {desk.task(id_).policy_hash for id_ in ids} == {"second"}


def test_a_holiday_touches_only_work_that_was_due_behind_it(desk: Desk) -> None:
    soon, days, other = desk.make(), desk.make("invoice"), desk.make("contract")
    before = marks(desk)
    adopt(desk, with_calendar(desk, holidays=frozenset({date(2026, 3, 4)})))
    after = marks(desk)
    assert after["history"] == before["history"] + 1
    assert {id_: after["seq"][id_] - before["seq"][id_] for id_ in (soon, days, other)} == {soon: 0, days: 1, other: 0}
    assert [row for row in after["clocks"] if row not in before["clocks"]] == [
        (days, "completion", at(17, day=5), desk.clock_of(days).warn_at, None)
    ]
    (row,) = desk.history(days, "rederive")
    assert row["change"]["due_at"] == at(17, day=5).isoformat()
    assert row["change"]["was"]["due_at"] == at(17, day=4).isoformat()
    assert row["change"]["was"]["policy_hash"] == "test"
    assert row["change"]["clocks"]["completion"]["due_at"] == [at(17, day=4).isoformat(), at(17, day=5).isoformat()]
    assert desk.task(soon).policy_hash == desk.task(other).policy_hash == "second"


def test_a_promise_touches_only_its_own_tasks(desk: Desk) -> None:
    ids = [desk.make("invoice") for _ in range(30)] + [desk.make("contract") for _ in range(3)]
    before = marks(desk)
    changed = {**desk.policies.sla, "standard": SlaPolicy("standard", parse_target("2h"))}
    adopt(desk, org.replace(desk.policies, hash="second", sla=changed))
    after = marks(desk)
    assert after["history"] == before["history"] + 3
    assert [after["seq"][id_] - before["seq"][id_] for id_ in ids] == [0] * 30 + [1] * 3


def test_stamps_go_on_in_batches(lite: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rederiving, "STAMPED_AT_ONCE", 4)
    monkeypatch.setattr(activate, "BATCH", 2)
    for kind in ("billing", "invoice"):
        for _ in range(5):
            lite.make(kind)
    changed = {**lite.policies.sla, "standard": SlaPolicy("standard", parse_target("2h"))}
    adopt(lite, org.replace(lite.policies, hash="second", sla=changed))
    assert {row.policy_hash for row in lite.rows(task_table)} == {"second"}
    assert [row.due_at for row in lite.rows(task_table, kind="billing")] == [at(11)] * 5


def test_an_old_set_that_nobody_can_read_any_more_is_no_hindrance(lite: Desk) -> None:
    id_ = lite.make()
    changed = {**lite.policies.sla, "standard": SlaPolicy("standard", parse_target("2h"))}
    set_ = adopt(lite, org.replace(lite.policies, hash="second", sla=changed), drain=False)
    lite.db._accepted.clear()

    def only_the_new(texts: Any, _resolved: Any) -> Policies:
        if texts.get("set") != "second":
            raise PolicyError([])
        return set_

    lite.db._loader = only_the_new
    lite.drain()
    assert (lite.task(id_).due_at, lite.task(id_).policy_hash) == (at(11), "second")


# ── what was counted stays counted ───────────────────────────────────────────────────────────────────────────────────
def test_longer_hours_count_from_the_change_on(desk: Desk) -> None:
    desk.clock.now = at(14)
    id_ = desk.make()
    desk.clock.now = at(8, day=3)
    adopt(desk, with_calendar(desk, weekly=hours("07:00-21:00")))
    # Three hours on Monday by the old hours; the fourth from the change at 8 on Tuesday.
    assert desk.task(id_).due_at == at(9, day=3)
    assert desk.clock_of(id_).laps == [[at(8, day=3).isoformat(), "test", "office"]]
    said = explain(desk, id_)
    assert said["policies"] == "second"
    adopt(desk, org.replace(with_calendar(desk, weekly=hours("07:00-21:00")), hash="third", max_paused=9))
    assert desk.task(id_).due_at == at(9, day=3)
    assert desk.clock_of(id_).laps == [[at(8, day=3).isoformat(), "test", "office"]]


def test_the_change_counts_from_its_activation_however_late_a_worker_comes(desk: Desk) -> None:
    desk.clock.now = at(16)
    id_ = desk.make()
    desk.clock.now = at(17)
    adopt(desk, with_calendar(desk, weekly=hours("09:00-22:00")), drain=False)
    desk.clock.now = at(18, 30)
    token = desk.do("admin", tasks.assign, id_, "ana") and desk.do("ana", tasks.start, id_)[1].token
    desk.do("ana", tasks.pause, id_, "waiting_customer", None, token)  # before it was re-derived
    desk.clock.now = at(19)
    desk.do("ana", tasks.resume, id_)
    assert desk.task(id_).due_at == at(20, 30)
    desk.drain()
    assert desk.task(id_).due_at == at(20, 30)
    assert desk.clock_of(id_).laps is None or len(desk.clock_of(id_).laps) <= 1


def test_another_kind_keeps_the_hours_counted_by_its_old_calendar(desk: Desk) -> None:
    desk.clock.now = at(19)
    id_ = desk.make("chat")
    desk.clock.now = at(21)
    desk.do("admin", tasks.change_kind, id_, "billing", "was one")
    assert desk.task(id_).due_at == at(11, day=3)  # two hours that night, two the next morning
    assert [one["counted_s"] for one in explain(desk, id_)["clocks"]] == [7200.0]
    assert desk.task(id_).policy_hash == "test"


def test_another_kind_has_its_own_promise_and_undo_gives_the_old_one_back(desk: Desk) -> None:
    id_ = desk.make()
    with desk.as_("admin") as tx:
        tasks.change_kind(tx, id_, "invoice", "was one")
        back = dict(tx.inverse or {})
    assert (desk.task(id_).sla, desk.task(id_).due_at) == ("days", at(17, day=4))
    desk.do("admin", tasks.change_back, id_, back["kind"], back["was"])
    assert (desk.task(id_).sla, desk.task(id_).due_at) == ("standard", at(13))


def test_a_promise_of_its_own_goes_with_the_task(lite: Desk) -> None:
    id_ = lite.make(sla="days")
    lite.do("admin", tasks.change_kind, id_, "contract", "was one")
    assert (lite.task(id_).sla, lite.task(id_).due_at) == ("days", at(17, day=4))


def test_a_kind_that_promises_something_else_takes_its_work_along(desk: Desk) -> None:
    own, plain = desk.make(sla="days"), desk.make()
    kinds = {**desk.policies.kinds, "billing": replace(desk.policies.kinds["billing"], sla="days")}
    adopt(desk, org.replace(desk.policies, hash="second", kinds=kinds))
    assert [desk.task(id_).sla for id_ in (own, plain)] == ["days", "days"]
    assert desk.task(plain).due_at == at(17, day=4)


# ── the first start comes and goes ───────────────────────────────────────────────────────────────────────────────────
def test_a_first_start_that_is_newly_promised_counts_for_work_nobody_has_begun(desk: Desk) -> None:
    waits = desk.make()
    begun, _ = desk.started("ana")
    both = SlaPolicy("standard", parse_target("4h"), first_start=parse_target("1h"))
    adopt(desk, org.replace(desk.policies, hash="second", sla={**desk.policies.sla, "standard": both}))
    assert desk.clock_of(waits, "first_start").due_at == at(10)
    assert desk.clock_of(begun, "first_start") is None
    assert desk.timers("task.clock", waits) == [at(9, 45)]
    adopt(desk, org.replace(desk.policies, hash="third"))
    assert desk.clock_of(waits, "first_start") is None
    assert desk.task(waits).due_at == at(13)


# ── levels, ladders, reminders ───────────────────────────────────────────────────────────────────────────────────────
RAISED = Rule("won", ("deal.won",), tasks=(TaskTemplate("billing", level=2, raises=(Raise(level=4),)),))


@pytest.mark.parametrize(
    ("rule", "level", "rules", "kind_level", "now"),
    [
        (None, 3, (), 1, 1),  # only the kind had asked for 3
        (None, 4, (), 1, 4),  # by hand
        ("won", 2, (), 1, 1),  # only the rule had
        ("won", 3, (RAISED,), 1, 3),
        ("won", 4, (RAISED,), 1, 4),
        ("won", 4, (Rule("won", ("deal.won",), tasks=(TaskTemplate("billing", raises=(Raise(level=3),)),)),), 1, 3),
        ("won", 4, (Rule("won", ("deal.won",), tasks=(TaskTemplate("billing"),)),), 2, 2),
    ],
)
def test_a_level_goes_with_whatever_had_asked_for_it(
    lite: Desk, rule: str | None, level: int, rules: tuple[Rule, ...], kind_level: int, now: int
) -> None:
    old_level = 3 if level == 3 and rule is None else 1
    billing = lite.policies.kinds["billing"]
    before = {**lite.policies.kinds, "billing": replace(billing, level=old_level)}
    lite.policies = org.replace(lite.policies, kinds=before, rules=(RAISED,))
    lite.db._accepted.clear()
    lite.db._loader = lambda _texts, _resolved: lite.policies
    id_ = lite.make(rule=rule, level=level)
    kinds = {**lite.policies.kinds, "billing": replace(lite.policies.kinds["billing"], level=kind_level)}
    adopt(lite, org.replace(lite.policies, hash="second", kinds=kinds, rules=rules))
    assert lite.task(id_).level == now


def test_another_ladder_is_looked_at_and_nothing_is_written(desk: Desk) -> None:
    id_ = desk.make()
    ladder = EscalationPolicy("up", (Step(at_fraction=0.5, notify=("leader",)),))
    climbing = replace(desk.policies.sla["standard"], escalation="up")
    first = org.replace(
        desk.policies, hash="second", sla={**desk.policies.sla, "standard": climbing}, escalations={"up": ladder}
    )
    adopt(desk, first)
    assert desk.timers("escalation.step", id_) == [at(11)]
    sooner = EscalationPolicy("up", (Step(at_fraction=0.25, notify=("leader",)),))
    adopt(desk, org.replace(first, hash="third", escalations={"up": sooner}))
    assert desk.timers("escalation.step", id_) == [at(10)]
    assert desk.history(id_, "rederive") == []


def test_another_reminder_moves_the_next_one(desk: Desk) -> None:
    id_, token = desk.started("ana")
    desk.do("ana", tasks.pause, id_, "waiting_customer", at(9, day=20), token)
    assert desk.timers("task.reminder", id_) == []
    reason = PauseReason("waiting_customer", LocalText("Customer"), stops_clock=True, remind=Remind(2 * HOUR))
    reasons = {**desk.policies.pause_reasons, "waiting_customer": reason}
    adopt(desk, org.replace(desk.policies, hash="second", pause_reasons=reasons))
    assert desk.timers("task.reminder", id_) == [at(11)]
    assert desk.history(id_, "rederive") == []


# ── what cannot be kept is refused ───────────────────────────────────────────────────────────────────────────────────
def test_a_calendar_that_opens_no_more_is_refused_with_its_promises(lite: Desk) -> None:
    past = BusinessCalendar("office", "UTC", {}, {date(2020, 1, 6): [Opening.parse("09:00-17:00")]})
    shut = org.replace(lite.policies, hash="second", calendars={**lite.policies.calendars, "office": past})
    with pytest.raises(PolicyError) as refused:
        lite.do("admin", activate.activate, shut, {"set": "second"})
    assert [(one.file, one.key) for one in refused.value.problems] == [("calendars.toml", "calendar.office")]
    rare = BusinessCalendar("office", "UTC", {}, {date(2026, 3, 6): [Opening.parse("09:00-11:00")]})
    seldom = org.replace(lite.policies, hash="second", calendars={**lite.policies.calendars, "office": rare})
    with pytest.raises(PolicyError) as refused:
        lite.do("admin", activate.activate, seldom, {"set": "second"})
    assert {one.key for one in refused.value.problems} == {"sla.standard.completion", "sla.days.completion"}


def test_work_of_a_kind_that_is_gone_does_not_come_back(lite: Desk) -> None:
    id_, token = lite.started("ana")
    lite.do("ana", tasks.complete, id_, token)
    kinds = {key: kind for key, kind in lite.policies.kinds.items() if key != "billing"}
    adopt(lite, org.replace(lite.policies, hash="second", kinds=kinds))
    with pytest.raises(Conflict) as gone:
        lite.do("admin", tasks.reopen, id_)
    assert gone.value.stable_code == "kind_gone"
    assert explain(lite, id_)["policies"] == "test"


def test_work_that_comes_back_follows_the_set_in_force(desk: Desk) -> None:
    id_, token = desk.started("ana")
    desk.clock.now = at(10)
    desk.do("ana", tasks.complete, id_, token)
    changed = {**desk.policies.sla, "standard": SlaPolicy("standard", parse_target("6h"))}
    adopt(desk, org.replace(desk.policies, hash="second", sla=changed))
    assert explain(desk, id_)["clocks"][0]["promise"] == "4h"
    desk.clock.now = at(12)
    desk.do("admin", tasks.reopen, id_)
    assert desk.task(id_).policy_hash == "second"
    assert desk.task(id_).due_at == at(17)  # an hour used, two hours it lay done, five left


def explain(desk: Desk, id_: str, language: str = "en") -> dict[str, Any]:
    with desk.db.read() as tx:
        return explained.explain(tx, id_, language)
