"""A seeded slice of the campaign that `make faults` runs whole: two minutes of harm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import places
from tests.faults.ground import Ground
from tests.faults.kinds import all_faults
from tests.faults.plan import Plan
from tests.servers import ServerMissing

SLICE = Plan(seed=20_261_123, events=96, most=12, every=8, pause=0.05, strikes=4, away=3.0, crashes=72)
CHOSEN = ("everything", "forked", "commit lost", "sqlite killed")
# A row must have ended three processes (the fault "poison"); no letter leaves by a channel here (test_dead_letters.py).
ELSEWHERE = {"looker.buried", "letter.sent"}


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    try:
        with Ground(SLICE) as one:
            yield one
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.slow
def test_nothing_is_lost_or_done_twice_and_every_failpoint_is_passed(ground: Ground) -> None:
    faults, passed = all_faults(), set[str]()
    for name in CHOSEN:
        found = faults[name].run(ground, SLICE.seed)
        print(f"\n{found}")
        assert found.wrong == [], str(found)
        assert found.kills + found.crashes + found.strikes > 0
        passed |= found.passed
    assert set(places.in_days()) - passed <= ELSEWHERE
