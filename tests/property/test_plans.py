"""The plans behind models, over teams drawn at random: covered, fair, the same in any order."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taskhub.assignment.models.duty_plan import Person, plan
from taskhub.assignment.models.duty_seats import Seat, seated
from taskhub.assignment.models.lanes import counts_after, lane_for, next_lane
from taskhub.assignment.models.ring_plan import placed

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)
KINDS = ("audit", "contract", "offer", "refund")
SPANS = [(MONDAY + DAY * number, MONDAY + DAY * (number + 1)) for number in range(14)]
ABLE = st.frozensets(st.sampled_from(KINDS), min_size=1)
LEAVES = st.lists(st.tuples(st.integers(0, 13), st.integers(1, 6)), max_size=1).map(
    lambda rows: tuple((MONDAY + DAY * since, MONDAY + DAY * (since + length)) for since, length in rows)
)


@st.composite
def people(draw: Any) -> list[Person]:
    return [
        Person(f"p{number}", draw(ABLE), draw(LEAVES), draw(st.one_of(st.none(), st.integers(0, 9))))
        for number in range(draw(st.integers(1, 6)))
    ]


@given(people(), st.integers(1, 3), st.integers(1, 2), st.randoms(use_true_random=False))
def test_a_rota_is_sound_and_the_same_in_any_order(team: list[Person], most: int, each: int, chance: Any) -> None:
    rota = plan(team, SPANS, KINDS, kinds_per_slice=most, people_per_kind=each)
    able = {person.key: person for person in team}
    for duty in rota.duties:
        person = able[duty.agent]
        assert set(duty.kinds) <= person.kinds
        assert 1 <= len(duty.kinds) <= most
        assert not any(since < duty.until_at and until > duty.from_at for since, until in person.absences)
    for span, kind in product(SPANS, KINDS):
        on = sum(kind in duty.kinds for duty in rota.duties if duty.from_at == span[0])
        assert on <= each
        assert ((span, kind) in rota.uncovered) == (on < each)
    assert len({(duty.agent, duty.from_at) for duty in rota.duties}) == len(rota.duties)
    shuffled = list(team)
    chance.shuffle(shuffled)
    assert plan(shuffled, SPANS, KINDS[::-1], kinds_per_slice=most, people_per_kind=each) == rota


@given(st.integers(1, 7), people(), st.integers(1, 60), st.integers(1, 4))
def test_equals_who_are_always_there_have_as_many_duties(
    equals: int, others: list[Person], slices: int, kinds: int
) -> None:
    """Over a quarter, whoever else comes and goes."""
    every = frozenset(KINDS)
    team = [Person(f"equal-{number}", every, (), 3) for number in range(equals)]
    spans = [(MONDAY + DAY * number, MONDAY + DAY * (number + 1)) for number in range(slices)]
    rota = plan([*team, *(Person(one.key, every, one.absences, one.duties) for one in others)], spans, KINDS[:kinds])
    had = Counter(duty.agent for duty in rota.duties)
    counts = [had[person.key] for person in team]
    assert max(counts) - min(counts) <= 1


@given(st.lists(ABLE, min_size=1, max_size=5))
def test_as_many_seats_are_filled_as_can_be(skills: list[frozenset[str]]) -> None:
    row = [(f"p{number}", kinds) for number, kinds in enumerate(skills)]
    held = seated([Seat(kind, 0) for kind in KINDS], row, 1)
    assert all(seat.kind in dict(row)[agent] for seat, agent in held.items())
    assert len(set(held.values())) == len(held)
    choices = product(*[(*kinds, None) for kinds in skills])
    assert len(held) == max(len({kind for kind in one if kind}) for one in choices)


@given(st.lists(st.integers(0, 40), min_size=2, max_size=5).filter(any), st.integers(0, 3))
def test_lanes_are_exact_over_every_cycle(weights: list[int], cycles: int) -> None:
    named = {f"pool-{number}": weight for number, weight in enumerate(weights)}
    total = sum(weights)
    drawn = Counter(lane_for(named, cycles * total + number) for number in range(total))
    assert drawn == {pool: weight for pool, weight in named.items() if weight}


@given(st.frozensets(st.integers(0, 30), max_size=20), st.frozensets(st.integers(0, 30), max_size=20))
def test_a_ring_is_evenly_staffed_and_keeps_its_places(first: frozenset[int], then: frozenset[int]) -> None:
    before = placed(KINDS, [f"p{number}" for number in first], {})
    after = placed(KINDS, [f"p{number}" for number in then], before)
    assert set(after) == {f"p{number}" for number in then}
    links = [(kind, KINDS[(place + 1) % 4]) for place, kind in enumerate(KINDS)]
    sizes = Counter(after.values())
    assert set(sizes) <= set(links)
    assert max(sizes[link] for link in links) - min(sizes[link] for link in links) <= 1
    assert placed(KINDS, sorted(after), after) == after


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 12), min_size=2).filter(lambda w: any(w.values())),
       st.integers(0, 60))  # fmt: skip
def test_drawing_by_count_is_drawing_by_place(weights: dict[str, int], drawn: int) -> None:
    counts: Counter[str] = Counter()
    for number in range(drawn):
        lane = next_lane(weights, counts)
        assert lane == lane_for(weights, number)
        counts[lane] += 1
    assert counts_after(weights, drawn) == {pool: counts[pool] for pool in sorted(weights) if weights[pool]}


@given(st.dictionaries(st.sampled_from("abc"), st.integers(1, 9), min_size=2),
       st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), max_size=40))  # fmt: skip
def test_what_people_took_is_made_up_for(weights: dict[str, int], story: list[tuple[bool, str]]) -> None:
    """However work is taken before it is drawn, drawing goes on until every pool has its exact share again."""
    counts: Counter[str] = Counter()
    for taken, pool in story:
        counts[pool if taken and pool in weights else next_lane(weights, counts)] += 1
    total = sum(weights.values())
    enough = max((counts[pool] // weights[pool] + 1) for pool in weights)
    while counts.total() < enough * total:
        counts[next_lane(weights, counts)] += 1
    assert counts == {pool: enough * weight for pool, weight in weights.items()}
