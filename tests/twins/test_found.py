"""The bars of finding doubles, on seeds that nobody looked at while the rules were written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from taskhub.policy.duplicates import DuplicatePolicy
from tests.twins import recount
from tests.twins.errors import ERRORS
from tests.twins.generate import World, world
from tests.twins.people import DataMissing

RULES = DuplicatePolicy(recount.REGION)


@pytest.fixture(scope="module", params=[1_009, 2_003])
def made(request: pytest.FixtureRequest, shared_data: Path) -> World:
    try:
        return world(4_000, request.param, shared_data)
    except DataMissing as reason:
        pytest.skip(str(reason))


def test_what_is_shown_is_right_and_what_is_there_is_shown(made: World) -> None:
    told = recount.tally(made, recount.pairs_of(recount.prints_of(made), RULES))
    assert told.precision >= 0.95, told.table()
    assert told.recall >= 0.90, told.table()
    assert {kind for kind in ERRORS if told.errors[kind][0] < 0.85 * told.errors[kind][1]} == set(), told.table()
    assert all(wrong <= 0.05 * there for wrong, there in told.near.values()), told.table()


def test_what_is_called_likely_is_nearly_always_right(made: World) -> None:
    told = recount.tally(made, recount.pairs_of(recount.prints_of(made), replace(RULES, possible=RULES.likely)))
    assert told.precision >= 0.99, told.table()
    assert told.recall >= 0.90, told.table()


def test_the_order_of_records_does_not_matter(made: World) -> None:
    prints = recount.prints_of(made)
    turned = dict(reversed(prints.items()))
    assert recount.pairs_of(turned, RULES) == recount.pairs_of(prints, RULES)
