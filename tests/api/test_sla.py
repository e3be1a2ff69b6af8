"""``/tasks/{id}/sla``, and what tasks show of their promises."""

from __future__ import annotations

from datetime import datetime

from tests.api.client import code
from tests.api.house import House


def test_how_the_time_of_a_task_was_counted(any_house: House) -> None:
    made = any_house.task()
    zoe = any_house.of("zoe")
    token = zoe.ok("POST", "/api/v1/tasks/claim", {"queues": ["desk"]})["lease"]["token"]
    zoe.ok("POST", f"/api/v1/tasks/{made}/pause", {"reason": "waiting_customer", "lease_token": token})
    said = zoe.ok("GET", f"/api/v1/tasks/{made}/sla")
    assert (said["task"], said["time_zone"], said["state"]) == (made, "UTC", "paused")
    (clock,) = said["clocks"]
    assert (clock["target"], clock["promise"], clock["state"], clock["due_at"]) == ("completion", "4h", "paused", None)
    parts = clock["counted_s"] + clock["paused_s"] + clock["closed_s"]
    assert round(parts, 6) == round(clock["total_s"], 6) > 0
    ends = [datetime.fromisoformat(one["from"]) for one in clock["intervals"][1:]]
    assert ends == [datetime.fromisoformat(one["to"]) for one in clock["intervals"][:-1]]
    assert clock["intervals"][-1].keys() == {"from", "to", "counted", "why", "reason", "by", "text"}
    french = zoe.ok("GET", f"/api/v1/tasks/{made}/sla?language=fr")
    assert french["clocks"][0]["state_text"] == "délai suspendu"
    shown = zoe.ok("GET", f"/api/v1/tasks/{made}")
    assert (shown["first_start"], shown["paused"]["reason"]) == (None, "waiting_customer")
    assert shown.keys() >= {"remind_at", "first_start"}


def test_who_does_not_see_the_task_does_not_see_its_clock(house: House) -> None:
    made = house.task()
    assert code(house.of("zoe").get("/api/v1/tasks/none/sla")) == (404, "not_found")
    assert house.of("zoe").get(f"/api/v1/tasks/{made}/sla?language=de").status_code == 422
