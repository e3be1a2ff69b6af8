"""Teams and people: what is stored, what is refused, who is woken; on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from taskhub.agents import service as agents
from taskhub.db.database import Database
from taskhub.db.flow import Route
from taskhub.db.tables import history, message
from taskhub.db.tx import By
from taskhub.errors import Conflict, InvalidInput, NotFound, VersionClash
from taskhub.policy.policies import Policies

FLOW = {"agent.changed": [Route("wake", "one", earliest=True)], "absence.ended": [Route("back", "one")]}
ADMIN = By("key:1", "admin", roles=("admin",))
FAR = datetime(2190, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    one = Database(database_url, flow=FLOW, loader=lambda _texts, _resolved: Policies(hash="h"))
    with one.begin(ADMIN, act="seed") as tx:
        agents.create_team(tx, {"key": "bo", "name": "Back office", "kind": "specialist"})
        agents.create_agent(tx, {"key": "zoe", "name": "Zoé", "team": "bo"})
    yield one
    one.close()


def woken(db: Database) -> list[tuple[str, str]]:
    """(handler, key) of every row of the ledger; those before are forgotten."""
    with db.begin() as tx:
        rows = [(row.handler, row.key) for row in tx.conn.execute(select(message).order_by(message.c.id))]
        tx.conn.execute(message.delete())
    return rows


def test_a_new_person_starts_offline_and_wakes_assignment(db: Database) -> None:
    assert woken(db) == [("wake", "zoe")]
    with db.begin() as tx:
        zoe = agents.get_agent(tx, "zoe")
        kept = tx.conn.execute(select(history.c.act, history.c.by).where(history.c.noun == "agent")).all()
    assert (zoe.presence, zoe.capacity, zoe.roles, zoe.time_zone, zoe.version) == ("offline", 3, ["agent"], "UTC", 1)
    assert [tuple(row) for row in kept] == [("create", "key:1")]


def test_a_change_raises_the_version_wakes_and_stands_in_history(db: Database) -> None:
    woken(db)
    with db.begin(ADMIN) as tx:
        assert agents.patch_agent(tx, "zoe", {"capacity": 2, "skills": {"contract": 4}}, 1).version == 2
    assert woken(db) == [("wake", "zoe")]
    with db.begin() as tx:
        change = tx.conn.execute(select(history.c.change).where(history.c.act == "patch")).scalar_one()
    assert change == {"capacity": 2.0, "skills": {"contract": 4}}


def test_saying_what_is_so_already_changes_nothing(db: Database) -> None:
    woken(db)
    with db.begin(ADMIN) as tx:
        assert agents.patch_agent(tx, "zoe", {"capacity": 3}).version == 1
        agents.set_presence(tx, "zoe", "offline")
    assert woken(db) == []


def test_an_old_version_is_refused(db: Database) -> None:
    with db.begin(ADMIN) as tx:
        agents.patch_agent(tx, "zoe", {"capacity": 2})
        with pytest.raises(VersionClash) as refused:
            agents.patch_agent(tx, "zoe", {"capacity": 4}, 1)
    assert refused.value.fields == {"version": 2}


@pytest.mark.parametrize("field", ["capacity", "skills", "attributes", "time_zone", "presence", "key"])
def test_a_field_of_the_wrong_sort_is_named(db: Database, field: str) -> None:
    with db.begin() as tx, pytest.raises(InvalidInput) as refused:
        agents.patch_agent(tx, "zoe", {field: object()})
    assert refused.value.fields["errors"][0]["path"] == field


def test_a_typing_error_in_a_field_is_guessed(db: Database) -> None:
    with db.begin() as tx, pytest.raises(InvalidInput, match="capacity"):
        agents.patch_agent(tx, "zoe", {"capasity": 3})


def test_two_at_once_make_one_person(db: Database) -> None:
    start = threading.Barrier(2)

    def make(name: str) -> str:
        start.wait()
        try:
            with db.begin() as tx:
                agents.create_agent(tx, {"key": "kim", "name": name, "team": "bo"})
        except Conflict as refused:
            return refused.stable_code
        return name

    with ThreadPoolExecutor(2) as pool:
        said = set(pool.map(make, ("One", "Two")))
    assert "already_exists" in said
    with db.begin() as tx:
        assert {agents.get_agent(tx, "kim").name} == said - {"already_exists"}


def test_presence_until_wakes_again_then(db: Database) -> None:
    woken(db)
    with db.begin() as tx:
        busy = agents.set_presence(tx, "zoe", "busy", FAR)
    assert (busy.presence, busy.presence_until) == ("busy", FAR)
    assert sorted(woken(db)) == [("back", "presence:zoe"), ("wake", "zoe")]
    with db.begin() as tx:
        assert agents.set_presence(tx, "zoe", "available").presence_until is None


def test_absences_end_after_they_begin_and_wake_when_they_end(db: Database) -> None:
    woken(db)
    with db.begin() as tx:
        made = agents.add_absence(tx, "zoe", FAR, FAR + DAY, "Holiday")
        assert agents.absences(tx, "zoe") == [made]
        for begin, end in ((FAR, FAR), (FAR, FAR - DAY), (FAR - 400 * 365 * DAY, FAR - 399 * 365 * DAY)):
            with pytest.raises(InvalidInput):
                agents.add_absence(tx, "zoe", begin, end)
    assert sorted(woken(db)) == [("back", made.id), ("wake", "zoe")]
    with db.begin() as tx:
        agents.cancel_absence(tx, "zoe", made.id)
        assert agents.absences(tx, "zoe") == []
        with pytest.raises(NotFound):
            agents.cancel_absence(tx, "zoe", made.id)


def test_whoever_is_not_there_is_not_found(db: Database) -> None:
    calls: list[Any] = [
        lambda tx: agents.get_agent(tx, "x"), lambda tx: agents.patch_agent(tx, "x", {}),
        lambda tx: agents.get_team(tx, "x"),
        lambda tx: agents.set_presence(tx, "x", "busy"), lambda tx: agents.add_absence(tx, "x", FAR, FAR + DAY),
        lambda tx: agents.absences(tx, "x"), lambda tx: agents.patch_team(tx, "x", {}),
    ]  # fmt: skip
    for call in calls:
        with db.begin() as tx, pytest.raises(NotFound):
            call(tx)


def test_lists_go_by_key_and_reach(db: Database) -> None:
    with db.begin() as tx:
        agents.create_team(tx, {"key": "fo", "name": "Front", "kind": "front_line"})
        for key, team in (("abe", "bo"), ("yan", "fo"), ("max", "fo")):
            agents.create_agent(tx, {"key": key, "name": key, "team": team})

        def keys(**reach: Any) -> list[str]:
            return [one.key for one in agents.list_agents(tx, limit=10, **reach)]

        assert keys() == ["abe", "max", "yan", "zoe"]
        assert keys(in_teams=["bo"]) == ["abe", "zoe"]
        assert keys(in_teams=["bo"], me="yan") == ["abe", "yan", "zoe"]
        assert keys(in_teams=["bo"], only="fo") == []
        assert [one.key for one in agents.list_agents(tx, "max", 1)] == ["yan"]
        assert agents.headcount(tx, ["bo", "fo"]) == {"available": 0, "busy": 0, "away": 0, "offline": 4}
