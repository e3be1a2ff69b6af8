"""A house with two queues and somebody in every role, behind the API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI

from taskhub.access import service as access
from taskhub.agents import service as agents
from taskhub.api import api
from taskhub.db import policy_set
from taskhub.db.database import Database
from taskhub.db.tx import Tx
from taskhub.http.state import AppState
from taskhub.policy.policies import Connection, Pipeline, Policies, Stage, WriteBack
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Queue, Staffing
from taskhub.testing import organisation
from tests.api.client import Client, running

SECRETS = {"CRM_PASSWORD": "crm-password", "CRM_PATH": "unguessable"}


def pull(key: str, team: str) -> Queue:
    return organisation.queue(
        key, teams=(team,), mode="pull", calendar="always", staffing=Staffing("dedicated", {"team": team})
    )


def paths() -> tuple[Pipeline, ...]:
    """A path of leads and one of deals."""
    new = Stage("new", LocalText("New", {"fr": "Nouveau"}), LocalText("Nobody has called them."), expected_days=2)
    known = Stage("known", LocalText("Known", {"fr": "Connu"}), required_fields=("company",))
    ready = Stage("ready", LocalText("Ready"), required_fields=("email",))
    offer = Stage("offer", LocalText("Offer"), required_fields=("amount",))
    signed = Stage("signed", LocalText("Signed"))
    reasons = {"price": LocalText("Price"), "no_need": LocalText("No need")}
    why: dict[str, Any] = {"lost_reasons": tuple(reasons), "lost_reason_names": reasons, "currency": "EUR"}
    return (
        Pipeline("leads", LocalText("Leads"), "lead", (new, known, ready), follow_up="customs", **why),
        Pipeline("sales", LocalText("Sales"), "deal", (offer, signed), **why),
    )


def policies() -> Policies:
    queues = (pull("desk", "specialists"), pull("front", "counter"), pull("far", "abroad"))
    kinds = (
        Kind("contract", LocalText("Contract"), "desk", sla="standard"),
        Kind("billing", LocalText("Billing"), "front", sla="standard"),
        Kind("customs", LocalText("Customs"), "far", sla="standard"),
    )
    won = Rule("won", on=("deal.won",), tasks=(TaskTemplate("contract", "Contract for {deal.name}"),))
    secrets = {"password": "CRM_PASSWORD", "user": "CRM_USER"}
    basic = Connection("crm", "pipedrive", LocalText("CRM"), secrets=secrets, settings={"company": "acme"})
    converted = Rule("converted", on=("lead.converted",), close=("customs",), close_reason="converted", tasks=(
        TaskTemplate("contract", "Agreement with {lead.company}"),
        TaskTemplate("billing", "Account of {lead.company}", waits_for=("contract",)),
    ))  # fmt: skip
    called = Rule("called", on=("lead.created",), tasks=(TaskTemplate("customs", "Call {lead.name}"),))
    hidden = Connection("bare", "pipedrive", LocalText("Bare"), secrets={"path": "CRM_PATH"})
    both = Connection("both", "pipedrive", LocalText("Both"), secrets={**secrets, "path": "CRM_PATH", "token": "NONE"})
    acts = WriteBack("off", acts=True)
    asked = Connection("asked", "pipedrive", LocalText("Asked"), secrets=secrets, write_back=acts)
    connections = {one.key: one for one in (basic, hidden, both, asked)}
    return organisation.policies(
        queues=queues, kinds=kinds, rules=(won, converted, called), skip_reasons=("wrong_language",),
        connections=connections, pipelines={line.key: line for line in paths()},
    )  # fmt: skip


@dataclass
class House:
    """The database, the app and a key per persona."""

    db: Database
    app: FastAPI
    state: AppState
    client: Client
    keys: dict[str, str] = field(default_factory=dict)

    def of(self, persona: str) -> Client:
        """The client of that persona."""
        return self.client.as_(self.keys[persona])

    def task(self, kind: str = "contract", **more: Any) -> str:
        """A task made by hand by the administrator."""
        made = self.of("admin").ok("POST", "/api/v1/tasks", {"kind": kind, "title": f"A {kind}", **more})
        return str(made["task"]["id"])

    def follow(self, set_: Policies) -> None:
        """That set is in force from now on."""
        self.db._loader = lambda _texts, _resolved: set_
        with self.db.begin() as tx:
            policy_set.activate(tx.conn, hash_=set_.hash, files={}, resolved={}, at=tx.now, by="test")

    def taken(self, persona: str) -> tuple[str, int]:
        """The next task of that persona: id and lease token."""
        given = self.of(persona).ok("POST", "/api/v1/tasks/claim")
        assert given["task"], given
        return given["task"]["id"], given["lease"]["token"]


def settle_in(tx: Tx) -> dict[str, str]:
    """Teams, people and keys. The director answers for the department of specialists and counter."""
    for key, department in (("specialists", "back"), ("counter", "back"), ("abroad", None), ("sales", None)):
        agents.create_team(tx, {"key": key, "name": key.title(), "kind": "specialist", "department": department})
    able = dict.fromkeys(tx.policies.kinds, 3)
    people = {
        "zoe": ("specialists", "agent"), "abe": ("specialists", "agent"), "yan": ("counter", "agent"),
        "far": ("abroad", "agent"), "lea": ("specialists", "manager"), "dora": ("counter", "director"),
        "rob": ("sales", "rep"), "ria": ("sales", "rep"),
    }  # fmt: skip
    for key, (team, role) in people.items():
        agents.create_agent(
            tx, {"key": key, "name": key.title(), "team": team, "roles": [role], "skills": able, "capacity": 5}
        )
        agents.set_presence(tx, key, "available")
    agents.patch_team(tx, "specialists", {"leader": "lea"})
    agents.patch_team(tx, "counter", {"managers": ["dora"]})
    keys = {key: access.create_key(tx, role, key, key) for key, (_, role) in people.items()}
    house = {role: access.create_key(tx, role, role) for role in ("admin", "integration", "auditor")}
    return {**keys, **house}


@contextmanager
def open_house(url: str, kind: type[Database] = Database) -> Iterator[House]:
    """A house on a migrated database; `kind` may be a database of one's own."""
    db = organisation.database(url, policies(), pool=8)
    with db.begin() as tx:
        keys = settle_in(tx)
    if kind is not Database:
        db.close()
        db = kind(url, pool=8, flow=db.flow, loader=lambda _texts, _resolved: policies())
    state = AppState(db, secret=SECRETS.get, body_within=1.0)
    app = api(state)
    with running(app) as client:
        yield House(db, app, state, client, keys)
    db.close()
