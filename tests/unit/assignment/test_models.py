"""Who is in the pool under each staffing model, and which parameters it takes."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from taskhub.assignment.model import AgentFacts, PoolState, QueueFacts
from taskhub.assignment.models.chain import chain, is_ring
from taskhub.assignment.models.dedicated import dedicated
from taskhub.assignment.models.duty_rota import duty_rota
from taskhub.assignment.models.overflow import overflow
from taskhub.assignment.models.rotating import rotating
from taskhub.assignment.models.share import pools_of, share
from taskhub.assignment.seams import PoolAsk

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)  # a Monday
ANN, BOB, CYD = AgentFacts("ann", "red"), AgentFacts("bob", "blue"), AgentFacts("cyd", "green")
BLOCK = {"mon": ["09:00-11:00"]}
TEAMS = ("red", "blue", "green")
HELP = {"team": "red", "overflow_teams": ["blue"]}


def refused(
    model: Any, params: dict[str, Any], *agents: AgentFacts, state: PoolState | None = None, **ask: Any
) -> dict[str, str]:
    queue = QueueFacts("desk", TEAMS, model=model.name, params=params, pool_state=state)
    return dict(model.refused(PoolAsk(queue, agents, **{"now": NOW, **ask})))


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
    ("state", "reason"),
    [(None, "pool_closed"), (PoolState(open=False), "pool_closed"), (PoolState(open=True), None)],
)
def test_help_is_in_while_the_pool_is_open(state: PoolState | None, reason: str | None) -> None:
    found = refused(overflow, HELP, ANN, BOB, CYD, state=state)
    assert found.get("bob") == reason
    assert "ann" not in found
    assert found["cyd"] == "not_in_pool"


def test_who_is_on_duty_serves_and_only_their_kinds() -> None:
    state = PoolState(members=frozenset({"ann", "bob"}), kinds={"ann": ("offer", "contract")})
    for kind in ("offer", "contract", ""):
        assert refused(duty_rota, {}, ANN, BOB, CYD, state=state, kind=kind) == {"cyd": "not_on_duty"}
    found = refused(duty_rota, {}, ANN, BOB, CYD, state=state, kind="renewal")
    assert found == {"ann": "other_kinds", "cyd": "not_on_duty"}


def test_until_a_rota_is_planned_everybody_of_its_teams_serves() -> None:
    params = {"teams": ["red", "blue"]}
    assert refused(duty_rota, params, ANN, BOB, CYD, kind="offer") == {"cyd": "not_in_pool"}
    nobody = PoolState(members=frozenset())
    found = refused(duty_rota, params, ANN, BOB, CYD, kind="offer", state=nobody)
    assert found == {"ann": "not_on_duty", "bob": "not_on_duty", "cyd": "not_in_pool"}


RING = {"ann": ["offer", "contract"], "bob": ["contract", "renewal"], "dan": ["renewal", "offer"]}


def test_a_chain_gives_everybody_two_kinds() -> None:
    def out(kind: str, params: dict[str, Any], state: PoolState | None = None) -> dict[str, str]:
        return refused(chain, params, ANN, BOB, CYD, kind=kind, state=state)

    assert out("offer", {"ring": RING}) == {"bob": "other_kinds", "cyd": "not_in_pool"}
    assert out("contract", {"ring": RING}) == {"cyd": "not_in_pool"}
    assert out("", {"ring": RING}) == {"cyd": "not_in_pool"}
    kinds = ["offer", "contract", "renewal"]
    placed = PoolState(kinds={"ann": ("offer", "contract"), "bob": ("contract", "renewal")})
    assert out("renewal", {"ring": kinds}, placed) == {"ann": "other_kinds"}
    assert out("", {"ring": kinds}, placed) == {}
    assert out("renewal", {"ring": kinds, "teams": ["red"]}) == {"bob": "not_in_pool", "cyd": "not_in_pool"}


def links(*pairs: str) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in pairs}


@pytest.mark.parametrize(
    ("pairs", "ring"),
    [
        (("ab",), True),
        (("ab", "bc", "ca"), True),
        (("ab", "bc", "cd", "da"), True),
        ((), False),
        (("ab", "bc"), False),
        (("ab", "cd"), False),
        (("ab", "bc", "ca", "ad"), False),
        (("ab", "bc", "ca", "de", "ef", "fd"), False),
        (("ab", "bc", "cd", "da", "ac"), False),
    ],
)
def test_a_ring_is_one_circle(pairs: tuple[str, ...], ring: bool) -> None:
    assert is_ring(links(*pairs)) is ring


def test_a_share_is_for_its_pool_and_undrawn_tasks_for_all_of_them() -> None:
    params = {"weights": {"red": 3, "blue": 1}}
    assert refused(share, params, ANN, BOB, CYD, lane="red") == {"bob": "other_pool", "cyd": "not_in_pool"}
    assert refused(share, params, ANN, BOB, CYD, lane="blue") == {"ann": "other_pool", "cyd": "not_in_pool"}
    for lane in ("", "green", "gone"):
        assert refused(share, params, ANN, BOB, CYD, lane=lane) == {"cyd": "not_in_pool"}
    pools = {"weights": {"a": 1, "b": 1}, "pools": {"a": ["red", "blue"], "b": ["green"]}}
    assert refused(share, pools, ANN, BOB, CYD, lane="a") == {"cyd": "other_pool"}
    assert pools_of({}) == {}


@pytest.mark.parametrize(
    ("model", "params", "wrong"),
    [
        (dedicated, {}, ["team"]),
        (dedicated, {"team": "black"}, ["team"]),
        (dedicated, {"team": "red", "teams": []}, ["teams"]),
        (rotating, {"teams": ["red", "black"]}, ["teams"]),
        (rotating, {"teams": []}, ["teams"]),
        (rotating, {"teams": "red"}, ["teams"]),
        (rotating, {"share_of_shift": 0}, ["share_of_shift"]),
        (rotating, {"share_of_shift": "half"}, ["share_of_shift"]),
        (rotating, {"share_of_shift": True}, ["share_of_shift"]),
        (rotating, {"protected_block": {"monday": ["09:00-11:00"]}}, ["protected_block.monday"]),
        (rotating, {"protected_block": {"mon": ["11-12"]}, "ring": 1}, ["ring", "protected_block.mon[0]"]),
        (rotating, {"share_of_shift": 1, "protected_block": BLOCK, "teams": ["red"]}, []),
        (overflow, {**HELP, "at_risk_fraction": 1}, []),
        (overflow, {**HELP, "at_risk_fraction": 0.01}, []),
        (overflow, {**HELP, "at_risk_fraction": 0}, ["at_risk_fraction"]),
        (overflow, {**HELP, "at_risk_fraction": 1.01}, ["at_risk_fraction"]),
        (overflow, {**HELP, "at_risk_fraction": "0.5"}, ["at_risk_fraction"]),
        (overflow, {**HELP, "at_risk_fraction": float("nan")}, ["at_risk_fraction"]),
        (overflow, {"team": "red"}, ["overflow_teams"]),
        (overflow, {"overflow_teams": ["blue"]}, ["team"]),
        (overflow, {"team": "red", "overflow_teams": []}, ["overflow_teams"]),
        (overflow, {"team": "red", "overflow_teams": ["red"]}, ["overflow_teams"]),
        (overflow, {"team": "red", "overflow_teams": ["blue", "black"], "slice": 1}, ["slice", "overflow_teams"]),
        (duty_rota, {}, []),
        (duty_rota, {"teams": ["red"], "slice": "week", "kinds_per_slice": 100, "people_per_kind": 1}, []),
        (duty_rota, {"teams": []}, ["teams"]),
        (duty_rota, {"teams": ["black"]}, ["teams"]),
        (duty_rota, {"slice": "month"}, ["slice"]),
        (duty_rota, {"slice": 1}, ["slice"]),
        (duty_rota, {"kinds_per_slice": 0}, ["kinds_per_slice"]),
        (duty_rota, {"kinds_per_slice": 101, "people_per_kind": 0}, ["kinds_per_slice", "people_per_kind"]),
        (duty_rota, {"kinds_per_slice": 1.5, "people_per_kind": True}, ["kinds_per_slice", "people_per_kind"]),
        (duty_rota, {"shift": 1}, ["shift"]),
        (chain, {"ring": RING}, []),
        (chain, {"ring": ["a", "b"]}, []),
        (chain, {"ring": ["a", "b", "c"], "teams": ["red"]}, []),
        (chain, {}, ["ring"]),
        (chain, {"ring": "a"}, ["ring"]),
        (chain, {"ring": ["a"]}, ["ring"]),
        (chain, {"ring": ["a", "b", "a"]}, ["ring"]),
        (chain, {"ring": ["a", 1]}, ["ring"]),
        (chain, {"ring": {}}, ["ring"]),
        (chain, {"ring": {"ann": ["a", "b"], "bob": ["b", "c"]}}, ["ring"]),
        (chain, {"ring": {"ann": ["a", "a"]}}, ["ring.ann"]),
        (chain, {"ring": {"ann": ["a"], "bob": ["a", "b", "c"], "cyd": "ab", "dan": ["a", 1]}}, [
            "ring.ann", "ring.bob", "ring.cyd", "ring.dan",
        ]),
        (chain, {"ring": RING, "teams": [], "weights": 1}, ["weights", "teams"]),
        (share, {"weights": {"red": 3, "blue": 1}}, []),
        (share, {"weights": {"red": 0, "blue": 1000}}, []),
        (share, {"weights": {"a": 1, "b": 1}, "pools": {"a": ["red"], "b": ["blue", "green"]}}, []),
        (share, {}, ["weights"]),
        (share, {"weights": [1, 2]}, ["weights"]),
        (share, {"weights": {"red": 1}}, ["weights"]),
        (share, {"weights": {"red": 0, "blue": 0}}, ["weights"]),
        (share, {"weights": {"red": -1, "blue": 1}}, ["weights.red"]),
        (share, {"weights": {"red": 1001, "blue": 0.5, "green": True}}, [
            "weights.red", "weights.blue", "weights.green",
        ]),
        (share, {"weights": {"red": 1, "black": 1}}, ["weights.black"]),
        (share, {"weights": {"red": 1, "blue": 1}, "pools": []}, ["pools"]),
        (share, {"weights": {"a": 1, "b": 1}, "pools": {"a": "red", "b": ["blue"]}}, ["pools"]),
        (share, {"weights": {"a": 1, "b": 1}, "pools": {"a": ["red"]}}, ["pools"]),
        (share, {"weights": {"a": 1, "b": 1}, "pools": {"a": ["red"], "b": []}}, ["pools.b"]),
        (share, {"weights": {"a": 1, "b": 1}, "pools": {"a": ["red"], "b": ["black"]}}, ["pools.b"]),
        (share, {"weights": {"a": 1, "b": 1}, "pools": {"a": ["red"], "b": ["red", "blue"]}}, ["pools"]),
        (share, {"weights": {"red": 1, "blue": 1}, "cycle": 4}, ["cycle"]),
    ],
)  # fmt: skip
def test_parameters_are_checked(model: Any, params: dict[str, Any], wrong: list[str]) -> None:
    assert [name for name, _ in model.check(params, TEAMS)] == wrong


def test_complaints_say_what_would_be_right() -> None:
    def said(model: Any, params: dict[str, Any], teams: tuple[str, ...] = TEAMS) -> str:
        return "; ".join(message for _, message in model.check(params, teams))

    assert said(dedicated, {}) == "say which team; the queue names red, blue, green"
    assert said(dedicated, {}, ()) == "say which team; the queue names none"
    assert said(dedicated, {"team": "x"}) == "'x' is not among the queue's teams: red, blue, green"
    assert said(overflow, {"team": "red"}) == "say which teams help; the queue names besides: blue, green"
    assert said(overflow, {}, ("red",)) == "say which teams help; the queue names besides: red"
    assert said(overflow, {"team": "red"}, ("red",)) == "say which teams help; the queue names besides: none"
    assert said(overflow, {**HELP, "at_risk_fraction": 2}) == "must lie above 0 and not above 1, not 2"
    assert said(duty_rota, {"slice": "month"}) == "must be one of half_day, day, week, not 'month'"
    assert said(duty_rota, {"kinds_per_slice": 0}) == "must be a whole number from 1 to 100, not 0"
    assert said(duty_rota, {"teams": []}) == "must name at least one of the queue's teams: red, blue, green"
    assert said(duty_rota, {"teams": []}, ()) == "must name at least one of the queue's teams: it has none"
    assert said(duty_rota, {"size": 1}).startswith("is not a parameter of duty_rota; it takes kinds_per_slice, people")
    assert said(chain, {"ring": {}}).endswith("all joined in one circle (empty)")
    assert said(chain, {"ring": {"ann": ["a", "b"], "bob": ["b", "c"]}}).endswith("circle (ann: a, b; bob: b, c)")
    assert said(chain, {"ring": {"ann": ["a"]}}) == "must be two different kinds, not ['a']"
    assert said(chain, {"ring": ["a"]}) == "must name at least two kinds, each once, not ['a']"
    assert said(chain, {"ring": 3}).startswith("must be a list of kinds such as")
    assert said(share, {"weights": {"red": 0, "blue": 0}}) == "sum to 0; at least one pool must have a weight above 0"
    assert said(share, {"weights": {"red": -1, "blue": 1}}) == "must be a whole number from 0 to 1000, not -1"
    pools = {"weights": {"a": 1, "b": 1}, "pools": {"a": ["red"], "b": ["red"]}}
    assert said(share, pools) == "'red' is in two pools; its people would have two shares"
    assert said(share, {**pools, "pools": {"a": ["red"]}}).endswith("and no others: a, b")


def test_a_chain_names_its_kinds() -> None:
    assert chain.kinds({"ring": ["a", "b"]}) == {"ring": ["a", "b"]}
    assert chain.kinds({"ring": {"ann": ["a", "b"]}}) == {"ring.ann": ["a", "b"]}
