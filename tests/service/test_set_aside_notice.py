"""Work set aside at the end of its lease: the leader hears of it when the queue's time has passed, as it is by then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from taskhub.calendars import Opening
from taskhub.escalation import service
from taskhub.policy.policies import Policies
from taskhub.tasks import service as tasks
from tests.service.desk import Desk
from tests.service.test_sla_policies import adopt, at, policies

HOLD = timedelta(hours=4)


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    made = Desk(sqlite_url, house(HOLD))
    made.staff("front", "ana", "lea")
    made.led_by("lea")
    yield made
    made.db.close()


def house(hold_for: timedelta, hash_: str = "test", **hours: str) -> Policies:
    base = policies()
    queues = {**base.queues, "front": replace(base.queues["front"], hold_for=hold_for)}
    office = base.calendars["office"]
    weekly = {**office.weekly, **{day: [Opening.parse(text)] for day, text in hours.items()}}
    calendars = {**base.calendars, "office": type(office)("office", "UTC", weekly)}
    return replace(base, hash=hash_, queues=queues, calendars=calendars)


def lapsed(desk: Desk) -> str:
    id_, _ = desk.started("ana")
    desk.forward(hours=1)
    assert desk.task(id_).paused_reason == "set_aside"
    return id_


def told(desk: Desk, id_: str, now: datetime) -> list[str | None]:
    """Whom the leader's notice has reached once everything due by then is done."""
    desk.clock.now = now
    desk.drain()
    with desk.db.read() as tx:
        return [row.agent for row in service.notices_of(tx, id_) if row.topic == "held"]


def test_a_longer_hold_tells_later_and_once(desk: Desk) -> None:
    id_ = lapsed(desk)
    begun = desk.task(id_).paused_at
    assert begun is not None
    adopt(desk, house(HOLD + timedelta(hours=2), "second"))
    assert told(desk, id_, begun + HOLD) == []
    assert told(desk, id_, begun + HOLD + timedelta(hours=2)) == ["lea"]
    adopt(desk, house(HOLD + timedelta(hours=3), "third"))
    assert told(desk, id_, at(16, day=6)) == ["lea"]


def test_other_hours_tell_when_they_say_so(desk: Desk) -> None:
    id_ = lapsed(desk)
    adopt(desk, house(HOLD, "second", mon="09:00-12:00", tue="13:00-17:00"))
    assert told(desk, id_, at(9, day=3)) == []
    assert told(desk, id_, at(16, 30, day=3)) == ["lea"]


def test_what_a_person_puts_aside_themselves_is_theirs(desk: Desk) -> None:
    id_ = lapsed(desk)
    token = desk.do("ana", tasks.resume, id_)[1].token
    desk.do("ana", tasks.pause, id_, "set_aside", at(16, day=4), token)
    assert told(desk, id_, at(16, day=3)) == []
