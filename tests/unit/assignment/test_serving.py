"""Queues of the policy files as a decision sees them, and what is wrong with their staffing."""

from taskhub.assignment.registry import built_ins
from taskhub.assignment.serving import complaints, served, shape_of
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Queue, Staffing


def queue(model: str, strategy: str = "least_loaded", **params: object) -> Queue:
    return Queue("desk", LocalText("Desk"), ("red", "blue"), "office", Staffing(model, params, strategy))


def test_a_queue_is_served_as_its_file_says_until_a_switch() -> None:
    facts = served(queue("dedicated", team="red"), built_ins())
    assert (facts.model, facts.params, facts.strategy, facts.pull) == (
        "dedicated",
        {"team": "red"},
        "least_loaded",
        True,
    )
    assert (facts.model_version, facts.strategy_version, facts.turn_key) == ("1", "1", "desk")
    switched = served(queue("dedicated", team="red"), built_ins(), switch=Staffing("rotating", {}, "round_robin"))
    assert (switched.model, switched.params, switched.strategy) == ("rotating", {}, "round_robin")


def test_complaints_name_the_path_and_the_nearest_name() -> None:
    assert list(complaints(queue("dedicated", team="red"), built_ins())) == []
    found = list(complaints(queue("rotatin", "least_loades"), built_ins()))
    assert [(path, hint) for path, _, hint in found] == [
        ("staffing.strategy", "least_loaded"),
        ("staffing.model", "rotating"),
    ]
    assert [path for path, _, _ in complaints(queue("dedicated", team="green"), built_ins())] == [
        "staffing.params.team"
    ]


def test_a_rule_raises_what_a_kind_asks() -> None:
    kind = Kind("contract", LocalText("Contract"), "desk", level=2, requires={"region": "north"}, skill="law")
    plain = shape_of(kind)
    assert (plain.queue, plain.kind, plain.skill, plain.level) == ("desk", "contract", "law", 2)
    raised = shape_of(kind, level=3, requires={"language": "de"}, extra_teams=("help",))
    assert raised.requires == (("language", "de"), ("region", "north"))
    assert (raised.level, raised.extra_teams) == (3, ("help",))
    assert shape_of(kind, level=1).level == 2
