"""Limits of a person and the ramp after an absence, as clients say them."""

from __future__ import annotations

import pytest

from tests.api.client import code
from tests.api.house import House

AGENTS = "/api/v1/agents"
LEAVE = {"from": "2190-05-01T00:00:00Z", "until": "2190-05-09T00:00:00Z"}


def test_limits_are_set_and_shown(any_house: House) -> None:
    admin = any_house.of("admin")
    queue = admin.ok("GET", "/api/v1/queues")["items"][0]["key"]
    limits = {"capacity_minutes": 240, "queue_caps": {queue: 2}, "learning": ["contract"]}
    shown = admin.ok("PATCH", f"{AGENTS}/zoe", limits)
    assert {name: shown[name] for name in limits} == limits
    assert admin.ok("PATCH", f"{AGENTS}/zoe", {"capacity_minutes": None})["capacity_minutes"] is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"capacity": 0}, "above 0"),
        ({"capacity": -1}, "above 0"),
        ({"capacity_minutes": 0}, "above 0"),
        ({"queue_caps": {"nowhere": 1}}, "is no queue"),
        ({"queue_caps": {"contracts": 0}}, "from 1 to 1000"),
    ],
)
def test_limits_out_of_range_are_refused_with_the_range(any_house: House, body: dict[str, object], words: str) -> None:
    answer = any_house.of("admin").patch(f"{AGENTS}/zoe", body)
    assert code(answer) == (422, "invalid_input")
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(("said", "seconds"), [("4h", 14_400), ("0", 0), (None, None)])
def test_the_ramp_after_an_absence(any_house: House, said: str | None, seconds: float | None) -> None:
    body = LEAVE | ({"ramp_for": said} if said is not None else {})
    assert any_house.of("zoe").ok("POST", f"{AGENTS}/zoe/absences", body)["ramp_for_s"] == seconds


@pytest.mark.parametrize("said", ["soon", "8d", "-1h", ""])
def test_a_ramp_that_is_none(any_house: House, said: str) -> None:
    answer = any_house.of("zoe").post(f"{AGENTS}/zoe/absences", LEAVE | {"ramp_for": said})
    assert code(answer) == (422, "invalid_input")
