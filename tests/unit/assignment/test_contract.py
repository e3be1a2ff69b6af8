"""Built-ins keep the contract, and the contract notices who does not."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from taskhub.assignment.model import QueueFacts, Score, TaskFacts
from taskhub.assignment.models.dedicated import dedicated
from taskhub.assignment.models.rotating import rotating
from taskhub.assignment.seams import PlainStrategy, PoolAsk
from taskhub.assignment.standing import Standing
from taskhub.assignment.strategies.least_loaded import LeastLoaded, least_loaded
from taskhub.assignment.strategies.round_robin import round_robin
from taskhub.tasks.shape import Shape
from taskhub.testing.strategy_contract import ModelContract, StrategyContract, checks


class TestLeastLoaded(StrategyContract):
    strategy = least_loaded


class TestRoundRobin(StrategyContract):
    strategy = round_robin


class TestDedicated(ModelContract):
    model = dedicated
    params: ClassVar = {"team": "back"}


class TestDedicatedToTheOnlyTeam(ModelContract):
    model = dedicated
    teams = ("back",)


class TestRotating(ModelContract):
    model = rotating
    params: ClassVar = {"teams": ["office"], "share_of_shift": 0.25, "protected_block": {"mon": ["09:30-11:00"]}}


class TestRotatingAtAnyTime(ModelContract):
    model = rotating


class Weighted(PlainStrategy):
    """In turn by weight: the seam holds for strategies that keep their state in the turn."""

    name = "weighted"
    version = "1"
    parts: tuple[str, ...] = ()
    cycle = 1000

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        return ()

    def next_turn(self, own: int, end: int, who: Standing, queue: QueueFacts) -> int:
        weight = queue.strategy_params.get("weights", {}).get(who.facts.team, 1)
        return int(max(own, end - self.cycle) + self.cycle / weight)


class TestWeighted(StrategyContract):
    strategy = Weighted()
    params: ClassVar = {"weights": {"back": 2}}


class Knows(LeastLoaded):
    """A favourite goes first."""

    name = "knows"

    def favourite(self, task: TaskFacts, queue: QueueFacts) -> str | None:
        return "agent-1"


class TestKnows(StrategyContract):
    strategy = Knows()


class ById(LeastLoaded):
    name = "by_id"

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        return (len(who.key), hash(who.key) % 7)


class Shrinking(LeastLoaded):
    name = "shrinking"

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        return (-who.load, -who.given_today)


class Meddling(LeastLoaded):
    name = "meddling"

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        if isinstance(who.facts.skills, dict):
            who.facts.skills["meddled"] = 1
        return (0, 0)


class Stuck(LeastLoaded):
    name = "stuck"

    def next_turn(self, own: int, end: int, who: Standing, queue: QueueFacts) -> int:
        return own


@pytest.mark.parametrize(
    ("strategy", "notices"),
    [
        (ById(), "test_ties_are_not_settled_by_id_or_name"),
        (Shrinking(), "test_keys_are_numbers_named_by_parts_and_never_shrink"),
        (Meddling(), "test_input_is_left_alone"),
        (Stuck(), "test_a_gift_moves_the_turn_back"),
    ],
)
def test_the_contract_notices(strategy: LeastLoaded, notices: str) -> None:
    contract = StrategyContract()
    contract.strategy = strategy
    with pytest.raises(AssertionError):
        dict(checks(contract))[notices]()


class Crowd:
    """Looks beyond the person: a claim, which asks about one, would get another answer."""

    name = "crowd"
    version = "1"

    def refused(self, ask: PoolAsk) -> Mapping[str, str]:
        return {agent.key: "crowded" for agent in ask.agents[3:]}

    def check(self, params: Mapping[str, Any], teams: Any) -> Any:
        return iter(())


def test_the_contract_notices_models_that_look_around() -> None:
    contract = ModelContract()
    contract.model = Crowd()
    with pytest.raises(AssertionError):
        contract.test_asked_one_by_one_it_answers_the_same()
    with pytest.raises(AssertionError):
        contract.test_unknown_parameters_are_named()
