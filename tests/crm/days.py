"""A day of a CRM's users, and a taskhub that hears of it: quietly, or with everything going wrong.

Deliveries go the way of the hook route from its check on; looks and re-reads go through the ledger, tried again as it
says, under the clock of the fake.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import func, select

from taskhub.connectors.clients import client_for
from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.looking import service as looking
from taskhub.connectors.looking.labels import labelled
from taskhub.connectors.pool import Clients
from taskhub.connectors.registry import inbound_for
from taskhub.db import ledger
from taskhub.db.database import Database
from taskhub.db.tables import event, message, task
from taskhub.db.tables_sales import RECORDS
from taskhub.errors import TaskhubError
from taskhub.events import service as events
from taskhub.flow import HANDLERS
from taskhub.policy.policies import Connection
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.testing import organisation as org
from taskhub.testing.clock import SetClock
from taskhub.testing.crm import dataverse, pipedrive, salesforce
from taskhub.testing.crm.dataverse import FakeDataverse
from taskhub.testing.crm.pipedrive import FakePipedrive
from taskhub.testing.crm.salesforce import FakeSalesforce
from taskhub.testing.crm.salesforce.bearer import USERNAME, key_pair
from taskhub.testing.crm.sender import Answer, Parcel
from taskhub.testing.crm.wire import InProcess
from taskhub.testing.drain import handle

HOME, URL = "https://fake.example", "https://taskhub.test/hooks/crm/secret"
SECRETS = {
    "pipedrive": {"token": pipedrive.api.TOKEN, "path": "secret"},
    "salesforce": dict(zip(("client_id", "client_secret"), salesforce.api.CLIENT, strict=True)),
    "dynamics": {**dict(zip(("client_id", "client_secret"), dataverse.api.CLIENT, strict=True)), "path": "secret"},
}
KEY, CERTIFIED = key_pair()
BY_KEY = {"client_id": salesforce.api.CLIENT[0], "private_key": KEY}
TENANT = dataverse.api.TENANT
SETTINGS = {"base_url": HOME, "username": USERNAME, "tenant": TENANT, "token_url": f"{HOME}/{TENANT}/oauth2/v2.0/token"}
RULES = tuple(
    Rule(name.replace(".", "-"), (name,), tasks=(TaskTemplate("contract", name),))
    for name in ("lead.created", "deal.created", "lead.lost", "deal.won", "deal.lost", "activity.completed",
                 "deal.deleted")
)  # fmt: skip
USER = 12415231
Fake = FakePipedrive | FakeSalesforce | FakeDataverse


@dataclass
class Day:
    """``by_key``: taskhub logs in with a key of its own. ``lose``: whether a delivery is lost on its way; ``hold``:
    those that wait are sent when it says so.
    """

    system: str
    db: Database
    fake: Fake
    by_key: bool = False
    lose: Callable[[], bool] = lambda: False
    lost: list[Parcel] = field(default_factory=list)
    handlers: dict[str, Any] = field(default_factory=dict)
    clients: Clients = field(init=False)

    def __post_init__(self) -> None:
        make = partial(client_for, clock=lambda: self.clock.now, transport=InProcess(self.fake))
        self.clients = Clients(make, self.environ)
        reach = self.clients.reaching
        looks = {"connection.look": looking.Look(reach), "record.reread": looking.Reread(reach)}
        self.handlers = {**HANDLERS, **looks}

    @property
    def clock(self) -> SetClock:
        return self.fake.clock

    @property
    def connection(self) -> Connection:
        with self.db.read() as tx:
            return tx.policies.connections["crm"]

    @property
    def secrets(self) -> dict[str, str]:
        return BY_KEY if self.by_key else SECRETS[self.system]

    @property
    def environ(self) -> dict[str, str]:
        return {name.upper(): value for name, value in self.secrets.items()}

    def connect(self, connection: Connection) -> Any:
        return client_for(connection, self.secrets, clock=lambda: self.clock.now, transport=InProcess(self.fake))

    def post(self, parcel: Parcel) -> Answer:
        """The hook, as far as it reads and stores."""
        if self.lose():
            self.lost.append(parcel)
            return Answer(200, salesforce.soap.ACK)
        reader = inbound_for(self.system)
        headers = {name.lower(): value for name, value in parcel.headers.items()}
        sent = HookRequest(parcel.body, self.clock.now, headers=headers)
        kind = headers["content-type"]
        with self.db.begin() as tx:
            found = reader.split_and_normalise(sent, labelled(tx, tx.policies.connections["crm"]))
            events.ingest(tx, found, parcel.body, headers, kind, connection="crm", quarantine_clash=True)
        answer = reader.answer(found)
        return Answer(answer.status, answer.body)

    def work(self, patience: timedelta = timedelta()) -> None:
        """Everything that is due; what fails waits as in the ledger, for which the clock moves on by ``patience``."""
        end = self.clock.now + patience
        while True:
            for row in self._taken():
                try:
                    handle(self.db, self.handlers, row)
                except TaskhubError as error:
                    self._failed(row, error)
            due = self._next()
            if due is None or due > end:
                return
            self.clock.now = max(self.clock.now, due)

    def look(self) -> None:
        """The calendar job."""
        with self.db.begin() as tx:
            looking.ask(tx, lambda variable: self.secrets.get(variable.lower()))

    def begin(self) -> None:
        """The first look is over, and a while has passed."""
        self.look()
        self.work()
        self.clock.forward(hours=1)

    def later(self) -> None:
        """The next look, and everything that comes of it."""
        self.clock.forward(minutes=16)
        self.look()
        self.work(timedelta(hours=1))

    def _taken(self) -> list[ledger.Taken]:
        with self.db.begin() as tx:
            until = tx.now + timedelta(seconds=4)
            return ledger.take(tx.conn, tx.now, until, limit=100, rung_before=until)

    def _failed(self, row: ledger.Taken, error: TaskhubError) -> None:
        asked = getattr(error, "retry_after", None)
        wait = ledger.wait_after(row, 1.0, timedelta(seconds=asked) if asked else None)
        assert wait is not None, error
        with self.db.begin() as tx:
            ledger.fail(tx.conn, row, str(error), tx.after(wait), tx.now, dead=False)

    def _next(self) -> Any:
        with self.db.read() as tx:
            c = message.c
            waits = (c.mode == "outside", c.done_at.is_(None), c.dead_at.is_(None))
            now = select(func.min(c.due_at)).where(c.done_at.is_(None), c.dead_at.is_(None), c.due_at <= tx.now)
            return tx.conn.execute(now).scalar() or tx.conn.execute(select(func.min(c.due_at)).where(*waits)).scalar()

    def known(self) -> dict[str, dict[str, Any]]:
        """Every record as it is known."""
        with self.db.read() as tx:
            return {
                f"{noun}:{row.id}": row.fields
                for noun, table in RECORDS.items()
                for row in tx.conn.execute(select(table.c.id, table.c.fields).order_by(table.c.id))
            }

    def tasks(self) -> Counter[tuple[str, str]]:
        """What there is to do, by rule and record."""
        with self.db.read() as tx:
            return Counter((row.rule, row.record) for row in tx.conn.execute(select(task.c.rule, task.c.record)))

    def fates(self) -> Counter[tuple[str, str | None]]:
        """What became of everything that came in."""
        with self.db.read() as tx:
            return Counter((row.state, row.reason) for row in tx.conn.execute(select(event.c.state, event.c.reason)))


@contextmanager
def day(
    system: str, url: str, fields: Any = None, rules: Any = RULES, *, by_key: bool = False, **settings: Any
) -> Iterator[Day]:
    """A taskhub that is connected and hears of everything."""
    fakes = {"pipedrive": FakePipedrive, "salesforce": FakeSalesforce, "dynamics": FakeDataverse}
    fake: Any = fakes[system]()
    if by_key:
        fake.public_key = CERTIFIED
    variables = {name: name.upper() for name in (BY_KEY if by_key else SECRETS[system])}
    told = {**SETTINGS, **settings}
    connection = Connection("crm", system, LocalText("CRM"), variables, fields or {}, settings=told)
    db = org.database(url, org.policies(rules=rules, connections={"crm": connection}), clock=fake.clock)
    one = Day(system, db, fake, by_key)
    try:
        _listen(one)
        yield one
    finally:
        one.clients.close()
        db.close()


def _listen(one: Day) -> None:
    fake = one.fake
    if isinstance(fake, FakeSalesforce):
        fake.relay.sender.post, fake.relay.url = one.post, URL
        fake.messages.sender.post = one.post
        return
    (fake.webhooks if isinstance(fake, FakePipedrive) else fake.steps).sender.post = one.post
    client = one.connect(one.connection)
    client.subscribe(URL, SECRETS[one.system])
    client.close()


def senders(fake: Fake) -> list[Any]:
    if isinstance(fake, FakeSalesforce):
        return [fake.relay.sender]
    return [fake.webhooks.sender if isinstance(fake, FakePipedrive) else fake.steps.sender]
