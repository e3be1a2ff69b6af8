"""How soon a CRM is answered: 100 deliveries a second at the hook of each system while no worker runs.

The bodies are those of the fake CRMs. A delivery is due at its instant, however late the one before was answered, and
its time counts from there.
"""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import func, select

from benchmarks import sizes, world
from benchmarks.claims import SETTINGS
from benchmarks.table import Figure
from taskhub import bootstrap
from taskhub.db.tables import event
from taskhub.demo.crm import SYSTEMS, connection
from taskhub.demo.crm.fakes import users_of
from taskhub.demo.paths import paths_of
from taskhub.settings import Settings
from taskhub.testing.clock import SetClock
from taskhub.testing.crm.sender import Answer, Parcel
from tests.crm.floor import listen, senders
from tests.crm.users import Users
from tests.faults.processes import Process
from tests.servers import start_postgres, start_redis

RATE = 100
SENDERS = 8
PATIENCE = 20.0
CEILING = 200.0
# How each shows that it may send: what follows its address, and headers.
SHOWN = {
    "pipedrive": ("/demo", {}), "salesforce": ("", {"authorization": "Bearer demo"}), "dynamics": ("?code=demo", {}),
}  # fmt: skip


@dataclass
class Sent:
    """What became of the deliveries: milliseconds since each was due, and the answers."""

    took: list[float] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)


def run() -> list[Figure]:
    """Each system on a durable PostgreSQL, one after the other."""
    count = int(RATE * sizes.of(60, 3))
    with start_postgres(durable=True, settings=SETTINGS) as postgres, start_redis() as redis:
        return [one for key in SYSTEMS for one in _of(key, count, world.new_database(postgres.url, key), redis.url)]


def _of(key: str, count: int, url: str, redis: str) -> list[Figure]:
    parcels = _parcels(key, count)
    with _house(key, url, redis) as port:
        sent = _deliver(port, key, parcels)
    db = world.open_database(url, pool=1)
    with db.read() as tx:
        stored = tx.conn.execute(select(func.count()).select_from(event)).scalar_one()
    db.close()
    name = f"hook of {key}, {RATE} a second, no worker"
    p99, longest = quantiles(sent.took, n=100)[98], max(sent.took)
    refused = count - sent.answers[200] - sent.answers[202]
    return [
        Figure(name, "ms until the answer, p99", [p99], ceiling=CEILING),
        Figure(name, "ms until the answer, longest", [longest]),
        Figure(name, "refused or lost", [refused + count - stored], ceiling=0),
    ]


def _parcels(key: str, count: int) -> list[Parcel]:
    """Deliveries of users at work, each of a change of its own."""
    clock, found = SetClock(), list[Parcel]()
    fake: Any = SYSTEMS[key].make(clock)

    def keep(parcel: Parcel) -> Answer:
        found.append(parcel)
        return Answer(200)

    listen(fake, key, keep)
    users = Users(fake, random.Random(1))
    [sender] = senders(fake, key)
    while len(found) < count:
        clock.forward(seconds=1)
        users.act()
        sender.run()
    return found[:count]


@contextmanager
def _house(key: str, url: str, redis: str) -> Iterator[int]:
    """The API as production starts it, with a connection of that system; its port."""
    system = SYSTEMS[key]
    texts = bootstrap.read_config(bootstrap.example_config())
    office = system.office(system.make(SetClock()), users_of(system, ()), paths_of(bootstrap.policies(texts)))
    texts["connections.toml"] = connection.text(key, system, office, "http://127.0.0.1:1", "http://127.0.0.1:2")
    secrets = {connection.variable(name): value for name, value in system.secrets.items()}
    with TemporaryDirectory() as folder, ExitStack() as ends:
        config = Path(folder) / "config"
        config.mkdir()
        for name, text in texts.items():
            (config / name).write_text(text, encoding="utf-8")
        os.environ |= secrets
        chosen = Settings(data=Path(folder), database_url=url)
        bootstrap.make_tables(chosen)
        db = bootstrap.database(chosen)
        bootstrap.make_policies(db, config)
        db.close()
        api = Process("api", ["api", "--port", "0"], "API serves", (url, redis), Path(folder), secrets)
        ends.callback(api.stop)
        address = next(word for word in api.start().wait().split() if word.startswith("http://"))
        yield int(address.rpartition(":")[2])


def _deliver(port: int, key: str, parcels: Sequence[Parcel]) -> Sent:
    begin, sent = time.monotonic() + 0.5, [Sent() for _ in range(SENDERS)]
    threads = [
        threading.Thread(target=_send, args=(port, key, begin, list(enumerate(parcels))[number::SENDERS], mine))
        for number, mine in enumerate(sent)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Sent([took for one in sent for took in one.took], sum((one.answers for one in sent), Counter()))


def _send(port: int, key: str, begin: float, mine: Sequence[tuple[int, Parcel]], sent: Sent) -> None:
    line, (more, shown) = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE), SHOWN[key]
    for number, parcel in mine:
        due = begin + number / RATE
        time.sleep(max(0.0, due - time.monotonic()))
        line.request("POST", f"/hooks/{key}{more}", parcel.body, {**parcel.headers, **shown})
        answer = line.getresponse()
        answer.read()
        sent.took.append(1000 * (time.monotonic() - due))
        sent.answers[answer.status] += 1
    line.close()
