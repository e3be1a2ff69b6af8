"""A seeded slice of the campaign that `make faults` runs whole: two minutes of harm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.ground import Ground
from tests.faults.kinds import all_faults
from tests.faults.plan import Plan
from tests.servers import ServerMissing

SLICE = Plan(seed=20_261_123, events=120, most=12, every=8, pause=0.05, strikes=3, away=3.0, crashes=40)
CHOSEN = ("everything", "forked", "commit lost", "sqlite killed")


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    try:
        with Ground(SLICE) as one:
            yield one
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.slow
@pytest.mark.parametrize("name", CHOSEN)
def test_nothing_is_lost_or_done_twice(ground: Ground, name: str) -> None:
    found = all_faults()[name].run(ground, SLICE.seed)
    print(f"\n{found}")
    assert found.wrong == [], str(found)
    assert found.kills + found.crashes + found.strikes > 0
