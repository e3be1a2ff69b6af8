"""A house per test, or one that stands for a whole file of tests that change little; on SQLite or on both databases."""

from collections.abc import Iterator

import pytest

from tests.api.house import House, open_house
from tests.databases import SqliteDatabases


@pytest.fixture
def house(sqlite_url: str) -> Iterator[House]:
    with open_house(sqlite_url) as one:
        yield one


@pytest.fixture
def any_house(database_url: str) -> Iterator[House]:
    with open_house(database_url) as one:
        yield one


@pytest.fixture(scope="module")
def still_house(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(sqlite_databases.create(tmp_path_factory.mktemp("house"))) as one:
        yield one


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_still_house(request: pytest.FixtureRequest) -> Iterator[House]:
    if request.param == "sqlite":
        yield request.getfixturevalue("still_house")
        return
    databases = request.getfixturevalue("postgres_databases")
    url = databases.create()
    with open_house(url) as one:
        yield one
    databases.drop(url)
