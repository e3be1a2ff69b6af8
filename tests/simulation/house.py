"""The organisation that is simulated: small, but with every way in which work is given, held, waits and falls due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from taskhub.access import keys
from taskhub.agents import service as agents
from taskhub.calendars import BusinessCalendar, parse_target
from taskhub.db import policy_set
from taskhub.db.database import Database
from taskhub.db.tables import api_key
from taskhub.db.tx import SYSTEM, Tx
from taskhub.policy.policies import Policies
from taskhub.policy.promise import EscalationPolicy, SlaPolicy, Step
from taskhub.policy.rule import Condition, Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Queue, Staffing
from taskhub.testing import organisation as org

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
LEASE_FOR = timedelta(minutes=15)
HOLD_FOR = timedelta(hours=4)
ACCEPT_FOR = timedelta(minutes=30)
COOL_DOWN = timedelta(hours=1)
PUSHED, RETURNS = ("desk",), ("front",)
SPECIALISTS, FRONT = ("s1", "s2", "s3"), ("f1", "f2", "f3")
PEOPLE = (*SPECIALISTS, *FRONT)
MANAGER = "mia"
CAPACITY = 2
SETS = ("a", "b")
BUDGET = {"a": timedelta(hours=4), "b": timedelta(hours=6)}
TOLD_LATE = timedelta(minutes=10)


def policies(name: str = "a") -> Policies:
    """Set ``a``, or ``b``, which promises more time."""
    rules = (
        Rule("call", ("lead.created",), tasks=(TaskTemplate("call", "Call {lead.name}"),)),
        Rule("greet", ("lead.updated",), tasks=(TaskTemplate("greeting", "Greet"),), once_per="record"),
        Rule("contract", ("deal.created",), tasks=(TaskTemplate("contract", "Contract"),)),
        Rule(
            "offer", ("deal.stage_changed",), when=(Condition("deal.stage", "changed_to", "offer"),),
            tasks=(TaskTemplate("letter", "Letter", waits_for=("contract",)),),
        ),
        Rule(
            "talk", ("deal.stage_changed",), when=(Condition("deal.stage", "changed_to", "talk"),),
            tasks=(TaskTemplate("credit", "Credit", priority="high", delay=timedelta(hours=1)),),
        ),
        Rule("lost", ("deal.lost",), close=("*",), close_reason="lost"),
        Rule(
            "after_call", ("task.completed",), when=(Condition("task.kind", "eq", "call"),),
            tasks=(TaskTemplate("note", "Note"),),
        ),
    )  # fmt: skip
    ladder = EscalationPolicy("late", (Step(overdue_for=TOLD_LATE, business_time=False, notify=("leader",)),))
    plain = org.policies(queues=_queues(), kinds=_kinds(), rules=rules)
    standard = SlaPolicy("standard", parse_target(f"{BUDGET[name].seconds // 3600}h"), escalation="late")
    quick = SlaPolicy("quick", parse_target("1h"), first_start=parse_target("30m"), escalation="late")
    always = BusinessCalendar("always", "UTC", org.ALWAYS)
    return replace(
        plain, hash=name, sla={"standard": standard, "quick": quick}, calendars={"always": always},
        escalations={"late": ladder}, skip_reasons=(),
    )  # fmt: skip


def _queues() -> tuple[Queue, ...]:
    always: dict[str, Any] = {
        "calendar": "always", "lease_for": LEASE_FOR, "hold_for": HOLD_FOR, "cool_down": COOL_DOWN, "pick": "free",
    }  # fmt: skip
    return (
        org.queue("desk", accept_for=ACCEPT_FOR, on_idle="hold", **always),
        org.queue(
            "front", teams=("front",), mode="pull", on_idle="return", **always,
            staffing=Staffing("rotating", {"teams": ["front"]}),
        ),
        org.queue(
            "mail", teams=("front",), mode="pull", on_idle="hold", **always,
            staffing=Staffing("rotating", {"teams": ["front"]}),
        ),
    )  # fmt: skip


def _kinds() -> tuple[Kind, ...]:
    def kind(key: str, queue: str, sla: str | None) -> Kind:
        return Kind(key, LocalText(key.capitalize()), queue, sla=sla, expected_minutes=5)

    return (
        kind("contract", "desk", "standard"), kind("credit", "desk", "quick"), kind("call", "front", "standard"),
        kind("greeting", "front", None), kind("letter", "mail", "standard"), kind("note", "mail", "quick"),
    )  # fmt: skip


def load(texts: Any, _resolved: Any) -> Policies:
    """The set an accepted row names."""
    return policies(texts["name"])


def settle(db: Database) -> None:
    """People at work, the manager who leads them, a key for each, set ``a`` active."""
    with db.begin(SYSTEM) as tx:
        policy_set.activate(tx.conn, hash_="a", files={"name": "a"}, resolved={}, at=tx.now, by="setup")
    with db.begin(org.ADMIN) as tx:
        org.people(tx, "specialists", SPECIALISTS, capacity=CAPACITY)
        org.people(tx, "front", FRONT, "front_line", capacity=CAPACITY)
        org.people(tx, "office", [MANAGER], roles=["manager"])
        for team in ("specialists", "front"):
            agents.patch_team(tx, team, {"leader": MANAGER})
        for who in (*PEOPLE, MANAGER):
            _key(tx, who, "manager" if who == MANAGER else "agent")
        _key(tx, "crm", "integration", agent=None)
        _key(tx, "admin", "admin", agent=None)


def key_of(who: str) -> str:
    """The API key of ``who``: the same in every run."""
    return f"th_live_{_key_id(who)}_{who.encode().hex().rjust(64, '0')}"


def _key_id(who: str) -> str:
    return who.rjust(12, "0")


def _key(tx: Tx, who: str, role: str, agent: str | None = "") -> None:
    hash_ = keys.hash_of(who.encode().hex().rjust(64, "0"))
    mine = who if agent == "" else agent
    row = {"id": _key_id(who), "hash": hash_, "role": role, "name": who, "agent": mine, "created_at": tx.real_now}
    tx.conn.execute(api_key.insert().values(**row))
