"""One pass: order of tasks, choice between people, turns, and what it says when nobody may."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhub.agents.availability import absent
from taskhub.assignment.decide import decide
from taskhub.assignment.eligibility import absent_when_due
from taskhub.assignment.explain import explain, outcome
from taskhub.assignment.leaves import Leaves
from taskhub.assignment.model import AgentFacts, Assigned, QueueFacts, Snapshot, TaskFacts, Waiting
from taskhub.assignment.registry import Plugins, built_ins
from taskhub.assignment.strategies.least_loaded import LeastLoaded
from taskhub.errors import NotFound
from taskhub.tasks.shape import Shape

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TURNS = QueueFacts("desk", ("red",), strategy="round_robin")
LOAD = QueueFacts("desk", ("red",), strategy="least_loaded")
PLUGINS = built_ins()


def person(key: str, **facts: object) -> AgentFacts:
    return replace(AgentFacts(key, "red", skills={"offer": 3}, capacity=99), **facts)


def task(id: str, start: int = 0, created: int = 0, kind: str = "offer", **facts: object) -> TaskFacts:
    found = TaskFacts(id, Shape.of("desk", kind), NOW + start * MINUTE, NOW + created * MINUTE)
    return replace(found, **facts)


def office(queue: QueueFacts, people: list[AgentFacts], tasks: list[TaskFacts], **facts: object) -> Snapshot:
    return replace(Snapshot(NOW, {queue.key: queue}, tuple(people), tuple(tasks)), **facts)


def gifts(snapshot: Snapshot) -> list[tuple[str, str]]:
    return [(one.task, one.agent) for one in decide(snapshot, PLUGINS).decisions if isinstance(one, Assigned)]


def test_smallest_start_by_first_then_oldest() -> None:
    tasks = [task("c", 2, 0), task("b", 1, 1), task("a", 1, 0)]
    assert [one.task for one in decide(office(TURNS, [person("p")], tasks), PLUGINS).decisions] == ["a", "b", "c"]


def test_a_task_nobody_may_take_does_not_stop_the_next() -> None:
    result = decide(office(LOAD, [person("p", capacity=1)], [task("hard", kind="audit"), task("easy", 1)]), PLUGINS)
    assert result.decisions == (Waiting("hard", ("skill_missing",)), Assigned("easy", "p", (0.0, 0, 2), "only"))


def test_least_loaded_looks_at_open_work_then_today_then_the_turn() -> None:
    turns = {"desk": {"ann": 9, "bob": 5, "zoe": 1}}
    heavy, light = {"load": 2.0, "given_today": 0}, {"load": 1.0, "given_today": 4}
    people = [person("ann", **light), person("bob", **light), person("zoe", **heavy)]
    result = decide(office(LOAD, people, [task("t")], turns=turns), PLUGINS)
    assert result.decisions == (Assigned("t", "bob", (1.0, 4, 5), "turn"),)
    people[0] = person("ann", load=1.0, given_today=3)
    assert decide(office(LOAD, people, [task("t")], turns=turns), PLUGINS).decisions[0] == Assigned(
        "t", "ann", (1.0, 3, 9), "given_today"
    )
    people[1:] = [person("zoe", **heavy)]
    assert decide(office(LOAD, people, [task("t")], turns=turns), PLUGINS).decisions[0].tie == "load"  # type: ignore[union-attr]


def test_a_burst_is_spread_by_weight() -> None:
    people = [person("ann", load=3.0), person("bob")]
    tasks = [task(f"t{n}", n, weight=1.0) for n in range(5)]
    assert [agent for _, agent in gifts(office(LOAD, people, tasks, turns={"desk": {"ann": 1, "bob": 2}}))] == [
        "bob", "bob", "bob", "ann", "bob",
    ]  # fmt: skip


def test_in_turn_a_burst_is_one_each_and_turns_are_handed_back() -> None:
    people = [person("ann"), person("bob"), person("zoe")]
    snapshot = office(
        TURNS, people, [task(f"t{n}", n) for n in range(4)], turns={"desk": {"zoe": 3, "ann": 7, "bob": 8}}
    )
    assert [agent for _, agent in gifts(snapshot)] == ["zoe", "ann", "bob", "zoe"]
    assert decide(snapshot, PLUGINS).turns == {"desk": {"zoe": 13, "ann": 11, "bob": 12}}


def test_absent_people_keep_their_place_and_are_not_flooded() -> None:
    turns = {"desk": {"ann": 1, "bob": 2}}
    away = office(TURNS, [person("ann", presence="away"), person("bob")], [task("a"), task("b", 1)], turns=turns)
    after = decide(away, PLUGINS)
    turns = {"desk": {**turns["desk"], **after.turns["desk"]}}
    assert turns["desk"]["ann"] == 1
    back = office(TURNS, [person("ann"), person("bob")], [task(f"t{n}", n) for n in range(4)], turns=turns)
    assert [agent for _, agent in gifts(back)] == ["ann", "bob", "ann", "bob"]


def test_newcomers_join_at_the_end_and_keep_that_place() -> None:
    turns = {"desk": {"ann": 1, "bob": 2}}
    first = decide(office(TURNS, [person("ann"), person("bob"), person("new")], [task("t")], turns=turns), PLUGINS)
    assert first.turns == {"desk": {"new": 4, "ann": 6}}


def test_people_in_no_pool_are_not_enrolled() -> None:
    people = [person("ann"), person("off", team="blue"), person("gone", active=False)]
    assert decide(office(TURNS, people, [], turns={}), PLUGINS).turns == {"desk": {"ann": 2}}


def test_several_newcomers_are_not_enrolled_by_id() -> None:
    orders = set()
    for rotation in ("a", "b", "c", "d", "e", "f"):
        queue = replace(TURNS, rotation=rotation)
        turns = decide(office(queue, [person(key) for key in "pqrs"], []), PLUGINS).turns[rotation]
        orders.add(tuple(sorted(turns, key=lambda key: turns[key])))
    assert len(orders) > 1


def test_queues_of_one_rotation_share_the_turn() -> None:
    queues = {key: QueueFacts(key, ("red",), strategy="round_robin", rotation="both") for key in ("one", "two")}
    shapes = [Shape.of(key, "offer") for key in ("one", "two", "one", "two")]
    tasks = tuple(TaskFacts(f"t{n}", shape, NOW + n * MINUTE, NOW) for n, shape in enumerate(shapes))
    people = (person("ann"), person("bob"))
    result = decide(Snapshot(NOW, queues, people, tasks, {"both": {"ann": 1, "bob": 2}}), PLUGINS)
    assert [one.agent for one in result.decisions if isinstance(one, Assigned)] == ["ann", "bob", "ann", "bob"]
    assert result.turns == {"both": {"ann": 6, "bob": 7}}


def test_reasons_are_one_per_person_who_belongs_here() -> None:
    people = [
        person("full", held=99),
        person("off", presence="offline", held=99),
        person("left", active=False),
        person("else", team="blue"),
        person("said_no"),
    ]
    waiting = decide(office(LOAD, people, [task("t", excluded={"said_no": "declined"})]), PLUGINS).decisions
    assert waiting == (Waiting("t", ("at_capacity", "declined", "presence_offline")),)


def test_an_empty_pool_says_so() -> None:
    assert decide(office(LOAD, [person("x", team="blue")], [task("t")]), PLUGINS).decisions == (
        Waiting("t", ("pool_empty",)),
    )


def test_capacity_ends_the_gifts_of_a_pass() -> None:
    people = [person("ann", capacity=1), person("bob", held=1, capacity=3)]
    result = decide(office(TURNS, people, [task(f"t{n}", n) for n in range(5)]), PLUGINS)
    assert [isinstance(one, Assigned) for one in result.decisions] == [True, True, True, False, False]
    assert result.decisions[-1] == Waiting("t4", ("at_capacity",))


def test_a_pull_queue_gives_nothing_and_says_who_could() -> None:
    pull = replace(LOAD, pull=True)
    result = decide(office(pull, [person("ann", held=99)], [task("a"), task("b", kind="audit")]), PLUGINS)
    assert result.decisions == (Waiting("a", ("ready_to_pull",)), Waiting("b", ("skill_missing",)))
    assert result.turns == {"desk": {"ann": 2}}
    assert [(one.eligible, one.rank) for one in explain(office(pull, [person("ann")], [task("a")]), "a", PLUGINS)] == [
        (True, None)
    ]


def test_explain_shows_everybody_at_that_moment() -> None:
    people = [person("ann", name="Ann"), person("bob", name="Bob"), person("cyd", name="Cyd", presence="busy")]
    snapshot = office(TURNS, people, [task("a"), task("b", 1)], turns={"desk": {"ann": 1, "bob": 2, "cyd": 3}})
    seen = explain(snapshot, "b", PLUGINS)
    assert [(one.agent, one.eligible, one.rank, one.score, one.tie, one.reasons) for one in seen] == [
        ("bob", True, 1, (2,), "turn", ()),
        ("ann", True, 2, (5,), "", ()),
        ("cyd", False, None, (), "", ("presence_busy",)),
    ]
    with pytest.raises(NotFound):
        explain(snapshot, "nothing", PLUGINS)


def test_minutes_end_the_gifts_of_a_pass_too() -> None:
    people = [person("ann", capacity_minutes=30.0)]
    tasks = [task(f"t{n}", n, minutes=20.0) for n in range(4)]
    assert len(gifts(office(LOAD, people, tasks))) == 2


def test_a_guest_stands_at_the_end_of_the_row() -> None:
    guest, own = person("guest", team="blue"), person("own")
    lent = Shape.of("desk", "offer", extra_teams=("blue",))
    tasks = [replace(task(f"t{n}", n), shape=lent) for n in range(3)]
    snapshot = office(TURNS, [guest, own], tasks, turns={"desk": {"own": 5}})
    assert [agent for _, agent in gifts(snapshot)] == ["own", "guest", "own"]
    assert decide(snapshot, PLUGINS).turns == {"desk": {"own": 9, "guest": 8}}


def test_who_is_kept_by_customers_is_enrolled_all_the_same() -> None:
    queue = replace(TURNS, model="rotating")
    assert decide(office(queue, [person("ann", front_line_waiting=True)], []), PLUGINS).turns == {"desk": {"ann": 2}}


def test_only_the_id_tells_tasks_of_one_instant_apart() -> None:
    for tasks in ([task("a"), task("b")], [task("b"), task("a")]):
        assert [one.task for one in decide(office(LOAD, [person("p")], tasks), PLUGINS).decisions] == ["a", "b"]


class Knows(LeastLoaded):
    name = "knows"

    def favourite(self, task: TaskFacts, queue: QueueFacts) -> str:
        return "zoe"


def test_a_favourite_goes_first_where_they_may() -> None:
    mine = {("knows", "1"): Knows(), **PLUGINS.strategies}
    plugins = Plugins(mine, PLUGINS.models)
    people = [person("ann"), person("zoe", load=9.0, capacity=2)]
    tasks = [task("a"), task("b", 1, excluded={"zoe": "declined"}), task("c", 2), task("d", 3)]
    snapshot = office(replace(LOAD, strategy="knows"), people, tasks)
    found = decide(snapshot, plugins).decisions
    assert [(one.agent, one.tie) for one in found if isinstance(one, Assigned)] == [
        ("zoe", "favourite"), ("ann", "only"), ("zoe", "favourite"), ("ann", "only"),
    ]  # fmt: skip
    for one in found:
        assert outcome(replace(tasks[0], id=one.task), explain(snapshot, one.task, plugins)) == one


@given(
    st.lists(st.tuples(st.integers(-3, 9), st.one_of(st.none(), st.integers(-3, 9))), max_size=5),
    st.lists(st.integers(-3, 9), min_size=1, max_size=6),
)
def test_leaves_are_the_filter_for_a_whole_pass(rows: list[tuple[int, int | None]], due: list[int]) -> None:
    people = [
        person(f"p{n}", absences=((NOW + since * MINUTE, None if until is None else NOW + until * MINUTE),))
        for n, (since, until) in enumerate(rows)
    ]
    here = [one for one in people if not absent(one.absences, NOW)]
    leaves = Leaves(tuple(here), NOW)
    for minutes in due:
        one = task("t", due_at=NOW + minutes * MINUTE)
        expected = {agent.key: "absent_before_due" for agent in here if absent_when_due(agent, one, NOW)}
        assert leaves.at(one.due_at) == expected
