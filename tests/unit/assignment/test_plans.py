"""The pure plans behind models that look beyond the person: duty rotas, rings, lanes of a share, calls for help."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from taskhub.assignment.models.at_risk import Ahead, late_fraction, opens
from taskhub.assignment.models.duty_plan import Duty, Person, Rota, on_duty, plan
from taskhub.assignment.models.duty_seats import Seat, seated
from taskhub.assignment.models.duty_slices import slices
from taskhub.assignment.models.lanes import lane_for
from taskhub.assignment.models.ring_plan import placed

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)
KINDS = ("offer", "contract", "renewal")


def days(count: int) -> list[tuple[datetime, datetime]]:
    return [(MONDAY + DAY * number, MONDAY + DAY * (number + 1)) for number in range(count)]


def person(key: str, *kinds: str, **more: object) -> Person:
    return Person(key, frozenset(kinds or KINDS), **more)  # type: ignore[arg-type]


def rows(rota: Rota) -> list[set[tuple[str, tuple[str, ...]]]]:
    found: dict[datetime, set[tuple[str, tuple[str, ...]]]] = {}
    for duty in rota.duties:
        found.setdefault(duty.from_at, set()).add((duty.agent, duty.kinds))
    return [found[begin] for begin in sorted(found)]


def counts(rota: Rota) -> Counter[str]:
    return Counter(duty.agent for duty in rota.duties)


# ── duty rotas ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_kind_is_covered_and_equals_differ_by_one_at_most() -> None:
    team = [person(f"p{number}") for number in range(5)]
    rota = plan(team, days(65), KINDS)
    assert rota.uncovered == ()
    for row in rows(rota):
        assert sorted(kind for _, kinds in row for kind in kinds) == sorted(KINDS)
        assert len({agent for agent, _ in row}) == 3
    found = counts(rota)
    assert sum(found.values()) == 195
    assert max(found.values()) - min(found.values()) <= 1


def test_nobody_has_the_same_kind_twice_running_and_all_have_all() -> None:
    rota = plan([person("ann"), person("bob"), person("cyd")], days(30), KINDS)
    by_agent: dict[str, list[str]] = {}
    for duty in rota.duties:
        by_agent.setdefault(duty.agent, []).append(duty.kinds[0])
    for kinds in by_agent.values():
        assert all(one != other for one, other in pairwise(kinds))
        assert set(Counter(kinds).values()) <= {9, 10, 11}


def test_it_begins_where_the_last_rota_ended() -> None:
    last = {"ann": ("offer",), "bob": ("contract",)}
    rota = plan([person("ann"), person("bob")], days(1), ["offer", "contract"], last=last)
    assert rows(rota) == [{("ann", ("contract",)), ("bob", ("offer",))}]


def test_the_order_of_the_input_does_not_matter() -> None:
    team = [person(f"p{number}", duties=number % 3) for number in range(6)]
    assert plan(team, days(9), KINDS) == plan(team[::-1], days(9), KINDS[::-1])


def test_a_kind_only_one_can_do_is_theirs() -> None:
    team = [person("ann", "offer"), person("bob"), person("cyd", "contract", "offer")]
    for row in rows(plan(team, days(10), KINDS)):
        assert ("bob", ("renewal",)) in row
    rota = plan([person("ann", "offer")], days(2), ["offer", "contract"])
    assert [(span, kind) for span, kind in rota.uncovered] == [(day, "contract") for day in days(2)]
    assert plan([], days(1), ["offer"]) == Rota((), ((days(1)[0], "offer"),))


def test_several_kinds_a_person_where_it_says_so() -> None:
    team = [person("ann"), person("bob"), person("cyd")]
    rota = plan(team, days(6), KINDS, kinds_per_slice=3)
    assert all(duty.kinds == tuple(sorted(KINDS)) for duty in rota.duties)
    assert set(counts(rota).values()) == {2}
    pairs = plan(team, days(6), KINDS, kinds_per_slice=2)
    assert {len(row) for row in rows(pairs)} == {2}
    assert set(counts(pairs).values()) == {4}


def test_several_people_a_kind_where_it_says_so() -> None:
    rota = plan([person(f"p{number}") for number in range(4)], days(3), ["offer", "contract"], people_per_kind=2)
    for row in rows(rota):
        assert Counter(kind for _, kinds in row for kind in kinds) == {"offer": 2, "contract": 2}
        assert len(row) == 4
    few = plan([person("ann"), person("bob")], days(1), ["offer", "contract"], people_per_kind=2)
    assert len(few.duties) == 2
    assert {kind for duty in few.duties for kind in duty.kinds} == {"offer", "contract"}


def test_who_is_away_has_no_duty_and_no_debt() -> None:
    away = ((MONDAY + DAY * 2, MONDAY + DAY * 8),)
    team = [person("ann", absences=away), person("bob"), person("cyd")]
    rota = plan(team, days(12), ["offer"])
    there = {duty.agent: duty.from_at for duty in rota.duties}
    assert all(not (MONDAY + DAY * 2 <= duty.from_at < MONDAY + DAY * 8) for duty in rota.duties if duty.agent == "ann")
    late = [duty.agent for duty in rota.duties if duty.from_at >= MONDAY + DAY * 8]
    assert late.count("ann") <= 2
    assert set(there) == {"ann", "bob", "cyd"}


@pytest.mark.parametrize(
    ("since", "until", "away"),
    [
        (0, 1, True),
        (-1, 0, False),
        (1, 2, False),
        (0.9, 3, True),
        (-1, 0.1, True),
        (0.4, None, True),
        (1, None, False),
    ],
)
def test_a_slice_is_out_when_any_part_of_it_is(since: float, until: float | None, away: bool) -> None:
    leave = (MONDAY + since * DAY, None if until is None else MONDAY + until * DAY)
    rota = plan([person("ann", absences=(leave,))], days(1), ["offer"])
    assert (rota.duties == ()) is away


def test_newcomers_start_at_the_mean() -> None:
    team = [person("ann", duties=10), person("bob", duties=12), person("new")]
    found = counts(plan(team, days(6), ["offer"]))
    assert found == {"ann": 3, "new": 2, "bob": 1}


def test_who_is_on_duty_now() -> None:
    duties = [
        Duty("ann", MONDAY, MONDAY + DAY, ("offer",)),
        Duty("bob", MONDAY + DAY, MONDAY + 2 * DAY, ("offer",)),
        Duty("ann", MONDAY, MONDAY + DAY, ("contract",)),
    ]
    state = on_duty(duties, MONDAY, version=4)
    assert (state.version, state.open, state.members, state.kinds) == (
        4, True, frozenset({"ann"}), {"ann": ("contract", "offer")},
    )  # fmt: skip
    assert on_duty(duties, MONDAY + DAY).members == frozenset({"bob"})
    assert on_duty(duties, MONDAY + 2 * DAY).members == frozenset()
    assert on_duty([], MONDAY).version == 0


def test_seats_are_filled_by_who_stands_first_and_moved_where_it_must_be() -> None:
    a, b, c = Seat("a", 0), Seat("b", 0), Seat("c", 0)
    every = frozenset("abc")
    assert set(seated([a], [("x", every), ("y", every)], 1).values()) == {"x"}
    assert set(seated([a, b], [("x", every), ("y", every), ("z", every)], 1).values()) == {"x", "y"}
    assert seated([a, b], [("x", every), ("y", every)], 2) == {a: "x", b: "x"}
    assert seated([a, Seat("a", 1)], [("x", every)], 2) == {a: "x"}
    tight = [("x", frozenset("ab")), ("y", frozenset("bc")), ("z", frozenset("a"))]
    assert seated([a, b, c], tight, 1) == {c: "y", b: "x", a: "z"}
    moving = [("x", frozenset("ab")), ("y", frozenset("ab")), ("w", frozenset("ac")), ("v", frozenset("c"))]
    assert set(seated([a, b, c], moving, 1)) == {a, b, c}
    assert seated([], tight, 1) == {}


def test_a_seat_nobody_free_can_take_moves_somebody_along_a_chain() -> None:
    a, b, c, d = (Seat(kind, 0) for kind in "abcd")
    chain = [("x", frozenset("abc")), ("y", frozenset("a")), ("z", frozenset("bc"))]
    held = seated([a, b, c], chain, 1)
    assert held[a] == "y"
    assert {held[b], held[c]} == {"x", "z"}
    few = [("x", frozenset("ab")), ("y", frozenset("ab"))]
    assert len(seated([a, b], few, 1)) == 2
    three = [("x", frozenset("abc")), ("y", frozenset("abc"))]
    assert seated([a, b, c], three, 1) == {a: "x", b: "y"}
    longer = [("x", frozenset("abc")), ("w", frozenset("ad")), ("z", frozenset("bc")), ("v", frozenset("d"))]
    assert set(seated([a, b, c, d], longer, 1)) == {a, b, c, d}
    full = seated([a, b, c, d], [("x", frozenset("abcd")), ("y", frozenset("ab"))], 2)
    assert full == {a: "y", b: "y", c: "x", d: "x"}


def test_slices_follow_the_zone_and_leave_out_closed_days() -> None:
    weekdays = lambda on: on.weekday() < 5  # noqa: E731
    thursday, tuesday = date(2026, 10, 22), date(2026, 10, 27)
    whole = slices("day", thursday, tuesday, "Europe/Paris", weekdays)
    assert [begin.isoformat() for begin, _ in whole] == [
        "2026-10-21T22:00:00+00:00", "2026-10-22T22:00:00+00:00", "2026-10-25T23:00:00+00:00",
    ]  # fmt: skip
    assert all(end - begin == DAY for begin, end in whole)
    half = slices("half_day", thursday, thursday + DAY, "UTC", weekdays)
    assert [(begin.hour, end.hour) for begin, end in half] == [(0, 13), (13, 0)]
    assert half[0][1] == half[1][0]
    weeks = slices("week", thursday, date(2026, 11, 4), "UTC", weekdays)
    assert [(begin.date(), end.date()) for begin, end in weeks] == [
        (thursday, date(2026, 10, 26)),
        (date(2026, 10, 26), date(2026, 11, 2)),
        (date(2026, 11, 2), date(2026, 11, 4)),
    ]
    assert slices("week", date(2026, 10, 24), date(2026, 10, 26), "UTC", weekdays) == []
    assert slices("day", thursday, thursday, "UTC", weekdays) == []


# ── rings, lanes, help ───────────────────────────────────────────────────────────────────────────────────────────────


def test_links_of_a_ring_are_equally_staffed_and_places_kept() -> None:
    people = [f"p{number}" for number in range(8)]
    first = placed(KINDS, people, {})
    assert set(first) == set(people)
    assert set(first.values()) == {("offer", "contract"), ("contract", "renewal"), ("renewal", "offer")}
    assert sorted(Counter(first.values()).values()) == [2, 3, 3]
    again = placed(KINDS, people[::-1], first)
    assert again == first
    more = placed(KINDS, [*people, "new"], first)
    assert {key: more[key] for key in people} == first
    assert set(Counter(more.values()).values()) == {3}


def test_a_ring_moves_people_only_when_it_must() -> None:
    lopsided = dict.fromkeys(["a", "b", "c", "d"], ("offer", "contract"))
    found = placed(KINDS, list(lopsided), lopsided)
    assert sorted(Counter(found.values()).values()) == [1, 1, 2]
    assert sum(found[key] == lopsided[key] for key in lopsided) == 2
    assert placed(KINDS, ["a"], {"a": ("offer", "gone"), "left": ("offer", "contract")}) == {"a": ("offer", "contract")}
    assert placed(["x", "y"], [], {}) == {}


@pytest.mark.parametrize(
    "weights",
    [{"a": 1, "b": 1}, {"a": 3, "b": 1}, {"a": 50, "b": 30, "c": 20}, {"a": 7, "b": 0, "c": 5}, {"z": 2, "a": 4}],
)
def test_lanes_come_out_exact_over_every_cycle(weights: dict[str, int]) -> None:
    total = sum(weights.values())
    for start in range(3):
        row = Counter(lane_for(weights, start * total + drawn) for drawn in range(total))
        assert row == {pool: weight for pool, weight in weights.items() if weight}


def test_lanes_never_lag_a_whole_task_behind() -> None:
    weights = {"a": 5, "b": 3, "c": 2}
    had: Counter[str] = Counter()
    for drawn in range(20):
        had[lane_for(weights, drawn)] += 1
        assert all(abs(had[pool] - (drawn + 1) * weight / 10) < 1 for pool, weight in weights.items())
    assert [lane_for({"b": 1, "a": 1}, drawn) for drawn in range(3)] == ["a", "b", "a"]
    assert [lane_for({"b": 200, "a": 100}, drawn) for drawn in range(3)] == ["b", "a", "b"]


def test_who_waits_too_long_is_forecast_from_the_work_ahead() -> None:
    row = [Ahead(30, 0), Ahead(30, 14), Ahead(30, 30), Ahead(60, 45), Ahead(5, 74)]
    assert late_fraction(row, people=2) == pytest.approx(2 / 5)
    assert late_fraction(row, people=2, busy_minutes=2) == 1.0
    assert late_fraction(row[3:], people=2, busy_minutes=90) == 0.5
    assert late_fraction(row[:1] * 2, people=1) == 0.5
    assert late_fraction(row, people=0) == 1.0
    assert late_fraction(row, people=-1) == 1.0
    assert late_fraction(row, people=1000) == pytest.approx(0)
    assert late_fraction([], people=0) == 0.0


def test_help_comes_above_the_limit_and_leaves_well_below_it() -> None:
    assert [opens(late, 0.2, was_open=False) for late in (0.0, 0.1, 0.2, 0.21, 1.0)] == [False] * 3 + [True] * 2
    assert [opens(late, 0.2, was_open=True) for late in (0.0, 0.09, 0.1, 0.2, 1.0)] == [False] * 2 + [True] * 3
