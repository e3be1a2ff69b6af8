"""Offices drawn at random: people, queues, tasks and turns as a pass may find them, under every model and strategy."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from taskhub.assignment.model import AgentFacts, Loan, PoolState, QueueFacts, Snapshot, TaskFacts
from taskhub.tasks.shape import Shape

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = st.integers(-30, 30).map(lambda hours: NOW + hours * HOUR)
ALWAYS, MORNING, NIGHT = (), (("mon", ("09:00-12:00",)),), (("sun", ("22:00-06:00",)),)


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """Most offices work most of the time: without this nearly every task would wait."""
    return st.sampled_from([usual] * 6 * len(others) + list(others))


KINDS = st.sampled_from(["offer", "contract"])
SHAPES = st.builds(
    Shape.of,
    st.sampled_from(["first", "second"]),
    KINDS,
    level=st.integers(1, 2),
    requires=mostly({}, {"language": "de"}, {"limit": 100}, {"language": ["de", "fr"]}),
    extra_teams=mostly((), ("green",)),
)
ABSENCES = st.lists(st.tuples(HOURS, st.one_of(st.none(), HOURS)), max_size=1).map(
    lambda rows: tuple((since, until) for since, until in rows if until is None or since < until)
)


@st.composite
def agent_facts(draw: Any, key: str) -> AgentFacts:
    held = draw(mostly(0, 1, 2, 3))
    return AgentFacts(
        key,
        draw(st.sampled_from(["red", "red", "red", "blue", "blue", "green"])),
        active=draw(mostly(True, False)),
        skills=draw(mostly({"offer": 2, "contract": 2}, {"offer": 3}, {"contract": 1}, {})),
        attributes=draw(
            st.sampled_from([{}, {"language": ["de", "fr"], "limit": 200}, {"language": "de", "limit": 5}])
        ),
        capacity=draw(st.integers(1, 6)),
        held=held,
        capacity_minutes=draw(mostly(None, 45.0)),
        held_minutes=held * 15.0,
        queue_caps=draw(mostly({}, {"first": 1})),
        load=held + draw(mostly(0, 0.1, 2)),
        given_today=draw(st.integers(0, 2)),
        presence=draw(mostly("available", "busy", "away")),
        presence_until=draw(mostly(None, NOW - HOUR, NOW + HOUR)),
        time_zone=draw(st.sampled_from(["UTC", "America/New_York"])),
        shifts=draw(mostly(ALWAYS, MORNING, NIGHT)),
        absences=draw(st.one_of(st.just(()), st.just(()), ABSENCES)),
        loans=draw(mostly((), (Loan("second", NOW - HOUR, NOW + HOUR),))),
        ramp_until=draw(mostly(None, NOW + HOUR)),
        ramp_share=0.5,
        front_line_waiting=draw(mostly(False, True)),
        share_served=draw(mostly(0.0, 0.5)),
        idle_since=draw(st.one_of(st.none(), HOURS)),
        load_minutes=held * 15.0,
        minutes_by_kind=draw(mostly({}, {"offer": 5.5}, {"contract": 40.0})),
        kinds_today=draw(mostly({}, {"offer": 1}, {"offer": 3, "contract": 2})),
        ledger=draw(mostly({}, {"minutes": 90.5, "hard": 2}, {"late": 1, "duty": 3})),
        credit=draw(mostly(1.0, 0.5, 0.0)),
    )


@st.composite
def task_facts(draw: Any, id: str, people: list[str]) -> TaskFacts:
    reason = st.sampled_from(["declined", "not_by", "conflict_of_interest"])
    shape = draw(SHAPES)
    return TaskFacts(
        id,
        shape._replace(lane=draw(mostly("", "red", "blue", "gone"))) if shape.queue == "second" else shape,
        draw(HOURS),
        draw(HOURS),
        weight=draw(st.sampled_from([0.1, 1, 2.5])),
        due_at=draw(st.one_of(st.none(), HOURS)),
        excluded=draw(st.dictionaries(st.sampled_from(people), reason, max_size=1)),
        served_by=draw(mostly(None, *people[:2], "gone")),
        ready_at=draw(mostly(None, NOW - HOUR, NOW - HOUR / 4)),
    )


MODELS = mostly(
    ("rotating", {}),
    ("dedicated", {"team": "red"}),
    ("rotating", {"teams": ["blue"], "share_of_shift": 0.4}),
    ("overflow", {"team": "red", "overflow_teams": ["blue"]}),
    ("duty_rota", {}),
    ("chain", {"ring": ["offer", "contract"]}),
    ("share", {"weights": {"red": 2, "blue": 1}}),
)
STRATEGIES = st.sampled_from(
    [
        ("round_robin", {}),
        ("least_loaded", {}),
        ("weighted_round_robin", {"weights": {"p0": 3, "p1": 20}}),
        ("weighted_round_robin", {"weights": "capacity"}),
        ("expected_work", {}),
        ("longest_idle", {}),
        ("best_skill", {}),
        ("fairness", {"hard": 5.5}),
        ("sticky", {}),
        ("sticky", {"wait": "30m", "fallback": "round_robin"}),
        ("sticky", {"wait": "2h", "fallback": "longest_idle"}),
    ]
)


@st.composite
def pool_states(draw: Any, people: list[str]) -> PoolState:
    members = draw(st.one_of(st.none(), st.frozensets(st.sampled_from(people))))
    kinds = st.sampled_from([("offer",), ("contract",), ("contract", "offer")])
    return PoolState(draw(st.integers(0, 3)), draw(st.booleans()), members, {k: draw(kinds) for k in members or ()})


@st.composite
def queue_facts(draw: Any, key: str, people: list[str]) -> QueueFacts:
    model, params = draw(MODELS)
    strategy, strategy_params = draw(STRATEGIES)
    return QueueFacts(
        key,
        ("red", "blue"),
        model=model,
        params=params,
        strategy=strategy,
        strategy_params=strategy_params,
        rotation=draw(st.sampled_from(["", "shared"])),
        pull=draw(mostly(False, True)),
        paused=draw(mostly(False, True)),
        pool_state=draw(st.one_of(st.none(), pool_states(people))),
        ceilings=draw(mostly({}, {"offer": 2}, {"offer": 3, "contract": 1})),
    )


@st.composite
def snapshots(draw: Any) -> Snapshot:
    people = [f"p{number}" for number in range(draw(st.sampled_from([1, 2, 3, 4, 5, 6])))]
    tasks = range(draw(st.sampled_from([0, 1, 4, 8, 14])))
    turns = draw(st.dictionaries(st.sampled_from(["first", "shared"]), st.permutations(people)))
    return Snapshot(
        NOW,
        {key: draw(queue_facts(key, people)) for key in ("first", "second")},
        tuple(draw(agent_facts(key)) for key in people),
        tuple(draw(task_facts(f"t{number:02d}", people)) for number in tasks),
        {name: {key: place for place, key in enumerate(row[:4])} for name, row in turns.items()},
        "hash",
    )
