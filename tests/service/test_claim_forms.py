"""The claim: what comes first, what is said when there is nothing, both forms alike, and records that run again."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from taskhub.acts import activate, presence
from taskhub.agents import service as agents
from taskhub.assignment import claim as claims
from taskhub.assignment import service as assignment
from taskhub.assignment import why
from taskhub.db.tables import absence, decision, loan, pool_state, staffing
from taskhub.db.tables import task as task_table
from taskhub.errors import (
    AtCapacity,
    Forbidden,
    InvalidInput,
    InvalidTransition,
    NotEligible,
    TaskhubError,
)
from taskhub.policy.policies import Policies
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Queue, Staffing
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)
HELP = {"team": "abroad", "overflow_teams": ["front"]}
PEOPLE = ("ana", "bob", "cid", "dee", "eve", "fay")
CAMPAIGN = os.environ.get("TASKHUB_CAMPAIGN", "90")
ROUNDS = 3_000 if CAMPAIGN == "full" else int(CAMPAIGN)


def pull(key: str, **more: Any) -> Queue:
    changes: dict[str, Any] = {
        "teams": ("front",), "mode": "pull", "calendar": "always", "staffing": Staffing("rotating"), **more,
    }  # fmt: skip
    return org.queue(key, **changes)


def policies() -> Policies:
    queues = [
        pull("front"),
        pull("far", teams=("abroad", "front"), paused_counts=True, on_idle="return", pick="free"),
        pull("shut", paused=True),
        pull("mine", pick="never"),
        org.queue("desk", teams=("front",), calendar="always", staffing=Staffing("rotating")),
        pull("help", teams=("front", "abroad"), staffing=Staffing("overflow", HELP)),
        pull("duty", teams=("front", "abroad"), staffing=Staffing("duty_rota")),
        pull("calls", teams=("front",), front_line=True, staffing=Staffing("dedicated")),
        pull("part", teams=("front",), staffing=Staffing("rotating", {"share_of_shift": 0.2})),
    ]
    kinds = [
        Kind("billing", LocalText("Billing"), "front", sla="standard"),
        Kind("offer", LocalText("Offer"), "front", level=3),
        Kind("customs", LocalText("Customs"), "far", sla="standard", requires={"language": "de"}),
        Kind("secret", LocalText("Secret"), "shut"),
        Kind("order", LocalText("Order"), "mine"),
        Kind("push", LocalText("Push"), "desk"),
        Kind("claims", LocalText("Claims"), "help", expected_minutes=40, variety_ceiling=2),
        Kind("returns", LocalText("Returns"), "duty"),
        Kind("call", LocalText("Call"), "calls", level=4),
        Kind("filing", LocalText("Filing"), "part", variety_ceiling=3),
    ]
    return org.policies(queues=queues, kinds=kinds)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    yield from _desk(database_url)


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Desk]:
    yield from _desk(sqlite_url)


def _desk(url: str) -> Iterator[Desk]:
    made = Desk(url, policies())
    made.staff("front", "ana", "bob", attributes={"language": ["de", "en"]})
    yield made
    made.db.close()


# ── what comes first ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_own_work_comes_first_ended_snoozes_before_gifts(desk: Desk) -> None:
    urgent = desk.make(priority=3)
    (snoozed, token), given, second = desk.started("ana"), desk.make(), desk.make("offer")
    desk.do("ana", tasks.pause, snoozed, "set_aside", desk.clock.now + HOUR, token)
    for id_ in (second, given):
        desk.do("admin", assignment.assign, id_, "ana")
    desk.clock.forward(hours=1)
    order = [desk.claim("ana").task.id for _ in range(3)]
    assert order == [snoozed, given, second]  # the gifts by start_by: what is due soon before what is not promised
    assert desk.claim("ana").reason == "at_capacity"
    assert desk.claim("bob").task.id == urgent


def test_own_work_needs_no_room_and_no_presence(desk: Desk) -> None:
    for number in range(3):
        desk.do("admin", assignment.assign, desk.make(title=str(number)), "ana")
    desk.do("ana", presence.set_presence, "ana", "busy")
    assert [desk.claim("ana").task is not None for _ in range(3)] == [True] * 3
    assert desk.claim("ana").reason == "not_available"


def test_the_smallest_start_by_goes_first_over_all_queues(desk: Desk) -> None:
    late, soon = desk.make("offer"), desk.make("customs", due_at=desk.clock.now + HOUR)
    urgent = desk.make(priority=3, due_at=desk.clock.now + timedelta(days=3))
    assert [desk.claim("ana").task.id for _ in range(3)] == [soon, urgent, late]


def test_the_answer_for_nothing(desk: Desk) -> None:
    assert desk.claim("ana").reason == "nothing_eligible"
    desk.make("secret")
    assert desk.claim("ana").reason == "nothing_eligible"  # its queue is paused
    desk.make(level=4)
    assert desk.claim("ana").reason == "nothing_eligible"
    desk.make()
    for status in ("busy", "away"):
        desk.do("ana", presence.set_presence, "ana", status)
        assert desk.claim("ana").reason == "not_available"
    for _ in range(3):
        desk.started("bob")
    assert desk.claim("bob").reason == "at_capacity"


def test_an_offline_person_who_claims_is_available(desk: Desk) -> None:
    desk.do("ana", presence.set_presence, "ana", "offline")
    id_ = desk.make()
    assert desk.claim("ana").task.id == id_
    with desk.db.read() as tx:
        person = agents.get_agent(tx, "ana")
    assert (person.presence, person.presence_at) == ("available", desk.clock.now)


def test_only_the_named_queues_are_looked_at(desk: Desk) -> None:
    billing, customs = desk.make(), desk.make("customs")
    assert desk.claim("ana", ["far"]).task.id == customs
    assert desk.claim("ana", ["far"]).reason == "nothing_eligible"
    desk.do("admin", assignment.assign, billing, "ana")
    assert desk.claim("ana", ["far"]).reason == "nothing_eligible"
    assert desk.claim("ana", ["front"]).task.id == billing


@pytest.mark.parametrize("own", [False, True])
def test_a_queue_that_does_not_exist(desk: Desk, own: bool) -> None:
    if own:
        desk.do("admin", assignment.assign, desk.make(), "ana")
    with pytest.raises(InvalidInput) as unknown:
        desk.claim("ana", ["front", "nonsense"])
    assert unknown.value.stable_code == "unknown_queue"


def test_who_may_not_claim_at_all(desk: Desk) -> None:
    with pytest.raises(Forbidden) as nobody:
        desk.do("admin", assignment.claim)
    assert nobody.value.stable_code == "not_an_agent"
    desk.do("admin", agents.patch_agent, "ana", {"active": False})
    with pytest.raises(NotEligible) as gone:
        desk.claim("ana")
    assert gone.value.fields["reasons"] == ["inactive"]


def test_absence_when_it_falls_due_keeps_work_away(desk: Desk) -> None:
    far = desk.make("offer", due_at=desk.clock.now + 30 * HOUR)
    start = desk.clock.now + 24 * HOUR
    desk.do("admin", agents.add_absence, "ana", start, start + 48 * HOUR)
    assert desk.claim("ana").reason == "nothing_eligible"
    near = desk.make(due_at=desk.clock.now + 20 * HOUR)
    assert desk.claim("ana").task.id == near
    assert desk.claim("bob").task.id == far


# ── this very task ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_pick_needs_a_reason_and_is_recorded(desk: Desk) -> None:
    first, second = desk.make(), desk.make()
    with pytest.raises(InvalidInput) as silent:
        desk.do("ana", assignment.claim_one, second, " ")
    assert silent.value.stable_code == "reason_missing"
    picked = desk.do("ana", assignment.claim_one, second, "customer on the line")
    assert (picked.task.state, picked.lease.agent) == ("in_progress", "ana")
    assert desk.history(second, "claim")[0]["change"]["reason"] == "customer on the line"
    (row,) = desk.decisions(second)
    assert (row.way, row.facts["pull"]["picked"]) == ("pull", True)
    with desk.db.read() as tx:
        assert assignment.why(tx, second)["rerun"] == "same"
    assert desk.task(first).state == "queued"


def test_a_queue_may_forbid_the_pick_or_ask_for_nothing(lite: Desk) -> None:
    with pytest.raises(Forbidden) as never:
        lite.do("ana", assignment.claim_one, lite.make("order"), "please")
    assert never.value.stable_code == "pick_forbidden"
    free = lite.make("customs")
    assert lite.do("ana", assignment.claim_one, free, None).task.id == free


def test_a_pick_checks_what_every_gift_checks(desk: Desk) -> None:
    with pytest.raises(NotEligible) as unable:
        desk.do("ana", assignment.claim_one, desk.make(level=5, excluded={"ana": "not_by"}), "mine")
    assert unable.value.fields["reasons"] == ["skill_too_low", "not_by"]
    taken, _ = desk.started("bob")
    with pytest.raises(InvalidTransition) as gone:
        desk.do("ana", assignment.claim_one, taken, "mine")
    assert gone.value.fields["holder"] == "bob"
    for _ in range(3):
        desk.started("ana")
    with pytest.raises(AtCapacity):
        desk.do("ana", assignment.claim_one, desk.make(), "mine")


# ── the record ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_heads_that_stood_before_are_recorded_with_their_reasons(desk: Desk) -> None:
    soon = desk.clock.now + HOUR
    hard = desk.make(level=5, due_at=soon)
    declined = desk.make("offer", due_at=soon, excluded={"ana": "conflict_of_interest"})
    desk.make("offer", level=5, due_at=soon + 90 * HOUR)
    got = desk.claim("ana")
    assert got.reason == "nothing_eligible"
    taken = desk.make()
    assert desk.claim("ana").task.id == taken
    with desk.db.read() as tx:
        told = assignment.why(tx, taken)
    assert {one["task"]: one["reasons"] for one in told["passed_over"]} == {
        hard: ["skill_too_low"], declined: ["conflict_of_interest"],
    }  # fmt: skip
    assert (told["rerun"], told["agent"], told["model"]) == ("same", "ana", "rotating")


def test_the_record_names_the_model_that_held(desk: Desk) -> None:
    with desk.db.begin() as tx:
        tx.conn.execute(
            staffing.insert().values(
                id="s1", queue="front", model="dedicated", params={"team": "front"}, strategy=None,
                effective_at=desk.clock.now, at=desk.clock.now, by="test",
            )
        )  # fmt: skip
    id_ = desk.make()
    desk.claim("ana")
    assert desk.decisions(id_)[0].model == "dedicated"


# ── both forms, and every record again ───────────────────────────────────────────────────────────────────────────────
class Dropped(Exception):
    """Takes a look back."""


def answer(desk: Desk, form: Callable[..., Any], who: str, queues: list[str] | None) -> Any:
    """What that form of the claim gives, without giving it."""
    told: Any = None
    with suppress(Dropped), desk.as_(who) as tx:
        try:
            found = form(tx, queues, None)
        except TaskhubError as error:
            told = error.stable_code, error.fields
            raise Dropped from error
        task, lease = found.task, found.lease
        told = found.reason
        if task is not None and lease is not None:
            over = assignment.why(tx, task.id)["passed_over"] if task.state == "in_progress" else []
            told = (
                task.id, task.state, task.agent, task.version, task.seq, task.started_at, task.due_at,
                lease.expires_at, sorted((one["task"], tuple(one["reasons"])) for one in over),
            )  # fmt: skip
        raise Dropped
    return told


class Campaign:
    """A few hundred acts at random, from one seed."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk, self.chance, self.versions = desk, random.Random(seed), 0
        for number, name in enumerate(PEOPLE):
            facts = {
                "capacity": 1 + number % 3,
                "skills": {k: 1 + (number + n) % 4 for n, k in enumerate(desk.policies.kinds)},
                "attributes": {"language": ["de"] if number % 2 else "fr"},
            }  # fmt: skip
            if number in (0, 5):
                facts |= {"queue_caps": {"front": 1, "help": 2}, "capacity": 4}
            if number in (1, 4):
                facts |= {"capacity_minutes": 50, "capacity": 5}
            if number == 3:
                facts["shifts"] = {"mon": ["09:00-12:00"], "tue": ["09:00-12:00"]}
            desk.staff("abroad" if number > 3 else "front", name, **facts)

    def act(self) -> None:
        """One act; what is refused is part of the game."""
        often = "make make make claim claim claim give finish finish pause release presence absence pass pass"
        seldom = "make back lend pool"
        name = self.chance.choice(f"{often} {seldom}".split())
        with suppress(TaskhubError):
            getattr(self, name)()

    def who(self) -> str:
        return self.chance.choice(PEOPLE)

    def make(self) -> None:
        out = {self.who(): self.chance.choice(["declined", "not_by", "conflict_of_interest"])}
        self.desk.make(
            self.chance.choice([*self.desk.policies.kinds, "push", "push"]), priority=self.chance.randrange(4),
            level=self.chance.choice([None, 1, 2, 4]), excluded=out if self.chance.random() < 0.4 else {},
            due_at=self.chance.choice([None, self.desk.clock.now + self.chance.randrange(60) * HOUR]),
            requires=self.chance.choice([{}, {"language": "de"}]),
        )  # fmt: skip

    def claim(self) -> None:
        self.desk.claim(self.who(), self.queues())

    def queues(self) -> list[str] | None:
        return self.chance.choice(
            [None, None, None, ["front"], ["far", "front"], ["shut", "mine"], ["help", "duty", "part"]]
        )

    def any(self, *states: str) -> Any:
        with self.desk.db.read() as tx:
            found, _ = tasks.find(tx, {"state": list(states)}, None, 200)
        return self.chance.choice(sorted(found, key=lambda task: task.id)) if found else None

    def give(self) -> None:
        found = self.any("queued", "assigned", "in_progress", "paused")
        if found is not None:
            self.desk.do("admin", assignment.assign, found.id, self.who())

    def started(self, then: Callable[[Any, str, int], Any]) -> None:
        found = self.any("in_progress")
        if found is not None:
            token = self.desk.token(found.id)
            self.desk.do(found.agent, lambda tx: then(tx, found.id, token))

    def finish(self) -> None:
        self.started(tasks.complete)

    def pause(self) -> None:
        until = self.desk.clock.now + self.chance.randrange(1, 5) * HOUR
        self.started(lambda tx, id_, token: tasks.pause(tx, id_, "waiting_customer", until, token))

    def release(self) -> None:
        self.started(lambda tx, id_, token: tasks.release(tx, id_, "no time", token))

    def presence(self) -> None:
        status = self.chance.choice("available available available busy away offline".split())
        until = self.desk.clock.now + HOUR if self.chance.random() < 0.4 else None
        who = self.who()
        self.desk.do(who, presence.set_presence, who, status, until)

    def absence(self) -> None:
        start = self.desk.clock.now + self.chance.randrange(40) * HOUR
        self.desk.do("admin", agents.add_absence, self.who(), start, start + self.chance.randrange(1, 20) * HOUR)

    def back(self) -> None:
        """Somebody has just come back from a day away."""
        end = self.desk.clock.now - timedelta(minutes=self.chance.randrange(150))
        row = {"id": str(self.chance.random()), "agent": self.who(), "from_at": end - 24 * HOUR, "until_at": end}
        with self.desk.db.begin() as tx:
            tx.conn.execute(absence.insert().values(row | {"ramp_for_s": self.chance.choice([None, 0, 7200])}))

    def lend(self) -> None:
        now, queue = self.desk.clock.now, self.chance.choice(["front", "mine", "help", "duty"])
        span = {"from_at": now + self.chance.randrange(-2, 2) * HOUR, "until_at": now + 3 * HOUR, "at": now}
        with self.desk.db.begin() as tx:
            values = {"id": str(self.chance.random()), "queue": queue, "agent": self.who(), "by": "test", **span}
            tx.conn.execute(loan.insert().values(values))

    def pool(self) -> None:
        queue, model = self.chance.choice([("help", "overflow"), ("duty", "duty_rota")])
        members = self.chance.sample(PEOPLE, 3) if queue == "duty" else None
        found = {"model": model, "kinds": {members[0]: ["other"]} if members else {}}
        with self.desk.db.begin() as tx:
            tx.conn.execute(pool_state.delete().where(pool_state.c.queue == queue))
            self.versions += 1
            state = {"queue": queue, "version": self.versions, "open": self.chance.random() < 0.5, "members": members}
            tx.conn.execute(pool_state.insert().values(state | {"facts": found, "at": tx.now}))

    def pass_(self) -> None:
        self.desk.forward(minutes=self.chance.randrange(40))


