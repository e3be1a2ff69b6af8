"""What a step is, and of which promise it fired: ladders change under tasks, due dates are given anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from taskhub.calendars import parse_target
from taskhub.db.tables import escalation
from taskhub.escalation import service
from taskhub.policy.policies import Policies
from taskhub.policy.promise import EscalationPolicy, PauseReason, SlaPolicy, Step
from taskhub.policy.text import LocalText
from taskhub.tasks import service as tasks
from tests.service.desk import Desk
from tests.service.test_sla_policies import adopt, at, policies

QUARTER, HALF = Step(at_fraction=0.25, notify=("agent",)), Step(at_fraction=0.5, notify=("leader",))
LATE = Step(overdue_for=timedelta(), notify=("manager",), raise_priority=2)
OTHER = EscalationPolicy("other", (Step(at_fraction=0.9, notify=("leader",)), LATE))
Make = Callable[..., Desk]


def house(*steps: Step, name: str = "late", hash_: str = "test") -> Policies:
    """Billing climbs these steps, invoices another ladder."""
    base = policies()
    sla = {
        "standard": replace(base.sla["standard"], escalation=name),
        "days": SlaPolicy("days", parse_target("4h"), escalation="other"),
    }
    reasons = {**base.pause_reasons, "customer": PauseReason("customer", LocalText("Customer"), stops_clock=True)}
    ladders = {name: EscalationPolicy(name, steps), "other": OTHER}
    return replace(base, hash=hash_, sla={**base.sla, **sla}, escalations=ladders, pause_reasons=reasons)


@pytest.fixture
def make(sqlite_url: str) -> Iterator[Make]:
    made: list[Desk] = []

    def one(*steps: Step) -> Desk:
        made.append(Desk(sqlite_url, house(*steps)))
        made[-1].staff("front", "ana", "bob")
        return made[-1]

    yield one
    for desk in made:
        desk.db.close()


def fired(desk: Desk, id_: str) -> list[tuple[str, datetime]]:
    """What each firing asked for, and when it was due."""
    with desk.db.read() as tx:
        rows = service.of_task(tx, id_)
    return [(row.effects["notified"][0]["asked"], row.due_at) for row in rows]


def forget_marks(desk: Desk) -> None:
    """As an older version writes them."""
    with desk.as_("worker") as tx:
        tx.conn.execute(update(escalation).values(mark=None, promise=None))


# ── what a step is ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_step_that_went_does_not_take_the_others_with_it(make: Make) -> None:
    desk = make(QUARTER, HALF, LATE)
    id_ = desk.make()
    desk.pass_to(at(11, 30))
    adopt(desk, house(HALF, LATE, hash_="second"))
    desk.pass_to(at(16))
    assert fired(desk, id_) == [("agent", at(10)), ("leader", at(11)), ("manager", at(13))]
    assert desk.task(id_).priority == 3
    assert [(row.step, row.repetition) for row in desk.rows(escalation)] == [(0, 0), (1, 0), (1, 1)]


def test_a_step_put_in_front_fires_and_nothing_is_said_twice(make: Make) -> None:
    desk = make(HALF, LATE)
    id_ = desk.make()
    desk.pass_to(at(11, 30))
    adopt(desk, house(QUARTER, HALF, LATE, hash_="second"))
    desk.pass_to(at(16))
    assert sorted(fired(desk, id_)) == [("agent", at(10)), ("leader", at(11)), ("manager", at(13))]


def test_work_of_another_kind_climbs_its_ladder_from_the_start(make: Make) -> None:
    desk = make(QUARTER, HALF)
    id_ = desk.make()
    desk.pass_to(at(11, 30))
    desk.do("admin", tasks.change_kind, id_, "invoice", "wrong kind")
    desk.pass_to(at(16))
    assert fired(desk, id_)[2:] == [("leader", at(12, 36)), ("manager", at(13))]
    desk.do("admin", tasks.change_kind, id_, "billing", "it was right")
    desk.drain()
    assert len(fired(desk, id_)) == 4


def test_a_ladder_under_another_name_says_nothing_again(make: Make) -> None:
    desk = make(QUARTER, HALF, LATE)
    id_ = desk.make()
    desk.pass_to(at(11, 30))
    adopt(desk, house(QUARTER, HALF, LATE, name="standard", hash_="second"))
    desk.pass_to(at(16))
    assert fired(desk, id_) == [("agent", at(10)), ("leader", at(11)), ("manager", at(13))]


def test_what_an_older_version_wrote_is_known_by_its_number(make: Make) -> None:
    desk = make(QUARTER, HALF, LATE)
    id_ = desk.make()
    desk.pass_to(at(11, 30))
    forget_marks(desk)
    desk.pass_to(at(16))
    assert fired(desk, id_) == [("agent", at(10)), ("leader", at(11)), ("manager", at(13))]
    forget_marks(desk)
    task = desk.task(id_)
    desk.do("admin", tasks.patch, id_, task.version, {"due_at": at(12, day=4)})
    desk.pass_to(at(16, day=4))
    assert fired(desk, id_)[-1] == ("manager", at(12, day=4))


# ── of which promise it fired ────────────────────────────────────────────────────────────────────────────────────────
def test_a_second_date_that_passes_is_escalated_too_and_once(make: Make) -> None:
    desk = make(QUARTER, HALF, LATE)
    id_ = desk.make()
    desk.pass_to(at(14))
    desk.do("admin", tasks.patch, id_, desk.task(id_).version, {"due_at": at(12, day=4)})
    desk.pass_to(at(11, day=4))
    # A quarter of the new time had passed when it was last said.
    assert fired(desk, id_)[3:] == [("leader", at(10, 30, day=3))]
    for now in (at(12, day=4), at(16, day=4), at(16, day=6)):
        desk.pass_to(now)
        assert fired(desk, id_)[4:] == [("manager", at(12, day=4))]


def test_a_date_taken_away_leaves_the_promise_that_comes_after_it(make: Make) -> None:
    desk = make(LATE)
    id_ = desk.make(due_at=at(11))
    desk.pass_to(at(11, 30))
    desk.do("admin", tasks.patch, id_, desk.task(id_).version, {"due_at": None})
    desk.pass_to(at(16))
    assert fired(desk, id_) == [("manager", at(11)), ("manager", at(13))]


def test_an_earlier_date_says_nothing_again(make: Make) -> None:
    desk = make(HALF, LATE)
    id_ = desk.make()
    desk.pass_to(at(14))
    desk.do("admin", tasks.patch, id_, desk.task(id_).version, {"due_at": at(12)})
    desk.pass_to(at(16, day=3))
    assert fired(desk, id_) == [("leader", at(11)), ("manager", at(13))]


@pytest.mark.parametrize("business", [True, False])
def test_a_pause_that_moves_the_due_time_says_nothing_again(make: Make, *, business: bool) -> None:
    desk = make(replace(HALF, business_time=business), LATE)
    id_, token = desk.started("ana")
    desk.pass_to(at(11))
    token = desk.token(id_) if desk.lease(id_) else desk.do("ana", tasks.resume, id_)[1].token
    desk.do("ana", tasks.pause, id_, "customer", at(14), token)
    desk.pass_to(at(13))
    desk.do("ana", tasks.resume, id_)
    desk.pass_to(at(14, 59))
    assert [asked for asked, _ in fired(desk, id_) if asked == "leader"] == ["leader"]
    desk.pass_to(at(16))
    assert fired(desk, id_)[-1] == ("manager", at(15))


def test_a_longer_promise_in_the_files_says_nothing_again(make: Make) -> None:
    desk = make(HALF, LATE)
    id_ = desk.make()
    desk.pass_to(at(14))
    longer = house(HALF, LATE, hash_="second")
    sla = {**longer.sla, "standard": replace(longer.sla["standard"], completion=parse_target("8h"))}
    adopt(desk, replace(longer, sla=sla))
    assert desk.task(id_).due_at == at(17)
    desk.pass_to(at(17, day=5))
    assert fired(desk, id_) == [("leader", at(11)), ("manager", at(13))]


def test_work_done_late_and_opened_again_escalates_when_its_new_date_passes(make: Make) -> None:
    desk = make(LATE)
    id_, _ = desk.started("ana")
    desk.pass_to(at(14))
    token = desk.token(id_) if desk.lease(id_) else desk.do("ana", tasks.resume, id_)[1].token
    desk.do("ana", tasks.complete, id_, token)
    desk.pass_to(at(9, day=4))
    desk.do("admin", tasks.reopen, id_)
    desk.drain()
    assert fired(desk, id_) == [("manager", at(13))]
    desk.do("admin", tasks.patch, id_, desk.task(id_).version, {"due_at": at(12, day=4)})
    desk.pass_to(at(15, day=4))
    assert fired(desk, id_) == [("manager", at(13)), ("manager", at(12, day=4))]
