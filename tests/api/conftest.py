"""A house per test, on SQLite or on both databases."""

from collections.abc import Iterator

import pytest

from tests.api.house import House, open_house


@pytest.fixture
def house(sqlite_url: str) -> Iterator[House]:
    with open_house(sqlite_url) as one:
        yield one


@pytest.fixture
def any_house(database_url: str) -> Iterator[House]:
    with open_house(database_url) as one:
        yield one
