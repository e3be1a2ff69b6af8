"""Built-ins keep the contract, and the contract notices who does not."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from taskhub.assignment.model import QueueFacts, Score, TaskFacts
from taskhub.assignment.models.chain import chain
from taskhub.assignment.models.dedicated import dedicated
from taskhub.assignment.models.duty_rota import duty_rota
from taskhub.assignment.models.overflow import overflow
from taskhub.assignment.models.rotating import rotating
from taskhub.assignment.models.share import share
from taskhub.assignment.registry import built_ins
from taskhub.assignment.seams import PoolAsk
from taskhub.assignment.standing import Standing
from taskhub.assignment.strategies.best_skill import best_skill
from taskhub.assignment.strategies.expected_work import expected_work
from taskhub.assignment.strategies.fairness import fairness
from taskhub.assignment.strategies.least_loaded import LeastLoaded, least_loaded
from taskhub.assignment.strategies.longest_idle import longest_idle
from taskhub.assignment.strategies.round_robin import round_robin
from taskhub.assignment.strategies.sticky import sticky
from taskhub.assignment.strategies.weighted_round_robin import weighted_round_robin
from taskhub.tasks.shape import Shape
from taskhub.testing.strategy_contract import ModelContract, StrategyContract, checks


class TestLeastLoaded(StrategyContract):
    strategy = least_loaded


class TestRoundRobin(StrategyContract):
    strategy = round_robin


class TestWeightedRoundRobin(StrategyContract):
    strategy = weighted_round_robin
    params: ClassVar = {"weights": {"agent-1": 3, "agent-2": 7, "agent-4": 20}}


class TestWeightedByCapacity(StrategyContract):
    strategy = weighted_round_robin
    params: ClassVar = {"weights": "capacity"}


class TestExpectedWork(StrategyContract):
    strategy = expected_work


class TestLongestIdle(StrategyContract):
    strategy = longest_idle


class TestBestSkill(StrategyContract):
    strategy = best_skill


class TestFairness(StrategyContract):
    strategy = fairness
    params: ClassVar = {"hard": 30, "late": 0}


class TestSticky(StrategyContract):
    strategy = sticky


class TestStickyThatWaits(StrategyContract):
    strategy = sticky
    params: ClassVar = {"wait": "30m", "fallback": "longest_idle"}


class TestStickyInTurn(StrategyContract):
    strategy = sticky
    params: ClassVar = {"wait": "2h", "fallback": "round_robin"}


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


class TestDutyRota(ModelContract):
    model = duty_rota
    params: ClassVar = {"teams": ["office", "back"], "slice": "half_day", "kinds_per_slice": 2, "people_per_kind": 3}


class TestOverflow(ModelContract):
    model = overflow
    params: ClassVar = {"team": "back", "overflow_teams": ["office"], "at_risk_fraction": 0.3}


class TestChain(ModelContract):
    model = chain
    params: ClassVar = {"ring": ["offer", "contract"]}


class TestShare(ModelContract):
    model = share
    params: ClassVar = {"weights": {"back": 3, "office": 1}}
    lanes = ("back", "office", "gone")


class TestShareOfPools(ModelContract):
    model = share
    params: ClassVar = {"weights": {"seniors": 2, "juniors": 1}, "pools": {"seniors": ["back"], "juniors": ["office"]}}
    lanes = ("seniors", "juniors")


def test_every_built_in_is_held_to_its_contract() -> None:
    held = [*StrategyContract.__subclasses__(), *ModelContract.__subclasses__()]
    names = {(one.strategy if issubclass(one, StrategyContract) else one.model).name for one in held}
    assert {*built_ins().strategy_names, *built_ins().model_names} <= names


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
