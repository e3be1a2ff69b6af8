"""What every pass must keep, over offices drawn at random: nobody idle beside work, every record runs again."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from taskhub.assignment import eligibility
from taskhub.assignment.decide import Run, decide, in_order
from taskhub.assignment.explain import against, candidates, explain, outcome
from taskhub.assignment.floor import Floor, enrolled
from taskhub.assignment.model import AgentFacts, Assigned, Loan, QueueFacts, Snapshot, TaskFacts, Waiting
from taskhub.assignment.pull import PullFacts, pull_from_json, pull_to_json, rerun_pull
from taskhub.assignment.pull import against as pull_against
from taskhub.assignment.reasons import READY_TO_PULL
from taskhub.assignment.record import block_of, from_json, record, to_json
from taskhub.assignment.registry import built_ins
from taskhub.assignment.rerun import SAME, rerun
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
PLUGINS = built_ins()
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
    )


@st.composite
def task_facts(draw: Any, id: str, people: list[str]) -> TaskFacts:
    reason = st.sampled_from(["declined", "not_by", "conflict_of_interest"])
    return TaskFacts(
        id,
        draw(SHAPES),
        draw(HOURS),
        draw(HOURS),
        weight=draw(st.sampled_from([0.1, 1, 2.5])),
        due_at=draw(st.one_of(st.none(), HOURS)),
        excluded=draw(st.dictionaries(st.sampled_from(people), reason, max_size=1)),
    )


@st.composite
def queue_facts(draw: Any, key: str) -> QueueFacts:
    model, params = draw(mostly(("rotating", {}), ("dedicated", {"team": "red"}), ("rotating", {"teams": ["blue"]})))
    return QueueFacts(
        key,
        ("red", "blue"),
        model=model,
        params=params,
        strategy=draw(st.sampled_from(["round_robin", "least_loaded"])),
        rotation=draw(st.sampled_from(["", "shared"])),
        pull=draw(mostly(False, True)),
        paused=draw(mostly(False, True)),
    )


@st.composite
def snapshots(draw: Any) -> Snapshot:
    people = [f"p{number}" for number in range(draw(st.sampled_from([1, 2, 3, 4, 5, 6])))]
    tasks = range(draw(st.sampled_from([0, 1, 4, 8, 14])))
    turns = draw(st.dictionaries(st.sampled_from(["first", "shared"]), st.permutations(people)))
    return Snapshot(
        NOW,
        {key: draw(queue_facts(key)) for key in ("first", "second")},
        tuple(draw(agent_facts(key)) for key in people),
        tuple(draw(task_facts(f"t{number:02d}", people)) for number in tasks),
        {name: {key: place for place, key in enumerate(row[:4])} for name, row in turns.items()},
        "hash",
    )


def floor_after(snapshot: Snapshot) -> tuple[Floor, list[Any]]:
    run = Run(enrolled(snapshot, PLUGINS), PLUGINS)
    return run.floor, [run.decide(task) for task in in_order(snapshot.tasks)]


@given(snapshots())
def test_no_idle_hand(snapshot: Snapshot) -> None:
    floor, decisions = floor_after(snapshot)
    tasks = {task.id: task for task in snapshot.tasks}
    for one in decisions:
        if isinstance(one, Waiting) and one.reasons != (READY_TO_PULL,):
            assert all(against(floor, who, tasks[one.task]) for who in floor.standing.values())


@given(snapshots())
def test_nobody_gets_what_they_may_not_take_or_more_than_fits(snapshot: Snapshot) -> None:
    decisions = floor_after(snapshot)[1]
    tasks = {task.id: task for task in snapshot.tasks}
    facts = {agent.key: agent for agent in snapshot.agents}
    gifts = [one for one in decisions if isinstance(one, Assigned)]
    for one in gifts:
        task = tasks[one.task]
        assert pull_against(facts[one.agent], task, snapshot.queues[task.queue], NOW, PLUGINS) == ()
    for key, count in Counter(one.agent for one in gifts).items():
        assert facts[key].held + count <= facts[key].capacity
    assert len({one.task for one in gifts}) == len(gifts)


@given(snapshots(), st.randoms(use_true_random=False))
def test_order_of_the_input_does_not_matter(snapshot: Snapshot, chance: Any) -> None:
    agents, tasks = list(snapshot.agents), list(snapshot.tasks)
    chance.shuffle(agents)
    chance.shuffle(tasks)
    shuffled = replace(snapshot, agents=tuple(agents), tasks=tuple(tasks))
    assert decide(shuffled, PLUGINS) == decide(snapshot, PLUGINS)


@given(snapshots(), st.data())
def test_one_more_who_may_take_nothing_changes_nothing(snapshot: Snapshot, data: Any) -> None:
    extra = data.draw(agent_facts("extra"))
    extra = data.draw(
        st.sampled_from([replace(extra, active=False), replace(extra, team="elsewhere", loans=())]), label="extra"
    )
    assert decide(replace(snapshot, agents=(*snapshot.agents, extra)), PLUGINS) == decide(snapshot, PLUGINS)


@given(snapshots())
def test_the_row_and_the_full_ranking_agree(snapshot: Snapshot) -> None:
    run = Run(enrolled(snapshot, PLUGINS), PLUGINS)
    for task in in_order(snapshot.tasks):
        seen = candidates(run.floor, task)
        assert run.decide(task) == outcome(task, seen)


@given(snapshots())
def test_every_decision_runs_again_after_storage(snapshot: Snapshot) -> None:
    result = decide(snapshot, PLUGINS)
    stored = record(snapshot, result, PLUGINS)
    assert len(stored.positions) == len(result.decisions)
    for one in result.decisions:
        answer = rerun(stored.head, stored.blocks[block_of(stored.positions[one.task])], one, PLUGINS)
        assert answer.status == SAME, answer.why
        assert list(answer.candidates) == explain(snapshot, one.task, PLUGINS)


@given(snapshots())
def test_what_is_left_out_of_the_record_changes_nothing(snapshot: Snapshot) -> None:
    result = decide(snapshot, PLUGINS)
    stored = record(snapshot, result, PLUGINS, keep=())
    for one in result.decisions:
        if isinstance(one, Assigned):
            block = stored.blocks[block_of(stored.positions[one.task])]
            assert rerun(stored.head, block, one, PLUGINS).status == SAME
    assert set(stored.positions) == {one.task for one in result.decisions if isinstance(one, Assigned)}


@given(snapshots())
def test_a_snapshot_survives_json(snapshot: Snapshot) -> None:
    text = to_json(snapshot)
    again = from_json(text)
    assert again == snapshot
    assert to_json(again) == text
    assert decide(again, PLUGINS) == decide(snapshot, PLUGINS)


@given(snapshots())
def test_what_a_claim_may_look_for_is_what_a_pass_would_give(snapshot: Snapshot) -> None:
    shapes = tuple({task.shape for task in snapshot.tasks})
    for agent in snapshot.agents:
        may = eligibility.may_take_shapes(agent, shapes, snapshot.queues, NOW, PLUGINS)
        assert set(may.shapes) | set(may.refused) == set(shapes)
        for task in snapshot.tasks:
            codes = pull_against(agent, task, snapshot.queues[task.queue], NOW, PLUGINS)
            allowed = task.shape in may.shapes and not eligibility.of_task(agent, task, NOW)
            assert allowed == (codes == ())


@given(snapshots())
def test_a_claim_runs_again_after_storage(snapshot: Snapshot) -> None:
    agent = snapshot.agents[0]
    seen = [
        (task, pull_against(agent, task, snapshot.queues[task.queue], NOW, PLUGINS))
        for task in in_order(snapshot.tasks)
    ]
    taken = next((task for task, codes in seen if not codes), None)
    facts = PullFacts(NOW, agent, snapshot.queues, taken, tuple(one for one in seen if one[1]))
    again = pull_from_json(pull_to_json(facts))
    assert again == facts
    assert rerun_pull(again, PLUGINS).status == SAME


@given(snapshots())
def test_handed_in_by_portions_a_pass_decides_the_same(snapshot: Snapshot) -> None:
    run = Run(enrolled(snapshot, PLUGINS), PLUGINS)
    decisions = []
    for task in in_order(snapshot.tasks):
        free = run.hands_free(task.shape)
        decisions.append(run.decide(task))
        assert free or isinstance(decisions[-1], Waiting)
    assert tuple(decisions) == decide(snapshot, PLUGINS).decisions


PEOPLE = st.integers(1, 7)


@given(PEOPLE, st.lists(st.integers(0, 9), max_size=8), st.permutations(range(7)), st.integers(0, 7))
def test_round_robin_is_fair_among_people_always_there(
    people: int, bursts: list[int], row: list[int], known: int
) -> None:
    """Whatever the bursts, the ids, the turns at the start and who is new."""
    agents = tuple(
        AgentFacts(f"{9 - row[number]}", "red", skills={"offer": 1}, capacity=999) for number in range(people)
    )
    queue = QueueFacts("first", ("red",), strategy="round_robin")
    turns = {"first": {agent.key: place * 3 for place, agent in enumerate(agents[:known])}}
    given_to: Counter[str] = Counter({agent.key: 0 for agent in agents})
    for burst, size in enumerate(bursts):
        tasks = tuple(TaskFacts(f"{burst}-{n}", Shape.of("first", "offer"), NOW, NOW) for n in range(size))
        result = decide(Snapshot(NOW, {"first": queue}, agents, tasks, turns), PLUGINS)
        given_to.update(one.agent for one in result.decisions if isinstance(one, Assigned))
        turns = {"first": {**turns["first"], **result.turns.get("first", {})}}
    assert sum(given_to.values()) == sum(bursts)
    assert max(given_to.values()) - min(given_to.values()) <= 1


@given(PEOPLE, st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=1, max_size=40))
def test_least_loaded_never_leaves_a_gap_wider_than_one_task(people: int, weights: list[float]) -> None:
    agents = tuple(AgentFacts(f"p{number}", "red", skills={"offer": 1}, capacity=99) for number in range(people))
    tasks = tuple(
        TaskFacts(f"t{number:02d}", Shape.of("first", "offer"), NOW, NOW, weight=weight)
        for number, weight in enumerate(weights)
    )
    run = Run(enrolled(Snapshot(NOW, {"first": QueueFacts("first", ("red",))}, agents), PLUGINS), PLUGINS)
    for task in tasks:
        run.decide(task)
    loads = [who.load for who in run.floor.standing.values()]
    assert max(loads) - min(loads) <= max(weights)


@given(snapshots(), st.integers(1, 3))
def test_capacity_holds_over_passes(snapshot: Snapshot, passes: int) -> None:
    """Each pass begins where the last one left people; nobody ever holds more than fits."""
    assume(snapshot.tasks)
    for _ in range(passes):
        floor, _ = floor_after(snapshot)
        agents = tuple(_carried(floor.standing[agent.key]) for agent in snapshot.agents)
        for agent, before in zip(agents, snapshot.agents, strict=True):
            assert agent.held <= max(agent.capacity, before.held)
        snapshot = replace(snapshot, agents=agents, turns=floor.turns())


def _carried(who: Standing) -> AgentFacts:
    return replace(
        who.facts,
        held=who.held,
        held_minutes=who.held_minutes,
        held_by_queue=who.held_by_queue,
        load=who.load,
        given_today=who.given_today,
    )
