"""What is stored of passes and claims, and what running it again says."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from taskhub.assignment.decide import decide
from taskhub.assignment.model import AgentFacts, Assigned, Loan, PoolState, QueueFacts, Snapshot, TaskFacts, Waiting
from taskhub.assignment.pull import PullFacts, pull_from_json, pull_to_json, rerun_pull
from taskhub.assignment.record import BLOCK, block_of, from_json, record, to_json
from taskhub.assignment.registry import Plugins, built_ins
from taskhub.assignment.rerun import rerun
from taskhub.tasks.shape import Shape

NOW = datetime(2026, 11, 23, 10, 0, 0, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLUGINS = built_ins()
FULL = AgentFacts(
    key="zoe",
    team="red",
    name="Zoé",
    skills={"offer": 3},
    attributes={"language": ["de"], "limit": 50.5},
    capacity=2.5,
    held=1,
    capacity_minutes=90.0,
    held_minutes=0.1 + 0.2,
    queue_caps={"desk": 2},
    held_by_queue={"desk": 1},
    load=1.1,
    given_today=4,
    presence="busy",
    presence_until=NOW,
    time_zone="Europe/Paris",
    shifts=(("mon", ("09:00-12:00",)),),
    absences=((NOW + HOUR, None), (NOW - HOUR, NOW)),
    loans=(Loan("desk", NOW - HOUR, NOW + HOUR),),
    ramp_until=NOW + HOUR,
    ramp_share=0.5,
    front_line_waiting=True,
    share_served=0.25,
)
SHAPE = Shape.of("desk", "offer", level=2, requires={"language": ["de"], "limit": 5, "vip": True}, extra_teams=("x",))
TASK = TaskFacts("t", SHAPE, NOW, NOW - HOUR, 0.1, 7.5, NOW + HOUR, {"bob": "declined"})
QUEUE = QueueFacts(
    "desk",
    ("red",),
    "rotating",
    "1",
    {"share_of_shift": 0.3},
    "round_robin",
    "1",
    {"a": [1]},
    "r",
    pull=True,
    paused=True,
    pool_state=PoolState(3, open=False, members=frozenset({"zoe", "bob"})),
)


def crowd(tasks: int) -> Snapshot:
    people = tuple(AgentFacts(f"p{n}", "red", skills={"offer": 1}, capacity=tasks) for n in range(3))
    waiting = tuple(TaskFacts(f"t{n:04d}", Shape.of("desk", "offer"), NOW, NOW + n * HOUR) for n in range(tasks))
    return Snapshot(NOW, {"desk": QueueFacts("desk", ("red",))}, people, waiting, {}, "h")


def test_every_field_survives() -> None:
    snapshot = Snapshot(NOW, {"desk": QUEUE}, (FULL, AgentFacts("plain", "red")), (TASK,), {"r": {"zoe": 4}}, "h", "0")
    assert from_json(to_json(snapshot)) == snapshot
    assert to_json(from_json(to_json(snapshot))) == to_json(snapshot)


def test_defaults_and_shared_shifts_are_not_repeated() -> None:
    people = tuple(replace(AgentFacts(f"p{n}", "red"), shifts=FULL.shifts) for n in range(9))
    text = to_json(Snapshot(NOW, {}, people))
    assert text.count("09:00-12:00") == 1
    assert "capacity" not in text


def test_versions_that_decide_are_written_down() -> None:
    snapshot = crowd(1)
    head = json.loads(record(snapshot, decide(snapshot, PLUGINS), PLUGINS).head)
    assert (head["queues"][0]["strategy_version"], head["queues"][0]["model_version"]) == ("1", "1")
    assert head["engine"] == "1"


def test_a_big_pass_runs_again_block_by_block() -> None:
    snapshot = crowd(2 * BLOCK + 7)
    result = decide(snapshot, PLUGINS)
    stored = record(snapshot, result, PLUGINS)
    assert len(stored.blocks) == 3
    for one in (result.decisions[0], result.decisions[BLOCK - 1], result.decisions[BLOCK], result.decisions[-1]):
        assert rerun(stored.head, stored.blocks[block_of(stored.positions[one.task])], one, PLUGINS).status == "same"


def test_another_answer_is_told() -> None:
    snapshot = crowd(3)
    result = decide(snapshot, PLUGINS)
    stored = record(snapshot, result, PLUGINS)
    first = result.decisions[0]
    assert isinstance(first, Assigned)
    for other in (replace(first, agent="nobody"), replace(first, score=(7.0,)), Waiting(first.task, ("absent",))):
        answer = rerun(stored.head, stored.blocks[0], other, PLUGINS)
        assert answer.status == "different"
        assert answer.now == first


def test_what_is_not_installed_cannot_run() -> None:
    snapshot = crowd(1)
    result = decide(snapshot, PLUGINS)
    stored = record(snapshot, result, PLUGINS)
    foreign = stored.head.replace('"strategy_version":"1"', '"strategy_version":"1.2"')
    answer = rerun(foreign, stored.blocks[0], result.decisions[0], PLUGINS)
    assert (answer.status, answer.why) == ("not_rerunnable", "strategy least_loaded 1.2 is not installed")
    answer = rerun(stored.head, stored.blocks[0], result.decisions[0], Plugins({}, PLUGINS.models))
    assert answer.status == "not_rerunnable"


def test_another_engine_or_block_cannot_run() -> None:
    snapshot = crowd(1)
    result = decide(replace(snapshot, engine_version="0"), PLUGINS)
    stored = record(replace(snapshot, engine_version="0"), result, PLUGINS)
    answer = rerun(stored.head, stored.blocks[0], result.decisions[0], PLUGINS)
    assert (answer.status, answer.why) == ("not_rerunnable", "engine 0 is not part of this program")
    stored = record(snapshot, result, PLUGINS)
    assert rerun(stored.head, stored.blocks[0], Waiting("x", ()), PLUGINS).status == "not_rerunnable"


def test_moves_of_other_queues_need_no_strategy_of_theirs() -> None:
    """A foreign strategy that is gone hides its own decisions only."""
    queues = {"desk": QueueFacts("desk", ("red",)), "odd": QueueFacts("odd", ("red",), strategy="round_robin")}
    tasks = (
        TaskFacts("a", Shape.of("odd", "offer"), NOW, NOW),
        TaskFacts("b", Shape.of("desk", "offer"), NOW + HOUR, NOW),
    )
    snapshot = replace(crowd(0), queues=queues, tasks=tasks)
    snapshot = replace(snapshot, agents=tuple(replace(one, capacity=9) for one in snapshot.agents))
    result = decide(snapshot, PLUGINS)
    stored = record(snapshot, result, PLUGINS)
    left = Plugins({("least_loaded", "1"): PLUGINS.strategy("least_loaded")}, PLUGINS.models)
    assert [rerun(stored.head, stored.blocks[0], one, left).status for one in result.decisions] == [
        "not_rerunnable",
        "same",
    ]


def test_a_claim_survives_and_runs_again() -> None:
    queue = QueueFacts("desk", ("red",), model_version="1")
    taken = TaskFacts("t", Shape.of("desk", "offer"), NOW, NOW)
    over = TaskFacts("o", Shape.of("desk", "audit"), NOW, NOW, excluded={"ann": "declined"})
    ann = AgentFacts("ann", "red", skills={"offer": 1})
    facts = PullFacts(NOW, ann, {"desk": queue}, taken, ((over, ("skill_missing", "declined")),), True, "h")
    assert pull_from_json(pull_to_json(facts)) == facts
    assert pull_from_json(pull_to_json(replace(facts, taken=None))).taken is None
    assert rerun_pull(facts, PLUGINS).status == "same"
    skilled = replace(facts, agent=replace(ann, skills={"audit": 1}))
    answer = rerun_pull(skilled, PLUGINS)
    assert answer.status == "different"
    assert "t was taken, is refused for ['skill_missing']" in answer.why
    assert "o was passed over for ['skill_missing', 'declined'], is for ['declined']" in answer.why
    assert rerun_pull(replace(facts, engine_version="0"), PLUGINS).status == "not_rerunnable"
    gone = replace(facts, queues={"desk": replace(queue, model="overtime")})
    assert rerun_pull(gone, PLUGINS).status == "not_rerunnable"


def test_gifts_and_new_reasons_are_kept_and_nothing_else() -> None:
    snapshot = crowd(5)
    snapshot = replace(snapshot, agents=tuple(replace(one, capacity=1) for one in snapshot.agents))
    result = decide(snapshot, PLUGINS)
    assert set(record(snapshot, result, PLUGINS).positions) == {"t0000", "t0001", "t0002", "t0003", "t0004"}
    stored = record(snapshot, result, PLUGINS, keep={"t0004"})
    assert stored.positions == {"t0000": 0, "t0001": 1, "t0002": 2, "t0004": 3}
    assert rerun(stored.head, stored.blocks[0], Waiting("t0004", ("at_capacity",)), PLUGINS).status == "same"
    assert record(snapshot, replace(result, decisions=()), PLUGINS, keep=()).blocks == ()
