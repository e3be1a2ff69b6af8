"""Fixtures for the whole suite: fresh databases on real servers, Redis, and the folder of recorded data.

The servers belong to the process that started pytest; xdist workers get their addresses from it.
TASKHUB_TEST_DATABASE_URL (its user may create databases) and TASKHUB_TEST_REDIS_URL (its databases get flushed) name
other servers instead.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.databases import PostgresDatabases, SqliteDatabases
from tests.scratch import quick_folder
from tests.servers import Server, ServerMissing, start_postgres, start_redis

settings.register_profile(
    "default", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("default"), max_examples=200, print_blob=True)
settings.register_profile("full", settings.get_profile("ci"), derandomize=False, max_examples=5000)
settings.register_profile("wide", settings.get_profile("full"), max_examples=500)
settings.load_profile(os.environ.get("TASKHUB_HYPOTHESIS_PROFILE", "default"))

RUN = pytest.StashKey["Run"]()


class Run:
    """The servers of one test run, each started when first asked for."""

    def __init__(self) -> None:
        self.prefix = f"taskhub_test_{uuid.uuid4().hex[:8]}"
        self.servers: dict[str, Server] = {}

    def address(self, name: str, variable: str, start: Callable[[], Server]) -> str:
        """The address; or, after `missing:`, the reason why there is none."""
        if given := os.environ.get(variable):
            return given
        if name not in self.servers:
            try:
                self.servers[name] = start()
            except ServerMissing as reason:
                return f"missing:{reason}"
        return self.servers[name].url

    def postgres(self) -> str:
        """The address of PostgreSQL."""
        return self.address("postgres", "TASKHUB_TEST_DATABASE_URL", start_postgres)

    def redis(self) -> str:
        """The address of Redis."""
        return self.address("redis", "TASKHUB_TEST_REDIS_URL", start_redis)

    def stop(self) -> None:
        """Stop what was started; on a server of others, drop what was made there."""
        if given := os.environ.get("TASKHUB_TEST_DATABASE_URL"):
            PostgresDatabases(given, self.prefix).drop_all()
        for server in self.servers.values():
            server.stop()


class GivenRun(Run):
    """The same in an xdist worker: the addresses came from the process above."""

    def __init__(self, prefix: str, postgres: str, redis: str) -> None:
        super().__init__()
        self.prefix = prefix
        self.given = {"postgres": postgres, "redis": redis}

    def address(self, name: str, variable: str, start: Callable[[], Server]) -> str:
        """What the process above said."""
        return self.given[name]

    def stop(self) -> None:
        """The process above does."""


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", None)
    config.stash[RUN] = GivenRun(**given["taskhub"]) if given else Run()
    if folder := quick_folder():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    run = node.config.stash[RUN]
    node.workerinput["taskhub"] = {"prefix": run.prefix, "postgres": run.postgres(), "redis": run.redis()}


def pytest_unconfigure(config: pytest.Config) -> None:
    if RUN in config.stash:
        config.stash[RUN].stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server, so that -m 'not postgres' works."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        callspec = getattr(item, "callspec", None)
        chosen = list(callspec.params.values()) if callspec and names & {"database_url", "empty_database_url"} else []
        if names & {"postgres_url", "empty_postgres_url", "postgres_databases"} or "postgres" in map(str, chosen):
            item.add_marker(pytest.mark.postgres)
        if "redis_url" in names:
            item.add_marker(pytest.mark.redis)


def _present(address: str) -> str:
    if not address.startswith("missing:"):
        return address
    reason = address.removeprefix("missing:")
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_databases(request: pytest.FixtureRequest) -> PostgresDatabases:
    """Makes databases on the real PostgreSQL, for a test that needs several."""
    run = request.config.stash[RUN]
    return PostgresDatabases(_present(run.postgres()), run.prefix)


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    """Makes SQLite files, for a test that needs several."""
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def postgres_url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    """A migrated PostgreSQL database of the test's own."""
    url = postgres_databases.create()
    yield url
    postgres_databases.drop(url)


@pytest.fixture
def empty_postgres_url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    """A PostgreSQL database of the test's own without a table."""
    url = postgres_databases.create(migrated=False)
    yield url
    postgres_databases.drop(url)


@pytest.fixture
def sqlite_url(sqlite_databases: SqliteDatabases, tmp_path: Path) -> str:
    """A migrated SQLite file of the test's own."""
    return sqlite_databases.create(tmp_path)


@pytest.fixture
def empty_sqlite_url(sqlite_databases: SqliteDatabases, tmp_path: Path) -> str:
    """The address of a SQLite file that does not exist yet."""
    return sqlite_databases.create(tmp_path, migrated=False)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of the test's own, once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest) -> str:
    """A database without a table, once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue(f"empty_{request.param}_url"))


@pytest.fixture
def redis_url(request: pytest.FixtureRequest) -> str:
    """An empty Redis; each worker has a database of its own there."""
    import redis

    address = _present(request.config.stash[RUN].redis())
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    url = f"{address.rsplit('/', 1)[0]}/{worker}" if address.count("/") > 2 else f"{address}/{worker}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="session")
def shared_data(pytestconfig: pytest.Config) -> Path:
    """Recorded logs and payloads that lie beside the project, not in it."""
    folder = pytestconfig.rootpath.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the data sets are not here: {folder} is missing")
    return folder
