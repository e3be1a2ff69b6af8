"""taskhub and one fake CRM on one clock: what leaves either arrives at the other; the ledger runs as in workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import or_, select

from taskhub.connectors.asking.deliver import Ask
from taskhub.connectors.clients import client_for
from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.outbound import Client
from taskhub.connectors.pool import Clients
from taskhub.connectors.registry import inbound_for
from taskhub.connectors.write_back import waiting
from taskhub.connectors.write_back.deliver import Deliver
from taskhub.db.tables import message
from taskhub.db.tables_crm import crm_task
from taskhub.events import service as events
from taskhub.events.model import RecordRef
from taskhub.flow import HANDLERS
from taskhub.policy.policies import Connection, WriteBack
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.sales import service as sales
from taskhub.testing import organisation as org
from taskhub.testing.crm.dataverse import FakeDataverse
from taskhub.testing.crm.dataverse import api as dataverse
from taskhub.testing.crm.pipedrive import FakePipedrive
from taskhub.testing.crm.pipedrive import api as pipedrive
from taskhub.testing.crm.salesforce import FakeSalesforce
from taskhub.testing.crm.salesforce import api as salesforce
from taskhub.testing.crm.sender import Answer, Parcel
from taskhub.testing.crm.wire import InProcess
from taskhub.workers import run_due
from tests.service.desk import Desk

LOOKS = ("connection.look", "record.reread")
SYSTEMS = ("pipedrive", "salesforce", "dynamics")
FAKES: Mapping[str, Callable[[], Any]] = {
    "pipedrive": FakePipedrive, "salesforce": FakeSalesforce, "dynamics": FakeDataverse,
}  # fmt: skip
SECRETS = {
    "PD_TOKEN": pipedrive.TOKEN, "SF_ID": salesforce.CLIENT[0], "SF_SECRET": salesforce.CLIENT[1],
    "DV_ID": dataverse.CLIENT[0], "DV_SECRET": dataverse.CLIENT[1],
}  # fmt: skip
HOMES = {
    "pipedrive": "https://fake.pipedrive.com", "salesforce": "https://fake.my.salesforce.com",
    "dynamics": "https://fake.crm.dynamics.com",
}  # fmt: skip
RULES = (
    Rule("begin", ("deal.created",), tasks=(TaskTemplate("welcome", "Welcome {deal.title}"),)),
    Rule("again", ("activity.completed",), tasks=(TaskTemplate("loop", "Look at {activity.title}"),)),
    Rule("end", ("deal.lost", "lead.lost"), close=("welcome", "qualify"), close_reason="lost"),
    Rule("after", ("deal.lost", "lead.lost"), tasks=(TaskTemplate("survey", "Ask why"),)),
    Rule("first", ("lead.created",), tasks=(TaskTemplate("qualify", "Qualify {lead.title}"),)),
    Rule("convert", ("lead.converted",), complete=("qualify",), tasks=(TaskTemplate("onboard", "Onboard"),)),
)  # fmt: skip
NAMES = ("welcome", "loop", "billing", "survey", "qualify", "onboard", "call", "offer")
KINDS = [Kind(key, LocalText(key.capitalize()), "front", sla="standard") for key in NAMES]
SUE = {"pipedrive": "12415231", "salesforce": "0055f000009suE1AAJ", "dynamics": "11111111-2222-3333-4444-555555555501"}
BOB = {"pipedrive": "12415232", "salesforce": "0055f000009boB1AAJ", "dynamics": "11111111-2222-3333-4444-555555555502"}


@dataclass(frozen=True)
class Shown:
    """A task as the CRM holds it, in one form for all three."""

    id: str
    title: str
    state: str
    owner: str
    text: str
    about: str


class Floor:
    """``system`` is one of SYSTEMS; ``write_back`` what its connection says."""

    def __init__(
        self, url: str, system: str, write_back: WriteBack | None = None, *, own_user: bool = True,
        home: str | None = None, fake: Any = None, rules: Sequence[Rule] = RULES,
        maps: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.system = system
        write_back = write_back or WriteBack("assigned", acts=True, link="https://taskhub.test")
        self.fake: Any = fake or FAKES[system]()
        settings = _settings(system, home or HOMES[system], self.fake.state if own_user else None)
        self.connection = Connection(
            "crm", system, LocalText("CRM"), secrets=_secrets(system), settings=settings,
            users={SUE[system]: "sue", BOB[system]: "bob"}, write_back=write_back, **(maps or {}),
        )  # fmt: skip
        front = org.queue("front", teams=("front",), mode="pull", staffing=Staffing("rotating"), calendar="always")
        policies = org.policies(queues=[front], kinds=KINDS, rules=rules, connections={"crm": self.connection})
        self.desk = Desk(url, policies)
        self.desk.clock = self.fake.clock
        self.desk.db.clock = self.fake.clock
        self.desk.staff("front", "sue", "bob", capacity=9)
        transport = None if home else InProcess(self.fake)
        make: Callable[..., Client] = partial(client_for, transport=transport) if transport else client_for
        self.clients = Clients(make, SECRETS)
        self.handlers = {**HANDLERS, "crm.work": Deliver(self.clients), "crm.ask": Ask(self.clients)}
        self.answers: list[int] = []
        listen(self.fake, system, self.post)

    def close(self) -> None:
        """Lets go of the database and of the CRM."""
        self.clients.close()
        self.desk.db.close()

    # ── what moves ───────────────────────────────────────────────────────────────────────────────────────────────────
    def post(self, parcel: Parcel) -> Answer:
        """One delivery of theirs, stored as the hook stores it."""
        headers = {name.lower(): value for name, value in parcel.headers.items()}
        query = dict(parse_qsl(urlsplit(parcel.url).query))
        asked = HookRequest(parcel.body, self.fake.clock.now, headers=headers, query=query)
        reader = inbound_for(self.system)
        deliveries = reader.split_and_normalise(asked, self.connection)
        kind = headers.get("content-type", "")
        with self.desk.db.begin() as tx:
            events.ingest(tx, deliveries, parcel.body, headers, kind, connection="crm", quarantine_clash=True)
        return Answer(200, reader.answer(deliveries).body)

    def run(self) -> None:
        """Everything that is due here and there, until nothing is."""
        while run_due(self.desk.db, self.handlers) + self._sent():
            pass

    def _sent(self) -> int:
        return sum(int(sender.run()) for sender in senders(self.fake, self.system))

    def pass_time(self, longest: timedelta = timedelta(days=5)) -> None:
        """From one due row or delivery to the next, until nothing waits or ``longest`` is over."""
        end = self.fake.clock.now + longest
        self.run()
        while (at := self._next()) is not None and at <= end:
            self.fake.clock.now = max(self.fake.clock.now, at)
            self.run()

    def settle(self) -> None:
        """Time passes until nothing waits; what was given up is tried again, as somebody on call would."""
        self.pass_time()
        for _ in range(10):
            if not self.rows():
                return
            with self.desk.db.begin() as tx:
                waiting.replay(tx, "crm")
            self.pass_time()

    def _next(self) -> Any:
        """When the next call, look or delivery is due; nothing else of the ledger is waited for."""
        ours = [row.due_at for row in self.rows() if row.dead_at is None]
        theirs = [one.due_at for sender in senders(self.fake, self.system) for one in sender.waiting]
        return min([*ours, *theirs], default=None)

    def rows(self) -> list[Any]:
        """Looks and calls that are not done."""
        with self.desk.db.read() as tx:
            ours = or_(message.c.handler.like("crm.%"), message.c.handler.in_(LOOKS))
            wanted = select(message).where(ours, message.c.done_at.is_(None))
            return list(tx.conn.execute(wanted.order_by(message.c.id)))

    # ── what stands ──────────────────────────────────────────────────────────────────────────────────────────────────
    def deal(self, title: str = "Acme", *, by: str | None = None) -> str:
        """A deal somebody over there makes; its id."""
        return make_deal(self.fake, self.system, title, by or SUE[self.system])

    def lead(self, title: str = "Acme", *, by: str | None = None) -> RecordRef:
        """A lead somebody over there makes, known here."""
        id = make_lead(self.fake, self.system, title, by or SUE[self.system])
        self.run()
        return RecordRef("lead", f"crm:{id}")

    def deals_there(self) -> list[str]:
        """Ids of every deal the CRM holds."""
        state = self.fake.state
        where = {"pipedrive": lambda: state.records["deal"], "salesforce": lambda: state.records["Opportunity"]}
        return list(where.get(self.system, lambda: state.rows["opportunity"])())

    def known(self, ref: RecordRef) -> Any:
        """What is known of a record here."""
        with self.desk.db.read() as tx:
            return sales.get(tx, ref)

    def count(self, *kinds: str) -> dict[str, int]:
        """How many tasks of each kind there are."""
        return {kind: len(self.desk.rows_of(kind)) for kind in kinds}

    def shown(self) -> list[Shown]:
        """Every task the CRM holds."""
        return _READ[self.system](self.fake.state)

    def finish_there(self, id: str) -> None:
        """Somebody over there ticks it off, a moment after whatever came before."""
        self.fake.clock.forward(seconds=1)
        finish_there(self.fake, self.system, id, SUE[self.system])

    def task(self, kind: str = "welcome") -> Any:
        """The one task of that kind."""
        [found] = self.desk.rows_of(kind)
        return found

    def binding(self) -> list[Any]:
        """How our tasks stand over there, as we know it."""
        return self.desk.rows(crm_task)


@contextmanager
def floor(url: str, system: str, **how: Any) -> Iterator[Floor]:
    """A floor that is left tidy."""
    made = Floor(url, system, **how)
    try:
        yield made
    finally:
        made.close()


def _secrets(system: str) -> Mapping[str, str]:
    return {
        "pipedrive": {"token": "PD_TOKEN"}, "salesforce": {"client_id": "SF_ID", "client_secret": "SF_SECRET"},
        "dynamics": {"client_id": "DV_ID", "client_secret": "DV_SECRET"},
    }[system]  # fmt: skip


def _settings(system: str, home: str, state: Any) -> dict[str, Any]:
    own = {} if state is None else {"own_user": str(state.robot)}
    more: dict[str, Any] = {"lead_lost_when_archived": True} if system == "pipedrive" else {}
    if system == "dynamics":
        more = {"lost_reasons": {noun: {"4": "no_need"} for noun in ("lead", "deal")}}
    return {"base_url": home, "token_url": _token(system, home), "tenant": dataverse.TENANT, **own, **more}


def _token(system: str, home: str) -> str:
    return f"{home}/{dataverse.TENANT}/oauth2/v2.0/token" if system == "dynamics" else f"{home}/oauth/token"


# ── the three fakes in one form ──────────────────────────────────────────────────────────────────────────────────────
def listen(fake: Any, system: str, post: Callable[[Parcel], Answer]) -> None:
    """Everything that changes over there is told."""
    for sender in senders(fake, system):
        sender.post = post
    if system == "pipedrive":
        hook = {"event_action": "*", "event_object": "*", "subscription_url": "https://taskhub.test/hooks/crm/x"}
        more = {"banned_until": None, "strikes": 0, "http_auth_user": None, "user_id": 1, "id": 1}
        fake.state.hooks[1] = {**hook, **more}
    elif system == "salesforce":
        fake.relay.url = "https://taskhub.test/hooks/crm/x"
    else:
        fake.steps.endpoints["e"] = {"url": "https://taskhub.test/hooks/crm", "authtype": 4, "authvalue": "code"}
        for table in ("lead", "opportunity", "task"):
            for name in ("Create", "Update", "Delete"):
                fake.steps.steps[f"{table} {name}"] = {
                    "name": f"{table} {name}", "_eventhandler_value": "e", "statecode": 0,
                    "sdkmessageid": {"name": name}, "sdkmessagefilterid": {"primaryobjecttypecode": table},
                    "sdkmessageprocessingstepid": f"00000000-0000-0000-0000-{len(fake.steps.steps):012d}",
                }  # fmt: skip


def senders(fake: Any, system: str) -> list[Any]:
    """What sends."""
    return [{"pipedrive": lambda: fake.webhooks.sender, "salesforce": lambda: fake.relay.sender}.get(
        system, lambda: fake.steps.sender
    )()]  # fmt: skip


def make_deal(fake: Any, system: str, title: str, by: str) -> str:
    if system == "pipedrive":
        return str(fake.state.add("deal", {"title": title}, by=int(by))["id"])
    if system == "salesforce":
        [id] = fake.state.save([("Opportunity", None, {"Name": title})], by=by)
        return str(id)
    return str(fake.state.create("opportunity", {"name": title}, fake.state.act(by)))


def make_lead(fake: Any, system: str, title: str, by: str) -> str:
    if system == "pipedrive":
        worth = {"amount": 500, "currency": "EUR"}
        return str(fake.state.add("lead", {"title": title, "person_id": 7, "value": worth}, by=int(by))["id"])
    if system == "salesforce":
        [id] = fake.state.save([("Lead", None, {"Company": title, "LastName": "Doe"})], by=by)
        return str(id)
    values = {"subject": title, "companyname": title, "lastname": "Doe"}
    return str(fake.state.create("lead", values, fake.state.act(by)))


def finish_there(fake: Any, system: str, id: str, by: str) -> None:
    if system == "pipedrive":
        fake.state.change("activity", id, {"done": True}, by=int(by))
    elif system == "salesforce":
        fake.state.save([("Task", id, {"Status": "Completed", "IsClosed": True})], by=by)
    else:
        fake.state.update("task", id, {"statecode": 1, "statuscode": 5}, fake.state.act(by))


def _of_pipedrive(state: Any) -> list[Shown]:
    return [
        Shown(str(a["id"]), a["subject"].partition(" [th-")[0], ("open", "done")[a["done"]], str(a["owner_id"]),
              str(a.get("note")), str(a["deal_id"] or a["lead_id"]))
        for a in state.records["activity"].values()
    ]  # fmt: skip


def _of_salesforce(state: Any) -> list[Shown]:
    names = {"Not Started": "open", "Completed": "done", "Deferred": "closed"}
    return [
        Shown(t["Id"], t["Subject"], names[t["Status"]], t["OwnerId"], str(t["Description"]),
              str(t["WhatId"] or t["WhoId"]))
        for t in state.records["Task"].values()
    ]  # fmt: skip


def _of_dataverse(state: Any) -> list[Shown]:
    return [
        Shown(t["activityid"], t["subject"], ("open", "done", "closed")[t["statecode"]], t["_ownerid_value"],
              str(t["description"]), str(t["_regardingobjectid_value"]))
        for t in state.rows["task"].values()
    ]  # fmt: skip


_READ: Mapping[str, Callable[[Any], list[Shown]]] = {
    "pipedrive": _of_pipedrive, "salesforce": _of_salesforce, "dynamics": _of_dataverse,
}  # fmt: skip
