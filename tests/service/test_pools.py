"""Pools that workers find: help at risk, who is on duty, places in a ring, lanes; and offers nobody starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from taskhub import bootstrap
from taskhub.acts import presence
from taskhub.agents import service as agents
from taskhub.assignment import in_force, passes, pool_states
from taskhub.db import sweep
from taskhub.db.tables import agent as agent_table
from taskhub.db.tables import duty, escalation, fairness, notification, pool_state
from taskhub.policy.policies import Policies
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Queue, Staffing
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)
HELP = {"team": "red", "overflow_teams": ["blue"], "at_risk_fraction": 0.2}


def policies() -> Policies:
    def queue(key: str, model: str, params: dict[str, Any], *teams: str, **more: Any) -> Queue:
        staffing = Staffing(model, params)
        return org.queue(key, teams=teams or ("red", "blue"), calendar="always", staffing=staffing, **more)

    queues = [
        queue("help", "overflow", HELP, mode="pull"),
        queue("rota", "duty_rota", {"slice": "day"}, "red"),
        queue("ring", "chain", {"ring": ["a", "b", "c"]}, "red", mode="pull"),
        queue("split", "share", {"weights": {"red": 3, "blue": 1}}),
        queue("offers", "dedicated", {"team": "red"}, accept_for=HOUR, max_misses=2, cool_down=2 * HOUR),
    ]
    kinds = {"claim": "help", "mail": "rota", "post": "rota", "a": "ring", "b": "ring", "c": "ring", "split": "split",
             "offer": "offers"}  # fmt: skip
    return org.policies(queues=queues, kinds=[Kind(key, LocalText(key), queue) for key, queue in kinds.items()])


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    made = Desk(database_url, policies())
    yield made
    made.db.close()


def state(desk: Desk, queue: str) -> Any:
    return next(iter(desk.rows(pool_state, queue=queue)), None)


def look(desk: Desk, queue: str) -> None:
    desk.do("worker", pool_states.changed, queue)


# ── overflow ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_help_comes_while_promises_are_at_risk_and_leaves_well_below(desk: Desk) -> None:
    desk.staff("red", "ann")
    desk.staff("blue", "bob", capacity=50)
    desk.make("claim", due_at=desk.clock.now + 8 * HOUR)
    desk.drain()
    assert (state(desk, "help").open, desk.claim("bob").reason) == (False, "nothing_eligible")
    ids = [desk.make("claim", due_at=desk.clock.now + HOUR) for _ in range(12)]
    desk.drain()
    opened = state(desk, "help")
    assert (opened.open, opened.facts["people"]) == (True, 1)
    assert desk.claim("bob").task.id in ids
    look(desk, "help")
    assert state(desk, "help").version == opened.version  # nothing new, no new version
    while desk.claim("bob").task is not None:
        look(desk, "help")
    assert not state(desk, "help").open
    assert 0 < len([id_ for id_ in ids if desk.task(id_).state == "queued"]) < 12


# ── duty rota ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_rota_is_planned_ahead_and_only_who_is_on_duty_is_given_work(desk: Desk) -> None:
    desk.staff("red", "ann", "bob", "cid", capacity=100)
    desk.drain()
    rows = desk.rows(duty, queue="rota")
    assert len({row.from_at for row in rows}) == 14
    assert {tuple(row.kinds) for row in rows} == {("mail",), ("post",)}
    for _ in range(5):
        today = {row.kinds[0]: row.agent for row in rows if row.from_at <= desk.clock.now < row.until_at}
        mail, post = desk.make("mail"), desk.make("post")
        desk.drain()
        assert {"mail": desk.task(mail).agent, "post": desk.task(post).agent} == today
        desk.forward(hours=24)
        rows = desk.rows(duty, queue="rota")
    turns = Counter(row.agent for row in desk.rows(fairness) for _ in range(row.duty))
    assert sum(turns.values()) == 10  # two a day, five days begun after the first look


def test_who_is_absent_is_skipped_and_the_rota_is_planned_anew(desk: Desk) -> None:
    desk.staff("red", "ann", "bob", "cid")
    desk.drain()
    begin, end = desk.clock.now + 24 * HOUR, desk.clock.now + 120 * HOUR
    desk.do("admin", agents.add_absence, "ann", begin, end)
    desk.drain()
    rows = desk.rows(duty, queue="rota")
    assert len({row.from_at for row in rows}) == 14
    assert not [row for row in rows if row.agent == "ann" and row.from_at < end and row.until_at > begin]
    desk.do("admin", agents.patch_agent, "bob", {"active": False})
    desk.drain()
    coming = [row for row in desk.rows(duty, queue="rota") if row.from_at > desk.clock.now]
    assert {row.agent for row in coming} == {"ann", "cid"}


def test_without_anybody_on_duty_everybody_serves(desk: Desk) -> None:
    desk.staff("red", "ann")
    desk.do("admin", agents.add_absence, "ann", desk.clock.now - HOUR, desk.clock.now + 24 * HOUR)
    desk.staff("red", "new")
    task = desk.make("mail")
    desk.drain()
    assert desk.task(task).agent == "new"


# ── ring and share ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_everybody_of_a_ring_has_two_kinds(desk: Desk) -> None:
    desk.staff("red", "ann", "bob", "cid")
    desk.drain()
    kinds = state(desk, "ring").facts["kinds"]
    assert sorted(map(sorted, kinds.values())) == [["a", "b"], ["a", "c"], ["b", "c"]]
    task = desk.make("a")
    (outside,) = [key for key, named in kinds.items() if "a" not in named]
    assert desk.claim(outside).reason == "nothing_eligible"
    inside = next(key for key, named in kinds.items() if "a" in named)
    assert desk.claim(inside).task.id == task


def test_shares_are_exact_over_every_cycle(desk: Desk) -> None:
    desk.staff("red", "ann", capacity=100)
    desk.staff("blue", "bob", capacity=100)
    for done in (4, 8, 20):
        while len(desk.rows_of("split")) < done:
            desk.make("split")
            if len(desk.rows_of("split")) % 3 == 0:
                desk.drain()
        desk.drain()
        given = Counter(row.agent for row in desk.rows_of("split"))
        assert given == {"ann": 3 * done // 4, "bob": done // 4}
    weights = replace(policies().queues["split"], staffing=Staffing("share", {"weights": {"red": 1, "blue": 1}}))
    desk.policies.queues["split"] = weights  # type: ignore[index]
    in_force._known.clear()  # the files changed, and their hash did not
    desk.make("split")
    desk.make("split")
    desk.drain()
    assert Counter(row.agent for row in desk.rows_of("split")) == {"ann": 16, "bob": 6}


# ── offers ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_after_so_many_missed_offers_a_person_is_set_away_and_their_manager_told(desk: Desk) -> None:
    desk.staff("red", "ann", "bob", capacity=1)
    with desk.as_("admin") as tx:
        agents.patch_team(tx, "red", {"leader": "bob"})
    desk.do("bob", presence.set_presence, "bob", "busy")
    first, second = desk.make("offer"), desk.make("offer")
    desk.drain()
    assert desk.task(first).agent == "ann"
    desk.forward(hours=1)
    assert (desk.task(first).agent, desk.task(second).agent) == (None, "ann")
    assert desk.rows(agent_table, key="ann")[0].misses == 1
    desk.forward(hours=1)
    ann = desk.rows(agent_table, key="ann")[0]
    assert (ann.presence, ann.misses) == ("away", 0)
    assert desk.task(second).state == "queued"
    told = [row for row in desk.rows(notification) if row.task is None]
    assert [(row.agent, row.subject) for row in told] == [
        ("bob", "Ann did not start 2 offers in a row (Offers) and is away now.")
    ]


def test_an_offer_that_is_started_breaks_the_row_of_misses(desk: Desk) -> None:
    desk.staff("red", "ann", capacity=1)
    first, second = desk.make("offer"), desk.make("offer")
    desk.drain()
    desk.forward(hours=1)
    token = desk.do("ann", tasks.start, second)[1].token
    desk.do("ann", tasks.complete, second, token)
    assert desk.rows(agent_table, key="ann")[0].misses == 0
    desk.forward(hours=2)
    assert desk.task(first).agent == "ann"
    desk.forward(hours=1)
    assert desk.rows(agent_table, key="ann")[0].presence == "available"


def test_an_outage_of_the_workers_misses_no_offer(desk: Desk) -> None:
    desk.staff("red", "ann", capacity=1)
    task = desk.make("offer")
    desk.drain()
    back = desk.clock.forward(hours=3)
    for _beat in range(2):
        with desk.db.begin() as tx:
            sweep.beat(tx.conn, tx.real_now, every=timedelta())
            bootstrap.new_terms(tx, 3 * HOUR)
    desk.drain()
    assert (desk.task(task).agent, desk.timers("task.offer", task)) == ("ann", [back + HOUR])
    assert desk.rows(agent_table, key="ann")[0].misses == 0
    desk.forward(minutes=59)
    assert desk.task(task).agent == "ann"
    desk.forward(minutes=1)
    assert (desk.task(task).agent, desk.rows(agent_table, key="ann")[0].misses) == (None, 1)
    # what is given later has its own time, and no more
    desk.forward(hours=2)
    assert desk.timers("task.offer", task) == [back + 4 * HOUR]


def test_a_sole_agent_who_declined_is_asked_again_and_the_manager_warned(desk: Desk) -> None:
    desk.staff("red", "ann")
    desk.staff("blue", "boss", language="fr")
    with desk.as_("admin") as tx:
        agents.patch_team(tx, "red", {"managers": ["boss"]})
    task = desk.make("offer")
    desk.drain()
    desk.do("ann", tasks.release, task, "no time")
    desk.drain()
    assert desk.task(task).waiting_reasons == ["declined"]
    (step,) = desk.rows(escalation, task=task)
    again = step.effects.pop("offered_again_at")
    assert (step.policy, step.effects) == ("sole_agent", {"agent": "ann", "notified": ["boss"]})
    assert datetime.fromisoformat(again) > step.at == step.due_at
    (told,) = desk.rows(notification, task=task)
    assert (told.agent, "personne d’autre" in told.subject) == ("boss", True)
    desk.forward(hours=2)
    assert desk.task(task).agent == "ann"


def test_nobody_is_warned_while_somebody_else_could_take_it(desk: Desk) -> None:
    desk.staff("red", "ann", "bob")
    desk.do("bob", presence.set_presence, "bob", "offline")
    task = desk.make("offer")
    desk.drain()
    desk.do("ann", tasks.release, task, "no time")
    desk.drain()
    assert (desk.count(escalation), desk.count(notification)) == (0, 0)


def test_an_unstarted_offer_returns_in_the_transaction_in_which_its_person_leaves(desk: Desk) -> None:
    desk.staff("red", "ann")
    task = desk.make("offer")
    desk.drain()
    with desk.as_("ann") as tx:
        presence.set_presence(tx, "ann", "away", tx.now + HOUR)
        assert tasks.get(tx, task).state == "queued"
    desk.forward(hours=1)
    assert desk.task(task).agent == "ann"


def test_the_net_finds_what_was_missed(desk: Desk) -> None:
    desk.staff("red", "ann")
    task = desk.make("offer")
    with desk.db.begin() as tx:
        tx.cancel("task.ready", "offers")
    desk.do("worker", passes.everything)
    desk.drain()
    assert desk.task(task).agent == "ann"
