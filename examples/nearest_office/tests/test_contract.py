"""The contract suites taskhub ships, and what this plug-in is for."""

from datetime import UTC, datetime

from taskhub.assignment.model import AgentFacts, QueueFacts
from taskhub.assignment.seams import PoolAsk
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape
from taskhub.testing.strategy_contract import ModelContract, StrategyContract

from taskhub_nearest_office.model import office_hours
from taskhub_nearest_office.strategy import nearest_office

PARIS, LYON, LILLE = [48.86, 2.35], [45.76, 4.84], [50.63, 3.06]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class TestStrategy(StrategyContract):
    strategy = nearest_office
    params = {"place": PARIS}


class TestModel(ModelContract):
    model = office_hours


def test_the_nearest_come_first_and_the_lighter_load_of_equals() -> None:
    queue = QueueFacts("paris", ("back",), strategy="nearest_office", strategy_params={"place": PARIS})
    people = [
        AgentFacts("lyon", "back", attributes={"place": LYON}),
        AgentFacts("busy", "back", attributes={"place": PARIS}, load=3),
        AgentFacts("free", "back", attributes={"place": PARIS}),
        AgentFacts("lille", "back", attributes={"place": LILLE}),
        AgentFacts("anywhere", "back"),
    ]
    shape = Shape("paris", "contract", "contract")
    ranked = sorted(people, key=lambda agent: nearest_office.key(Standing(agent, NOON), shape, queue))
    assert [agent.key for agent in ranked] == ["free", "busy", "lille", "lyon", "anywhere"]


def test_people_whose_office_is_shut_are_not_asked() -> None:
    people = [
        AgentFacts("paris", "back", time_zone="Europe/Paris"),
        AgentFacts("tokyo", "back", time_zone="Asia/Tokyo"),
    ]
    ask = PoolAsk(QueueFacts("desk", ("back",)), people, NOON)
    assert office_hours.refused(ask) == {"tokyo": "not_in_pool"}


def test_parameters_that_make_no_sense_are_named() -> None:
    assert [name for name, _ in office_hours.check({"opens_at": 18, "closes_at": 8}, ("back",))] == ["closes_at"]
    assert [name for name, _ in office_hours.check({"opens_at": 8.5}, ("back",))] == ["opens_at"]
    assert [name for name, _ in nearest_office.check({"place": [91, 0], "near_km": 0})] == ["place", "near_km"]
