"""Queues of the policy files as a decision sees them, and what is wrong with their staffing."""

from dataclasses import replace
from types import SimpleNamespace

from taskhub.assignment.model import PoolState, QueueFacts
from taskhub.assignment.registry import Plugins, built_ins
from taskhub.assignment.serving import EVERY_FACT, complaints, needs, served, shape_of
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


def test_ceilings_come_from_the_kinds_of_the_queue() -> None:
    kinds = [
        Kind("offer", LocalText("Offer"), "desk", variety_ceiling=3),
        Kind("contract", LocalText("Contract"), "desk"),
        Kind("refund", LocalText("Refund"), "elsewhere", variety_ceiling=1),
    ]
    state = PoolState(open=False)
    facts = served(queue("dedicated", team="red"), built_ins(), kinds=kinds, pool_state=state)
    assert (facts.ceilings, facts.pool_state) == ({"offer": 3}, state)


def test_a_switch_that_keeps_the_strategy_keeps_its_parameters() -> None:
    staffing = Staffing("rotating", strategy="sticky", strategy_params={"wait": "30m"})
    desk = replace(queue("rotating"), staffing=staffing)
    assert served(desk, built_ins()).strategy_params == {"wait": "30m"}
    for switch, params in (
        (Staffing("dedicated", {"team": "red"}, "sticky"), {"wait": "30m"}),
        (Staffing("dedicated", {"team": "red"}, "sticky", {"wait": "1h"}), {"wait": "1h"}),
        (Staffing("dedicated", {"team": "red"}, "fairness"), {}),
    ):
        assert served(desk, built_ins(), switch=switch).strategy_params == params


def test_strategies_judge_their_parameters_and_models_name_kinds_of_the_queue() -> None:
    desk = replace(
        queue("chain", ring=["offer", "contrct"]), staffing=Staffing("chain", {"ring": ["offer", "contrct"]})
    )
    kinds = [Kind(key, LocalText(key), "desk") for key in ("offer", "contract")]
    kinds.append(Kind("contrct", LocalText("Elsewhere"), "other"))
    assert list(complaints(desk, built_ins(), kinds)) == [
        ("staffing.params.ring", "'contrct' is no kind of this queue; its kinds: offer, contract", "contract")
    ]
    assert list(complaints(desk, built_ins())) == []
    wrong = replace(desk, staffing=Staffing("chain", {"ring": 1}, "fairness", {"hard": -1}))
    assert [path for path, _, _ in complaints(wrong, built_ins(), kinds)] == [
        "staffing.strategy_params.hard",
        "staffing.params.ring",
    ]


def test_what_has_to_be_loaded_is_what_model_and_strategy_ask_for() -> None:
    def asked(**staffing: object) -> frozenset[str]:
        return needs(QueueFacts("desk", ("red",), **staffing), built_ins())  # type: ignore[arg-type]

    assert asked() == frozenset()
    assert asked(strategy="longest_idle") == {"idle_since"}
    assert asked(model="rotating") == {"front_line_waiting", "share_served"}
    assert asked(strategy="sticky", strategy_params={"fallback": "expected_work"}) == {
        "load_minutes",
        "minutes_by_kind",
    }
    assert asked(ceilings={"offer": 1}) == {"kinds_today"}
    silent = SimpleNamespace(name="silent", version="1", key=lambda *_: ())
    foreign = Plugins({("silent", "1"): silent}, built_ins().models)  # type: ignore[dict-item]
    assert needs(QueueFacts("desk", ("red",), strategy="silent"), foreign) == EVERY_FACT


def test_a_rule_raises_what_a_kind_asks() -> None:
    kind = Kind("contract", LocalText("Contract"), "desk", level=2, requires={"region": "north"}, skill="law")
    plain = shape_of(kind)
    assert (plain.queue, plain.kind, plain.skill, plain.level) == ("desk", "contract", "law", 2)
    raised = shape_of(kind, level=3, requires={"language": "de"}, extra_teams=("help",))
    assert raised.requires == (("language", "de"), ("region", "north"))
    assert (raised.level, raised.extra_teams) == (3, ("help",))
    assert shape_of(kind, level=1).level == 2


RELEASED = {
    ("dedicated", "1"): (),
    ("rotating", "1"): ("front_line_waiting", "share_served"),
    ("duty_rota", "1"): (),
    ("overflow", "1"): (),
    ("chain", "1"): (),
    ("share", "1"): (),
    ("least_loaded", "1"): (),
    ("round_robin", "1"): (),
    ("weighted_round_robin", "1"): (),
    ("expected_work", "1"): ("load_minutes", "minutes_by_kind"),
    ("longest_idle", "1"): ("idle_since",),
    ("best_skill", "1"): (),
    ("sticky", "1"): (),
    ("fairness", "1"): ("ledger", "credit", "minutes_by_kind"),
}


def test_names_versions_and_needs_of_the_built_ins_are_a_promise() -> None:
    """What was decided under a version must stay re-runnable, so a change of it is a decision, never a slip."""
    found = {**built_ins().models, **built_ins().strategies}
    assert {key: plugin.needs for key, plugin in found.items()} == RELEASED  # type: ignore[attr-defined]
    assert all((plugin.name, plugin.version) == key for key, plugin in found.items())
    fields = {name for needed in RELEASED.values() for name in needed}
    assert fields <= EVERY_FACT
