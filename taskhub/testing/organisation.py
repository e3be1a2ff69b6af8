"""A small organisation in a few lines: policies without files, people with skills, a database that knows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from taskhub.agents import service as agents
from taskhub.calendars import BusinessCalendar, Opening, parse_target
from taskhub.clock import Clock
from taskhub.connectors.sending import telling
from taskhub.db import migrate, policy_set
from taskhub.db.database import Database
from taskhub.db.tx import SYSTEM, By, Tx
from taskhub.flow import FLOW
from taskhub.policy.policies import Policies
from taskhub.policy.promise import ASKING, WAITING_REP, PauseReason, SlaPolicy
from taskhub.policy.rule import Rule
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Queue, Staffing

ALWAYS = {day: [Opening.parse("00:00-24:00")] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
OFFICE = {day: [Opening.parse("09:00-17:00")] for day in ("mon", "tue", "wed", "thu", "fri")}
ADMIN = By("admin", role="admin", roles=("admin",))


def queue(key: str = "desk", **changes: Any) -> Queue:
    """A push queue of the dedicated team ``specialists``, in office hours."""
    plain = Queue(
        key, LocalText(key.capitalize()), teams=("specialists",), calendar="office", mode="push",
        staffing=Staffing("dedicated", {"team": "specialists"}),
    )  # fmt: skip
    return replace(plain, **changes)


def policies(
    *, queues: Iterable[Queue] = (), kinds: Iterable[Kind] = (), rules: Iterable[Rule] = (), **more: Any
) -> Policies:
    """Two queues (``desk`` push and dedicated, ``front`` pull and rotating) with a kind each, unless told otherwise."""
    front = queue("front", teams=("front",), mode="pull", staffing=Staffing("rotating", {"teams": ["front"]}))
    known_queues = {q.key: q for q in (*(queues or (queue(), front)),)}
    known_kinds = tuple(kinds) or (
        Kind("contract", LocalText("Contract"), "desk", sla="standard"),
        Kind("credit", LocalText("Credit check"), "desk", sla="standard"),
        Kind("billing", LocalText("Billing"), "front", sla="standard"),
    )
    plain = Policies(
        hash="test", kinds={k.key: k for k in known_kinds}, queues=known_queues, rules=tuple(rules),
        sla={"standard": SlaPolicy("standard", parse_target("4h"))},
        pause_reasons={
            "waiting_customer": PauseReason("waiting_customer", LocalText("Customer"), stops_clock=True),
            "set_aside": PauseReason("set_aside", LocalText("Set aside"), stops_clock=False),
            "away": PauseReason("away", LocalText("Away"), stops_clock=False),
            WAITING_REP: ASKING,
        },
        calendars={
            "office": BusinessCalendar("office", "UTC", OFFICE), "always": BusinessCalendar("always", "UTC", ALWAYS),
        },
    )  # fmt: skip
    return replace(plain, **more)


def database(url: str, set_: Policies, *, clock: Clock | None = None, pool: int = 16) -> Database:
    """A migrated database in which ``set_`` is active."""
    migrate.upgrade(url)
    db = Database(url, pool=pool, flow=FLOW, loader=lambda _texts, _resolved: set_, clock=clock)
    db.heard = telling.of_history
    with db.begin(SYSTEM) as tx:
        policy_set.activate(tx.conn, hash_=set_.hash, files={}, resolved={}, at=tx.now, by="test")
    return db


def people(tx: Tx, team: str, names: Iterable[str], kind: str = "specialist", **facts: Any) -> None:
    """A team (made when missing) and its people, available, able to do everything unless ``skills`` says less."""
    if team not in {one.key for one in agents.list_teams(tx, limit=200)}:
        agents.create_team(tx, {"key": team, "name": team.capitalize(), "kind": kind})
    skills = facts.pop("skills", dict.fromkeys(tx.policies.kinds, 3))
    for name in names:
        agents.create_agent(tx, {"key": name, "name": name.capitalize(), "team": team, "skills": skills, **facts})
        agents.set_presence(tx, name, "available")


def as_agent(key: str, team: str | None = None) -> By:
    """That person at work."""
    return By(f"agent:{key}", role="agent", agent=key, team=team, roles=("agent",))


def as_manager(key: str | None = None) -> By:
    """A manager; without a key, of everybody."""
    return By(f"agent:{key}" if key else "manager", role="manager", agent=key, roles=("manager",))


def minutes(count: float) -> timedelta:
    """``count`` minutes."""
    return timedelta(minutes=count)
