"""A rolling deploy: the last release and this code side by side on one database and one Redis, ended one by one.

``tests/faults/released.txt`` names the commit of the last release.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import func, select

from taskhub import bootstrap
from taskhub.db.tables import message, task
from taskhub.settings import Settings
from tests.faults.invariants import at_rest, broken
from tests.service.deploy import WITHIN, Load, Running, said
from tests.service.house import wait_for

ROOT = Path(__file__).parents[2]
PEOPLE = ("ann", "bob")
DRAIN = 10.0


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the last release, from this clone's own history."""
    commit = (ROOT / "tests/faults/released.txt").read_text().strip()
    asked = ["git", "-C", str(ROOT), "cat-file", "-e", f"{commit}^{{commit}}"]
    here = subprocess.run(asked, capture_output=True, check=False)
    if here.returncode:
        pytest.skip(f"the last release, commit {commit}, is not in this clone; a full one has it")
    folder = tmp_path_factory.mktemp("released")
    tree = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit, "taskhub", "config"], capture_output=True, check=True
    )
    subprocess.run(["tar", "-x", "-C", str(folder)], input=tree.stdout, check=True)
    return folder


class Site:
    """Processes of either version over one database, killed at the end whatever happens."""

    def __init__(self, env: dict[str, str], folder: Path, closing: ExitStack) -> None:
        self.env, self.folder, self.closing = env, folder, closing
        self.load = Load()
        closing.callback(self.load.over.set)

    def run(self, root: Path, name: str, *words: str) -> Running:
        process = Running(root, self.folder / f"{name}.log", self.env, *words)
        self.closing.callback(process.kill)
        if words[0] == "api":
            self.load.apis.append(process.ready("serves"))
        else:
            process.ready("runs")
        return process

    def hire(self, root: Path) -> tuple[str, list[str]]:
        """Keys of the sender and of people who claim."""
        admin = said(root, self.env, "key", "create", "--role", "admin", "--name", "t")
        sender = said(root, self.env, "key", "create", "--role", "integration", "--name", "crm")
        keys = []
        for name in PEOPLE:
            who = {"key": name, "name": name.title(), "team": "front-line", "roles": ["agent"], "capacity": 5,
                   "skills": {"data_hygiene": 5}, "time_zone": "UTC"}  # fmt: skip
            made = self.load.call(admin, "POST", "/agents", who)
            assert made.status_code == 201, made.text
            keys.append(self.load.call(admin, "POST", f"/agents/{name}/keys", {}).json()["key"])
        return sender, keys


@pytest.fixture
def site(empty_postgres_url: str, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    env = {"TASKHUB_DATABASE_URL": empty_postgres_url, "TASKHUB_REDIS_URL": redis_url}
    with ExitStack() as closing:
        yield Site(env, tmp_path, closing)


@pytest.mark.slow
def test_old_and_new_code_work_side_by_side_and_nobody_notices_the_deploy(site: Site, released: Path) -> None:
    old = [site.run(released, "old-api", "api", "--port", "0"), site.run(released, "old-worker", "worker")]
    load = site.load
    load.begin(*site.hire(released))
    load.go_on()
    said(ROOT, site.env, "db", "upgrade")  # expand
    load.go_on()
    new = [site.run(ROOT, "new-worker", "worker"), site.run(ROOT, "new-api", "api", "--port", "0")]
    load.go_on()
    ends = [old[1].end()]
    load.go_on()
    ends.append(old[0].end())
    load.apis.pop(0)
    load.go_on()
    load.end()
    at_peace(site)
    ends += [process.end() for process in new]
    assert load.failures == []
    assert [code for code, _ in ends] == [0] * 4
    assert max(took for _, took in ends[2:]) < DRAIN


@pytest.mark.slow
def test_an_old_process_that_is_started_again_finds_the_new_tables(site: Site) -> None:
    """From this release on, a process that dies in the middle of a deploy comes back."""
    api = site.run(ROOT, "api", "api", "--port", "0")
    db = bootstrap.database(Settings(Path("data"), site.env["TASKHUB_DATABASE_URL"]))
    with db.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9000'")
        tx.conn.exec_driver_sql("ALTER TABLE message ADD COLUMN of_tomorrow text")
    db.close()
    assert api.end()[0] == 0
    site.run(ROOT, "api", "api", "--port", "0")
    site.run(ROOT, "worker", "worker")


def at_peace(site: Site) -> None:
    """Nothing is left to do; every event made its one task, every task was claimed once, every invariant holds."""
    db = bootstrap.database(Settings(Path("data"), site.env["TASKHUB_DATABASE_URL"]))
    try:
        wait_for(lambda: at_rest(db), WITHIN)
        with db.read() as tx:
            assert broken(tx.conn, tx.now) == []
            made = tx.conn.execute(select(func.count()).select_from(task)).scalar_one()
            assert tx.conn.execute(select(func.count()).where(message.c.dead_at.is_not(None))).scalar_one() == 0
    finally:
        db.close()
    load = site.load
    assert sorted(set(load.claimed)) == sorted(load.claimed)
    assert made == len(load.sent) == len(load.claimed)
