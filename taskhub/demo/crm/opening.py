"""Opens the demo's CRM: its fake on a socket, connected to taskhub as an administrator would connect a real one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx

from taskhub import bootstrap
from taskhub.clock import real_now
from taskhub.connectors.clients import client_for
from taskhub.connectors.hooks import address_of
from taskhub.connectors.looking.health import reached_at
from taskhub.db.database import Database
from taskhub.db.tx import SYSTEM
from taskhub.demo import people
from taskhub.demo.crm import connection
from taskhub.demo.crm.colleague import Colleague
from taskhub.demo.crm.fakes import SYSTEMS, System, users_of
from taskhub.demo.crm.feed import Ask, CrmFeed
from taskhub.demo.crm.office import Counts, Office, Paths
from taskhub.demo.crm.turns import Turns
from taskhub.demo.story import Story
from taskhub.testing.clock import SetClock
from taskhub.testing.crm.salesforce import FakeSalesforce
from taskhub.testing.crm.sender import over_http
from taskhub.testing.crm.wire import served

PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Crm:
    """An open CRM. ``key`` names its connection; ``address`` is where it answers, ``home`` where taskhub does."""

    key: str
    system: System
    fake: Any
    office: Office
    turns: Turns
    address: str
    home: str

    def config(self, given: Path | None, folder: Path) -> Path:
        """The organisation's files with this connection for all others, in ``folder``."""
        texts = bootstrap.read_config(given or bootstrap.example_config())
        texts["connections.toml"] = connection.text(self.key, self.system, self.office, self.address, self.home)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    def connect(self, db: Database) -> None:
        """It tells taskhub of every change from now on."""
        with db.begin(SYSTEM) as tx:
            known = tx.policies.connections[self.key]
            reached_at(tx, self.key, self.home)
        if isinstance(self.fake, FakeSalesforce):
            # It has no call for this: somebody sets up a relay by hand.
            self.fake.relay.url = address_of(self.home, self.key)
            self.fake.relay.headers = {"authorization": f"Bearer {self.system.secrets['bearer']}"}
            return
        client: Any = client_for(known, self.system.secrets)
        try:
            client.subscribe(address_of(self.home, self.key, self.system.secrets.get("path", "")), self.system.secrets)
        finally:
            client.close()

    def feed(self, story: Story, ask: Ask, chance: Random, stop: threading.Event) -> CrmFeed:
        """The story, lived here until ``stop`` is set."""
        return CrmFeed(story, self.office, self.turns, ask, chance, stop)

    def colleague(self, chance: Random) -> Colleague:
        """Somebody who works here and not in taskhub."""
        return Colleague(self.office, self.turns, chance)

    def counts(self) -> Counts:
        """What stands here now."""
        with self.turns.turn():
            return self.office.counts()


@contextmanager
def open_crm(key: str, paths: Paths, home: str) -> Iterator[Crm]:
    """Serves it on a port of this machine. Its memory ends with it; ids never come twice."""
    system, clock = SYSTEMS[key], SetClock(real_now())
    fake = system.make(clock)
    fake.state.count = int(real_now().timestamp())
    turns = Turns(fake, clock, real_now)
    office = system.office(fake, users_of(system, people.everybody()), paths)
    os.environ.update({connection.variable(name): value for name, value in system.secrets.items()})
    with served(turns) as address, httpx.Client(trust_env=False) as client:
        for sender in office.senders():
            sender.post = over_http(client, PATIENCE)
        yield Crm(key, system, fake, office, turns, address, home)
