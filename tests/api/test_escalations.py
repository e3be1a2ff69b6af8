"""What fired for a task and what will, who was told instead of whom, and that acknowledging can be taken back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from taskhub.calendars import parse_target
from taskhub.escalation import upcoming
from taskhub.policy.promise import EscalationPolicy, SlaPolicy, Step
from taskhub.testing.clock import MONDAY, SetClock
from taskhub.testing.drain import drain
from tests.api import house as houses
from tests.api.client import code
from tests.api.house import House, open_house

REHEARSAL = "/api/v1/escalations/rehearsal"
HOUR = timedelta(hours=1)


@pytest.fixture
def house(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    steps = (Step(at_fraction=0.5, notify=("agent",)), Step(overdue_for=HOUR, notify=("leader",), raise_priority=1))
    plain = houses.policies()
    set_ = replace(
        plain, sla={"standard": SlaPolicy("standard", parse_target("4h"), escalation="late")},
        escalations={"late": EscalationPolicy("late", steps)},
    )  # fmt: skip
    monkeypatch.setattr(houses, "policies", lambda: set_)
    with open_house(database_url) as one:
        one.db.clock = SetClock()
        yield one


def test_a_manager_sees_what_will_escalate_in_their_queues(house: House) -> None:
    task = house.task()
    far = house.task("customs")
    drain(house.db)
    found = house.of("lea").ok("GET", REHEARSAL)
    assert [(one["task"], one["step"], one["escalation"]) for one in found["items"]] == [
        (task, 1, "late"),
        (task, 2, "late"),
    ]
    first, second = found["items"]
    assert first["tells"][0] == {
        "asked": "agent", "agent": "lea", "name": "Lea", "instead_of": None, "because": "nobody_holds_it",
        "at_work": True, "why_not": None,
    }  # fmt: skip
    assert second["does"] == {"raise_priority": 1}
    assert [one["step"] for one in house.of("lea").ok("GET", f"{REHEARSAL}?hours=3")["items"]] == [1]
    assert {one["task"] for one in house.of("admin").ok("GET", REHEARSAL)["items"]} == {task, far}
    assert {one["task"] for one in house.of("admin").ok("GET", f"{REHEARSAL}?queue=far")["items"]} == {far}
    assert code(house.of("lea").get(f"{REHEARSAL}?queue=far")) == (404, "not_found")
    assert code(house.of("zoe").get(REHEARSAL)) == (403, "forbidden")
    for wrong in ("0", "-1", "400", "soon", "nan"):
        assert house.of("admin").get(f"{REHEARSAL}?hours={wrong}").status_code == 422, wrong


def test_work_of_other_queues_takes_no_place_in_a_rehearsal(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        house.task()
    house.db.clock = SetClock(MONDAY + HOUR)
    far = house.task("customs")
    drain(house.db)
    monkeypatch.setattr(upcoming, "MOST_TASKS", 2)
    found = house.of("admin").ok("GET", f"{REHEARSAL}?queue=far")
    assert ({one["task"] for one in found["items"]}, found["more"]) == ({far}, False)
    assert house.of("admin").ok("GET", REHEARSAL)["more"]


def test_acknowledging_is_undone_like_any_act(house: House) -> None:
    task, _ = house.taken("zoe") if house.task() else ("", 0)
    drain(house.db)
    zoe = house.of("zoe")
    shown = zoe.ok("POST", f"/api/v1/tasks/{task}/acknowledge")["task"]
    assert shown["acknowledged_by"] == "zoe"
    assert shown["acknowledged_at"]
    drain(house.db)
    assert house.of("lea").ok("GET", REHEARSAL)["items"] == []
    record = zoe.ok("GET", f"/api/v1/tasks/{task}/escalations")
    assert (record["items"], record["acknowledged"]["by"]) == ([], "zoe")
    act = next(one for one in zoe.ok("GET", "/api/v1/acts")["items"] if one["kind"] == "task.acknowledge")
    assert act["can_undo"]
    zoe.ok("POST", f"/api/v1/acts/{act['id']}/undo")
    assert zoe.ok("GET", f"/api/v1/tasks/{task}")["acknowledged_by"] is None
    drain(house.db)
    assert len(house.of("lea").ok("GET", REHEARSAL)["items"]) == 2
