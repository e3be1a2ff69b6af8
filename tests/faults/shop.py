"""The shipped example organisation behind its API, on a database of the test's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from taskhub import bootstrap
from taskhub.access import service as access
from taskhub.acts.activate import activate
from taskhub.agents import service as agents
from taskhub.api import api
from taskhub.db.database import Database
from taskhub.db.tx import SYSTEM, Tx
from taskhub.flow import HANDLERS
from taskhub.http.state import AppState
from taskhub.settings import Settings
from taskhub.testing.drain import drain
from tests.api.client import Client, running
from tests.faults.calls import patiently

SECRET = "unguessable"
SECRETS = {"TASKHUB_PIPEDRIVE_PATH_SECRET": SECRET}
HOOK = f"/hooks/pipedrive/{SECRET}"
EVENTS = "/api/v1/events"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
OPEN_ALL_DAY = {day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def settings(url: str) -> Settings:
    """As a process finds them that was given nothing but the database."""
    return Settings(data=Path("data"), database_url=url)


@dataclass
class Shop:
    """The database, and a client of the app for the machine that sends and for the administrator."""

    db: Database
    client: Client
    sender: Client
    admin: Client
    people: dict[str, str] = field(default_factory=dict)

    def batch(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One batch of native CloudEvents; what the sender is told of each."""
        return list(self.sender.ok("POST", EVENTS, events, headers={"content-type": BATCH})["events"])

    def drain(self) -> int:
        """Everything due is done."""
        return drain(self.db, HANDLERS)

    def rest(self) -> datetime:
        """Everything due by the instant that is returned is done: who asks later may find what fell due since."""
        with self.db.read() as tx:
            asked = tx.now
        self.drain()
        return asked


def settle(db: Database) -> None:
    """The shipped policies are active."""
    bootstrap.make_policies(db, None)


def accept(db: Database, files: Mapping[str, str]) -> None:
    """These policies are active."""
    with db.begin(SYSTEM) as tx:
        activate(tx, bootstrap.policies(files), files)


def hire(tx: Tx, team: str, names: list[str], capacity: float) -> dict[str, str]:
    """People who are there all day, every day, and can do everything; a key for each. "ann-lee" is called Ann Lee."""
    if team not in {one.key for one in agents.list_teams(tx, limit=200)}:
        agents.create_team(tx, {"key": team, "name": team.title(), "kind": "front_line"})
    for name in names:
        who = {"key": name, "name": name.replace("-", " ").title(), "team": team, "roles": ["agent"]}
        able = {"capacity": capacity, "skills": dict.fromkeys(tx.policies.kinds, 5)}
        facts = {**who, **able, "shifts": OPEN_ALL_DAY, "time_zone": "UTC"}
        agents.create_agent(tx, facts)
        agents.set_presence(tx, name, "available")
    return {name: access.create_key(tx, "agent", name, name) for name in names}


def _staffed(db: Database, people: Mapping[str, list[str]], capacity: float) -> tuple[dict[str, str], dict[str, str]]:
    """Keys of the sender and the administrator by role, of people by name."""
    with db.begin(SYSTEM) as tx:
        keys = {role: access.create_key(tx, role, role) for role in ("integration", "admin")}
        return keys, {n: k for team, names in people.items() for n, k in hire(tx, team, names, capacity).items()}


@contextmanager
def open_shop(
    url: str, people: dict[str, list[str]] | None = None, *, capacity: float = 10,
    files: Mapping[str, str] | None = None,
) -> Iterator[Shop]:  # fmt: skip
    """A shop on a migrated database; ``people`` by team; ``files`` are its policies instead of the shipped ones."""
    db = bootstrap.database(settings(url))
    try:
        settle(db) if files is None else accept(db, files)
        keys, hired = patiently(lambda: _staffed(db, people or {}, capacity))
        with running(api(AppState(db, secret=SECRETS.get))) as client:
            yield Shop(db, client, client.as_(keys["integration"]), client.as_(keys["admin"]), hired)
    finally:
        db.close()
