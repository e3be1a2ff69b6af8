"""A step lets another team in: its people are offered the task at once, by push as by pull."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from taskhub.calendars import parse_target
from taskhub.db.tables import escalation
from taskhub.policy.promise import EscalationPolicy, SlaPolicy, Step
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)


@pytest.fixture(params=["push", "pull"])
def desk(request: pytest.FixtureRequest, database_url: str) -> Iterator[Desk]:
    queue = org.queue("desk", mode=request.param, calendar="always")
    kinds = (Kind("contract", LocalText("Contract"), "desk", sla="standard"),)
    ladder = EscalationPolicy("late", (Step(overdue_for=HOUR, widen=("helpers",)),))
    other = org.queue("other", teams=("helpers",), calendar="always", staffing=Staffing("rotating"))
    set_ = org.policies(
        queues=(queue, other), kinds=kinds, escalations={"late": ladder},
        sla={"standard": SlaPolicy("standard", parse_target("4h"), escalation="late")},
    )  # fmt: skip
    one = Desk(database_url, set_)
    one.staff("specialists", "ana", capacity=1)
    one.staff("helpers", "hal", capacity=1)
    one.do("admin", _leader)
    yield one
    one.db.close()


def _leader(tx: object) -> None:
    from taskhub.agents import service as agents

    agents.patch_team(tx, "helpers", {"leader": "hal"})  # type: ignore[arg-type]


def taken(desk: Desk) -> str | None:
    """What hal is given, or takes."""
    if desk.policies.queues["desk"].mode == "pull":
        claim = desk.claim("hal")
        return claim.task.id if claim.task else None
    held = [row.id for row in desk.rows_of("contract") if row.agent == "hal" and row.state == "assigned"]
    return held[0] if held else None


def test_the_new_people_get_it_at_once_and_not_before(desk: Desk) -> None:
    first = desk.make("contract")
    desk.drain()
    if desk.policies.queues["desk"].mode == "pull":
        desk.claim("ana")
    waiting = desk.make("contract")
    desk.forward(hours=4, minutes=59)
    assert desk.task(waiting).state == "queued"
    assert taken(desk) is None
    desk.forward(minutes=1)
    assert desk.task(waiting).extra_teams == ["helpers"]
    assert taken(desk) == waiting
    (row,) = [row for row in desk.rows(escalation) if row.task == waiting]
    assert row.effects["widened"] == {"teams": ["helpers"], "asked": ["helpers"]}
    assert [one["change"]["extra_teams"] for one in desk.history(waiting, "widen")] == [["helpers"]]
    assert desk.task(first).agent == "ana"


def test_who_is_busy_when_it_is_opened_gets_it_when_they_are_free(desk: Desk) -> None:
    desk.do("admin", tasks.assign, desk.make("contract"), "ana")
    busy, waiting = desk.make("contract"), desk.make("contract")
    desk.do("admin", tasks.assign, busy, "hal")
    desk.forward(hours=5)
    assert (desk.task(waiting).state, desk.task(waiting).extra_teams) == ("queued", ["helpers"])
    token = desk.do("hal", tasks.start, busy)[1].token
    desk.do("hal", tasks.complete, busy, token)
    desk.drain()
    assert taken(desk) == waiting


def test_a_change_of_kind_keeps_the_door_open(desk: Desk) -> None:
    desk.do("admin", tasks.assign, desk.make("contract"), "ana")
    made = desk.make("contract")
    desk.do("admin", tasks.assign, desk.make("contract"), "hal")
    desk.forward(hours=5)
    assert desk.task(made).extra_teams == ["helpers"]
    before = desk.task(made).shape
    desk.do("admin", tasks.change_kind, made, "contract", "again")
    assert desk.task(made).shape == before