setattr(Campaign, "pass", Campaign.pass_)


def reruns(desk: Desk) -> Counter[str]:
    """What running every stored decision again says."""
    found = Counter[str]()
    with desk.db.read() as tx:
        for row in tx.conn.execute(decision.select()):
            again = why._again(tx, row)
            found[again.status] += 1
            assert again.status == "same", (row.way, row.facts, again.why)
    return found


@pytest.fixture
def wild(database_url: str) -> Iterator[Desk]:
    made = Desk(database_url, policies())
    yield made
    made.db.close()


def test_both_forms_answer_alike_and_every_decision_runs_again(wild: Desk) -> None:
    campaign = Campaign(wild, int(os.environ.get("TASKHUB_SEED", "20260302")))
    compared = Counter[str]()
    for number in range(ROUNDS):
        campaign.act()
        if wild.db.lite or number % 2:
            continue
        who, queues = campaign.who(), campaign.queues()
        swift = answer(wild, claims._swiftly, who, queues)
        steps = answer(wild, claims._step_by_step, who, queues)
        assert swift == steps, (number, who, queues)
        compared["task" if isinstance(swift, tuple) else str(swift)] += 1
    if not wild.db.lite:
        assert compared["task"] >= ROUNDS / 12
    wild.drain()
    first = reruns(wild)
    assert first["same"] >= ROUNDS / 4
    ways = {(row.way, row.outcome) for row in wild.rows(decision)}
    assert ways == {("push", "assigned"), ("push", "waiting"), ("pull", "assigned"), ("manual", "assigned")}
    share = Staffing("rotating", {"share_of_shift": 0.5})
    kinds = {key: org.replace(kind, level=1, weight=5.0) for key, kind in wild.policies.kinds.items()}
    queues = {key: org.replace(queue, staffing=share) for key, queue in wild.policies.queues.items()}
    others = org.replace(wild.policies, hash="other", kinds=kinds, queues=queues)
    wild.db._loader = lambda _texts, _resolved: others
    wild.do("admin", activate.activate, others, {})
    wild.drain()
    assert reruns(wild)["same"] >= first["same"]


def test_a_task_whose_due_time_is_not_in_utc_runs_again(lite: Desk) -> None:
    """Instants are stored as they are compared: in UTC."""
    paris = datetime(2026, 3, 3, 10, tzinfo=UTC)
    lite.make(due_at=paris)
    lite.claim("ana")
    assert reruns(lite)["same"] == 1


def test_reasons_that_no_longer_hold_are_not_read_as_new(lite: Desk) -> None:
    """A record is about its own moment: later exclusions do not change it."""
    id_ = lite.make()
    lite.claim("ana")
    with lite.db.begin() as tx:
        tx.conn.execute(update(task_table).where(task_table.c.id == id_).values(due_at=None))
    assert reruns(lite)["same"] == 1
