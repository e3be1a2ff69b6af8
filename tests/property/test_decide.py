"""What every pass must keep, over offices drawn at random: nobody idle beside work, every record runs again."""

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from taskhub.assignment import eligibility
from taskhub.assignment.decide import Run, decide, in_order
from taskhub.assignment.explain import against, candidates, explain, outcome
from taskhub.assignment.floor import Floor, enrolled
from taskhub.assignment.model import AgentFacts, Assigned, Snapshot, Waiting
from taskhub.assignment.pull import PullFacts, pull_from_json, pull_to_json, rerun_pull
from taskhub.assignment.pull import against as pull_against
from taskhub.assignment.reasons import READY_TO_PULL
from taskhub.assignment.record import block_of, from_json, record, to_json
from taskhub.assignment.registry import built_ins
from taskhub.assignment.rerun import SAME, rerun
from taskhub.assignment.standing import Standing
from tests.property.offices import NOW, agent_facts, snapshots

PLUGINS = built_ins()


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
