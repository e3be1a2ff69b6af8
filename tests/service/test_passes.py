"""Push: once the ledger is dry nobody idle stands beside work they may do, and every wait has its reasons."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from taskhub.acts import presence
from taskhub.agents import service as agents
from taskhub.assignment import passes, pull, store, why
from taskhub.assignment import service as assignment
from taskhub.assignment.installed import plugins
from taskhub.db.tables import decision, message, pass_, turn
from taskhub.db.tables import task as task_table
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import making
from taskhub.tasks import service as tasks
from taskhub.tasks.model import NewTask
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)
DAY = 24 * HOUR


def policies(**queue: Any) -> Any:
    desk = org.queue("desk", calendar="always", cool_down=HOUR, **queue)
    side = org.queue("side", calendar="always", teams=("front",), staffing=Staffing("rotating"))
    kinds = [
        Kind("contract", LocalText("Contract"), "desk"),
        Kind("credit", LocalText("Credit"), "desk", level=2),
        Kind("promise", LocalText("Promise"), "desk", sla="standard"),
        Kind("other", LocalText("Other"), "side"),
    ]
    return org.policies(queues=[desk, side], kinds=kinds)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    yield from _desk(database_url)


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Desk]:
    yield from _desk(sqlite_url)


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Desk]:
    yield from _desk(postgres_url)


def _desk(url: str, **queue: Any) -> Iterator[Desk]:
    made = Desk(url, policies(**queue))
    yield made
    made.db.close()


def make(desk: Desk, count: int, kind: str = "contract", **facts: Any) -> list[str]:
    with desk.db.begin() as tx:
        return making.make(tx, [NewTask(kind, f"{kind} {n}", **facts) for n in range(count)])


def finish(desk: Desk, who: str) -> str:
    """That person does the first of their tasks."""
    with desk.db.read() as tx:
        found, _ = tasks.find(tx, {"agent": who, "state": "assigned"}, None, 100)
    first = min(found, key=lambda task: (task.start_by, task.id))
    token = desk.do(who, tasks.start, first.id)[1].token
    desk.do(who, tasks.complete, first.id, token)
    return first.id


def given(desk: Desk) -> Counter[str]:
    return Counter(row.agent for row in desk.rows(task_table) if row.state == "assigned")


def idle_beside_work(desk: Desk) -> list[tuple[str, str]]:
    """(person, task) where a waiting task of a push queue could go to somebody with room this moment."""
    found = []
    with desk.db.read() as tx:
        queues = passes.facts(tx, [q for q in tx.policies.queues.values() if q.mode == "push"])
        teams = {team for queue in queues.values() for team in queue.teams}
        people = store.people(tx, teams, passes.paused_queues(tx), tx.now)
        shapes = store.shapes(tx, list(queues))
        rows = [row for row in store.heads(tx, shapes, 10_000)]  # noqa: C416
        out = store.excluded(tx, [row.id for row in rows])
        for fact in (store.facts_of(row, shapes, out) for row in rows):
            able = (p.key for p in people if not pull.against(p, fact, queues[fact.queue], tx.now, plugins()))
            found += [(key, fact.id) for key in able]
    return found


def reruns(desk: Desk) -> None:
    with desk.db.read() as tx:
        for row in tx.conn.execute(decision.select()):
            assert why._again(tx, row).status == "same", row


# ── nobody idle ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_everybody_gets_what_fits_and_no_more(desk: Desk) -> None:
    desk.staff("specialists", "sue", "tom", "una")
    desk.do("admin", agents.patch_agent, "una", {"capacity": 1})
    make(desk, 12)
    desk.drain()
    assert given(desk) == {"sue": 3, "tom": 3, "una": 1}
    waiting = [row for row in desk.rows(task_table) if row.state == "queued"]
    assert {tuple(row.waiting_reasons) for row in waiting} == {("at_capacity",)}
    assert idle_beside_work(desk) == []
    reruns(desk)


def test_a_freed_person_gets_the_oldest_start_by(desk: Desk) -> None:
    desk.staff("specialists", "sue", capacity=1)
    make(desk, 3)
    (soon,) = make(desk, 1, due_at=desk.clock.now + HOUR)
    (late,) = make(desk, 1, priority=0)
    desk.drain()
    assert finish(desk, "sue") == soon
    desk.drain()
    order = [finish(desk, "sue") for _ in range(3) if desk.drain() >= 0]
    desk.drain()
    assert desk.task(late).state == "assigned"
    assert order == sorted(order)  # the ids of one batch are in the order of making


def test_nobody_idle_beside_work_after_a_random_day(desk: Desk) -> None:
    chance = random.Random(11)
    names = ("sue", "tom", "una", "vic")
    for number, name in enumerate(names):
        skills = {key: 1 + (number + n) % 3 for n, key in enumerate(("contract", "credit", "promise"))}
        desk.staff("specialists", name, capacity=1 + number % 2, skills=skills)
    for _ in range(24):
        out = {chance.choice(names): "declined"} if chance.random() < 0.5 else {}
        make(desk, chance.randrange(3), chance.choice(["contract", "credit", "promise"]), excluded=out)
        who = chance.choice(names)
        what = chance.choice(["finish", "finish", "busy", "available", "available", "leave"])
        if what == "finish" and given(desk)[who]:
            finish(desk, who)
        elif what in ("busy", "available"):
            desk.do(who, presence.set_presence, who, what)
        elif what == "leave":
            begin = desk.clock.now + chance.randrange(9) * HOUR
            desk.do("admin", agents.add_absence, who, begin, begin + 2 * HOUR)
        desk.forward(minutes=chance.randrange(40))
        assert idle_beside_work(desk) == []
    reruns(desk)


def test_heads_kept_from_a_free_hand_do_not_hide_what_is_behind(desk: Desk) -> None:
    """Sue may take none of the first sixty: she declined half and will be away when the others fall due."""
    desk.staff("specialists", "sue", capacity=1)
    begin = desk.clock.now + DAY
    desk.do("admin", agents.add_absence, "sue", begin, begin + 5 * DAY)
    make(desk, 30, excluded={"sue": "declined"})
    make(desk, 30, due_at=begin + HOUR)
    (behind,) = make(desk, 1, priority=0, due_at=begin + 9 * DAY)
    desk.drain()
    assert desk.task(behind).agent == "sue"
    assert idle_beside_work(desk) == []
    reruns(desk)


def test_a_burst_is_looked_at_to_its_end(lite: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "LOOK", 20)
    make(lite, 75)
    lite.drain()
    assert {tuple(row.waiting_reasons) for row in lite.rows(task_table)} == {("pool_empty",)}
    lite.staff("specialists", "sue")
    lite.drain()
    assert given(lite) == {"sue": 3}


def test_turns_are_kept_over_bursts_and_restarts(desk: Desk) -> None:
    made = Desk(desk.db.url, policies(staffing=Staffing("dedicated", {"team": "specialists"}, "round_robin")))
    names = ("sue", "tom", "una")
    made.staff("specialists", *names, capacity=100)
    for burst in (7, 1, 4, 3):
        make(made, burst)
        made.drain()
    assert set(given(made).values()) == {5}
    made.db.close()


def test_a_declined_task_is_offered_again_after_the_cool_down(desk: Desk) -> None:
    desk.staff("specialists", "sue")
    first, second = make(desk, 1), make(desk, 1)
    desk.drain()
    desk.do("sue", tasks.release, first[0], "not mine")
    desk.drain()
    assert (desk.task(first[0]).state, desk.task(first[0]).waiting_reasons) == ("queued", ["declined"])
    desk.forward(minutes=50)
    desk.do("sue", tasks.release, second[0], "not mine either")  # must not move the other's cool-down
    desk.forward(minutes=10)
    assert desk.task(first[0]).agent == "sue"
    assert desk.task(second[0]).state == "queued"
    desk.forward(minutes=50)
    assert desk.task(second[0]).agent == "sue"


def test_an_offer_nobody_accepts_goes_on(sqlite_url: str) -> None:
    (desk,) = [made := Desk(sqlite_url, policies(accept_for=HOUR))]
    made.staff("specialists", "sue", "tom")
    (id_,) = make(desk, 1)
    desk.drain()
    first = desk.task(id_).agent
    desk.clock.forward(minutes=59)
    desk.drain()
    assert desk.task(id_).agent == first
    desk.forward(minutes=1)
    assert desk.task(id_).agent == {"sue": "tom", "tom": "sue"}[str(first)]
    assert desk.history(id_, "withdraw")[0]["change"]["why"] == "not_accepted"
    desk.db.close()


# ── reasons ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_reasons_are_recorded_once_for_each_new_set(desk: Desk) -> None:
    (id_,) = make(desk, 1, "credit")
    desk.drain()
    desk.staff("specialists", "sue", skills={"credit": 1})
    desk.drain()
    for _ in range(3):
        desk.do("sue", presence.set_presence, "sue", "busy")
        desk.do("sue", presence.set_presence, "sue", "available")
        desk.do("worker", passes.run, "desk")
        desk.drain()
    waits = [row.facts["reasons"] for row in desk.decisions(id_)]
    assert waits == [["pool_empty"], ["skill_too_low"]]
    desk.do("admin", agents.patch_agent, "sue", {"skills": {"credit": 2}})
    desk.drain()
    assert [row.outcome for row in desk.decisions(id_)] == ["waiting", "waiting", "assigned"]
    reruns(desk)


def test_a_returned_task_waits_with_reasons_of_its_own(lite: Desk) -> None:
    lite.staff("specialists", "sue", capacity=1)
    one, two = make(lite, 2)
    lite.drain()
    lite.do("sue", presence.set_presence, "sue", "away")
    lite.drain()
    assert [lite.task(id_).waiting_reasons for id_ in (one, two)] == [["presence_away"]] * 2
    assert lite.decisions(one)[-1].outcome == "waiting"


def test_a_pull_queue_says_that_it_waits_to_be_taken(lite: Desk) -> None:
    made = Desk(lite.db.url)
    made.staff("front", "ana")
    id_ = made.make()
    made.drain()
    (row,) = made.decisions(id_)
    assert (row.outcome, row.facts["reasons"]) == ("waiting", ["ready_to_pull"])
    with made.db.read() as tx:
        assert assignment.why(tx, id_)["rerun"] == "same"
    made.db.close()


def test_a_paused_queue_gives_nothing(sqlite_url: str) -> None:
    made = Desk(sqlite_url, policies(paused=True))
    made.staff("specialists", "sue")
    make(made, 2)
    made.drain()
    assert given(made) == {}
    made.db.close()


def test_a_pass_that_finds_nothing_new_leaves_nothing(lite: Desk) -> None:
    lite.staff("specialists", "sue", capacity=1)
    make(lite, 3)
    lite.drain()
    before = lite.count(pass_), lite.count(decision)
    for _ in range(5):
        lite.do("worker", passes.everything)
        lite.drain()
    assert (lite.count(pass_), lite.count(decision)) == before


# ── overtaken ────────────────────────────────────────────────────────────────────────────────────────────────────────
def overtake(desk: Desk, monkeypatch: pytest.MonkeyPatch, meanwhile: Any) -> None:
    """Runs one pass during which something else happens, between its look and its locks."""
    locked, done = passes.store.lock_agents, []

    def lock_agents(tx: Any, keys: Any) -> None:
        if not done:
            done.append(True)
            other = threading.Thread(target=meanwhile)
            other.start()
            other.join(20)
            assert not other.is_alive()
        locked(tx, keys)

    monkeypatch.setattr(passes.store, "lock_agents", lock_agents)
    desk.do("worker", passes.run, "desk")
    monkeypatch.undo()


def test_a_pick_that_is_overtaken_is_decided_again(postgres: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = postgres
    desk.staff("specialists", "sue", "tom", capacity=1)
    desk.drain()
    ids = make(desk, 3)
    overtake(desk, monkeypatch, lambda: desk.do("admin", assignment.assign, ids[0], "tom"))
    assert [row.due_at for row in desk.rows(message, handler="assignment.wake") if row.done_at is None]
    desk.drain()
    assert given(desk) == {"sue": 1, "tom": 1}
    assert desk.task(ids[0]).agent == "tom"
    assert idle_beside_work(desk) == []
    reruns(desk)


def test_a_person_who_leaves_meanwhile_gets_nothing(postgres: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = postgres
    desk.staff("specialists", "sue", capacity=1)
    desk.drain()
    (id_,) = make(desk, 1)
    overtake(desk, monkeypatch, lambda: desk.do("sue", presence.set_presence, "sue", "away"))
    desk.drain()
    assert (desk.task(id_).state, desk.task(id_).waiting_reasons) == ("queued", ["presence_away"])


def test_capacity_holds_when_work_comes_from_two_sides(postgres: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = postgres
    desk.staff("specialists", "sue", capacity=2)
    desk.drain()
    ids = make(desk, 4)
    overtake(desk, monkeypatch, lambda: [desk.do("admin", assignment.assign, id_, "sue") for id_ in ids[2:]])
    desk.drain()
    assert given(desk) == {"sue": 2}
    assert {desk.task(id_).agent for id_ in ids[2:]} == {"sue"}


def test_two_passes_at_once_keep_the_turn(postgres: Desk) -> None:
    made = Desk(postgres.db.url, policies(staffing=Staffing("dedicated", {"team": "specialists"}, "round_robin")))
    names = ("sue", "tom", "una")
    made.staff("specialists", *names, capacity=100)
    made.drain()
    for _ in range(10):
        make(made, 3)
        threads = [threading.Thread(target=made.drain), threading.Thread(target=lambda: _of(made, "sue"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        made.drain()
    assert set(given(made).values()) == {10}
    assert len({row.seq for row in made.rows(turn)}) == 3
    made.db.close()


def _of(desk: Desk, who: str) -> None:
    desk.do("worker", passes.of_agent, who)
