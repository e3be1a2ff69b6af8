"""Who is in the pool under each staffing model, and which parameters it takes."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from taskhub.assignment.model import AgentFacts, QueueFacts
from taskhub.assignment.models.dedicated import dedicated
from taskhub.assignment.models.rotating import rotating
from taskhub.assignment.seams import PoolAsk

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)  # a Monday
ANN, BOB = AgentFacts("ann", "red"), AgentFacts("bob", "blue")
BLOCK = {"mon": ["09:00-11:00"]}


def refused(model: Any, params: dict[str, Any], *agents: AgentFacts, now: datetime = NOW) -> dict[str, str]:
    queue = QueueFacts("desk", ("red", "blue"), model=model.name, params=params)
    return dict(model.refused(PoolAsk(queue, agents, now)))


def test_dedicated_is_the_specialist_team_and_nobody_else() -> None:
    assert refused(dedicated, {"team": "red"}, ANN, BOB) == {"bob": "not_in_pool"}
    assert refused(dedicated, {}, ANN, BOB) == {}


def test_rotating_takes_everybody_of_its_teams() -> None:
    assert refused(rotating, {}, ANN, BOB) == {}
    assert refused(rotating, {"teams": ["blue"]}, ANN, BOB) == {"ann": "not_in_pool"}


def test_customers_come_first() -> None:
    waiting = replace(ANN, front_line_waiting=True)
    assert refused(rotating, {"protected_block": BLOCK}, waiting) == {"ann": "front_line_first"}


@pytest.mark.parametrize(
    ("params", "hour", "share", "reason"),
    [
        ({"protected_block": BLOCK}, 10, 0.9, None),
        ({"protected_block": BLOCK}, 11, 0.0, "share_used"),
        ({"share_of_shift": 0.25}, 15, 0.24, None),
        ({"share_of_shift": 0.25}, 15, 0.25, "share_used"),
        ({"share_of_shift": 0.25, "protected_block": BLOCK}, 10, 0.9, None),
        ({"share_of_shift": 0.25, "protected_block": BLOCK}, 15, 0.1, None),
        ({"share_of_shift": 0.25, "protected_block": BLOCK}, 15, 0.9, "share_used"),
    ],
)
def test_back_office_work_has_its_block_or_its_share(
    params: dict[str, Any], hour: int, share: float, reason: str | None
) -> None:
    found = refused(rotating, params, replace(ANN, share_served=share), now=NOW.replace(hour=hour))
    assert found.get("ann") == reason


@pytest.mark.parametrize(
    ("model", "params", "wrong"),
    [
        (dedicated, {}, ["team"]),
        (dedicated, {"team": "green"}, ["team"]),
        (dedicated, {"team": "red", "teams": []}, ["teams"]),
        (rotating, {"teams": ["red", "green"]}, ["teams"]),
        (rotating, {"share_of_shift": 0}, ["share_of_shift"]),
        (rotating, {"share_of_shift": "half"}, ["share_of_shift"]),
        (rotating, {"protected_block": {"monday": ["09:00-11:00"]}}, ["protected_block.monday"]),
        (rotating, {"protected_block": {"mon": ["11-12"]}, "ring": 1}, ["ring", "protected_block.mon[0]"]),
        (rotating, {"share_of_shift": 1, "protected_block": BLOCK, "teams": ["red"]}, []),
    ],
)
def test_parameters_are_checked(model: Any, params: dict[str, Any], wrong: list[str]) -> None:
    assert [name for name, _ in model.check(params, ("red", "blue"))] == wrong
