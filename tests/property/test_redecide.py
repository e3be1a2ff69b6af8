"""Asked again with nothing changed every decision is the same; another staffing is followed, in whatever order read."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taskhub.assignment.decide import decide
from taskhub.assignment.model import Assigned, Snapshot
from taskhub.assignment.record import block_of, record
from taskhub.assignment.redecide import redecide
from taskhub.assignment.registry import built_ins
from taskhub.assignment.shadowing import GIVEN_BEFORE, OTHER_PERSON, SAME, WOULD_BE_GIVEN, WOULD_WAIT, Shadow
from tests.property.test_decide import snapshots

PLUGINS = built_ins()


def stored(snapshot: Snapshot) -> Any:
    result = decide(snapshot, PLUGINS)
    return result, record(snapshot, result, PLUGINS)


@given(snapshots())
def test_with_nothing_changed_each_decision_alone_is_the_same(snapshot: Snapshot) -> None:
    result, kept = stored(snapshot)
    for one in result.decisions:
        again = redecide(kept.head, kept.blocks[block_of(kept.positions[one.task])], one.task, PLUGINS)
        assert again.decision == one


@given(st.lists(snapshots(), min_size=1, max_size=3))
def test_with_nothing_changed_the_shadow_does_what_was_done(days: list[Snapshot]) -> None:
    ghost = Shadow(days[0].queues, PLUGINS)
    for number, snapshot in enumerate(days):
        then = replace(snapshot, now=snapshot.now + timedelta(hours=number), queues=days[0].queues)
        _, kept = stored(then)
        asked = ghost.passed(kept.head, kept.blocks, {})
        assert {one.verdict for one in asked} <= {SAME}
        assert len(asked) == len(then.tasks)


@given(snapshots(), st.sampled_from(["round_robin", "least_loaded"]), st.randoms())
def test_another_staffing_is_what_a_pass_would_have_decided(snapshot: Snapshot, strategy: str, chance: Any) -> None:
    """The shadow of one pass is the pass under the other staffing, whatever the order of people and tasks."""
    other = {
        key: replace(queue, model="rotating", params={}, strategy=strategy, strategy_version="")
        for key, queue in snapshot.queues.items()
    }
    _, kept = stored(snapshot)
    agents, tasks = list(snapshot.agents), list(snapshot.tasks)
    chance.shuffle(agents)
    chance.shuffle(tasks)
    _, shuffled = stored(replace(snapshot, agents=tuple(agents), tasks=tuple(tasks)))
    asked = Shadow(other, PLUGINS).passed(kept.head, kept.blocks, {})
    assert Shadow(other, PLUGINS).passed(shuffled.head, shuffled.blocks, {}) == asked
    room = {agent.key: agent.capacity - agent.held for agent in snapshot.agents}
    for one in asked:
        assert one.verdict in (SAME, OTHER_PERSON, WOULD_WAIT, WOULD_BE_GIVEN, "unknown")
        if one.now is not None:
            room[one.now] -= 1
            assert room[one.now] >= 0


@given(snapshots())
def test_work_that_moved_counts_for_the_other_until_it_is_done(snapshot: Snapshot) -> None:
    """A second pass an hour later: who would have got much holds much, unless all of it is done by then."""
    paused = {key: replace(queue, paused=True) for key, queue in snapshot.queues.items()}
    other = {key: replace(queue, paused=False) for key, queue in snapshot.queues.items()}
    _, first = stored(replace(snapshot, queues=paused))
    later = replace(snapshot, now=snapshot.now + timedelta(hours=1), tasks=())
    _, second = stored(later)
    ghost, done = Shadow(other, PLUGINS), Shadow(other, PLUGINS)
    asked = ghost.passed(first.head, first.blocks, {})
    done.passed(first.head, first.blocks, dict.fromkeys((one.task for one in asked), later.now))
    moved = [one for one in asked if one.verdict in (OTHER_PERSON, WOULD_WAIT, WOULD_BE_GIVEN)]
    stood, rested = ghost._stood(later), done._stood(later)
    for before, agent, idle in zip(later.agents, stood.agents, rested.agents, strict=True):
        won = sum(one.now == agent.key for one in moved)
        lost = sum(one.was == agent.key for one in moved)
        assert agent.held == max(0, before.held - lost) + won
        assert idle.held == before.held
    assert second.positions == {}


@given(snapshots())
def test_what_it_gave_before_is_not_given_twice(snapshot: Snapshot) -> None:
    """Paused queues give nothing; the shadow serves them, and meets the same tasks again when they are given."""
    shut = {key: replace(queue, paused=True) for key, queue in snapshot.queues.items()}
    _, first = stored(replace(snapshot, queues=shut))
    open_ = {key: replace(queue, paused=False) for key, queue in snapshot.queues.items()}
    result, second = stored(replace(snapshot, queues=open_))
    ghost = Shadow(open_, PLUGINS)
    given_first = {one.task for one in ghost.passed(first.head, first.blocks, {}) if one.verdict == WOULD_BE_GIVEN}
    again = {one.task: one.verdict for one in ghost.passed(second.head, second.blocks, {})}
    assert given_first == {one.task for one in result.decisions if isinstance(one, Assigned)}
    assert {task for task, verdict in again.items() if verdict == GIVEN_BEFORE} == given_first
