"""Shadows over a long time: in pieces, with progress, the same answer as at one go; pools nobody found then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from taskhub.assignment import shadow as at_once
from taskhub.assignment.queries import past
from taskhub.assignment.shadows import service as shadows
from taskhub.assignment.shadows import store
from taskhub.assignment.shadows.facts import as_shown, shown_facts
from taskhub.db.tables import message
from taskhub.errors import Conflict, InvalidInput, NotFound
from taskhub.policy.policies import Policies
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk


def policies() -> Policies:
    both = {"teams": ("red", "blue"), "calendar": "always"}
    queues = [
        org.queue("push", **both, staffing=Staffing("rotating")),
        org.queue("pull", **both, mode="pull", staffing=Staffing("rotating")),
    ]
    served = {"mail": "push", "post": "push", "self": "pull", "own": "pull"}
    kinds = [Kind(key, LocalText(key), queue) for key, queue in served.items()]
    return org.policies(queues=queues, kinds=kinds)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    made = Desk(database_url, policies())
    made.staff("red", "ann", "rob", capacity=4)
    made.staff("blue", "bob", capacity=4)
    made.drain()
    yield made
    made.db.close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of two, so that a short story is a long one."""
    monkeypatch.setattr(past, "CHUNK", 2)


def story(desk: Desk, rounds: int = 7) -> None:
    """Work comes in one by one; what was given some time ago is done."""
    for n in range(rounds):
        desk.make(("mail", "post")[n % 2])
        desk.make("self")
        desk.drain()
        desk.forward(minutes=10)
        desk.claim(("ann", "bob")[n % 2], ["pull"])
        for row in [*desk.rows_of("mail"), *desk.rows_of("post"), *desk.rows_of("self")][:2]:
            if row.state == "assigned":
                token = desk.do(row.agent, tasks.start, row.id)[1].token
                desk.do(row.agent, tasks.complete, row.id, token)
        desk.drain()


def begun(desk: Desk, queue: str, other: Staffing, hours: float = 48) -> Any:
    since = desk.clock.now - org.minutes(hours * 60)
    return desk.do("admin", lambda tx: shadows.begin(tx, queue, other, since))


def run(desk: Desk, id_: str) -> Any:
    with desk.db.read() as tx:
        found = store.get(tx, id_)
    assert found is not None
    return found


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("queue", ["push", "pull"])
@pytest.mark.parametrize(
    "other",
    [
        Staffing("dedicated", {"team": "red"}),
        Staffing("rotating", {}, "round_robin"),
        Staffing("share", {"weights": {"red": 1, "blue": 3}}),
        Staffing("overflow", {"team": "red", "overflow_teams": ["blue"]}),
        Staffing("chain", {"ring": ["mail", "post"]}),
        Staffing("duty_rota", {}),
    ],
    ids=lambda one: one.model,
)
def test_piece_by_piece_it_answers_what_it_answers_at_one_go(desk: Desk, queue: str, other: Staffing) -> None:
    story(desk)
    since = desk.clock.now - org.minutes(48 * 60)
    if queue == "pull" and other.model == "chain":
        other = replace(other, params={"ring": ["self", "own"]})
    made = begun(desk, queue, other)
    assert (made.done, made.total > 4) == (0, True)
    desk.drain()
    ended = run(desk, made.id)
    assert (ended.done, ended.error, ended.state) == (ended.total, None, None)
    with desk.db.read() as tx:
        whole = at_once.shadow(tx, queue, other, since)
    assert as_shown(ended.result) == whole
    assert whole.decisions > 4
    assert not whole.unknown


@pytest.mark.usefixtures("small")
def test_progress_can_be_seen_and_a_piece_done_twice_counts_once(desk: Desk) -> None:
    story(desk)
    made = begun(desk, "push", Staffing("dedicated", {"team": "red"}))
    steps = []
    while open_ := [r for r in desk.rows(message, handler="assignment.shadow") if r.done_at is None]:
        (row,) = open_
        steps.append(run(desk, made.id).done)
        with desk.db.begin() as tx:
            work = shadows.WorkOff().prepare(tx, row)
        assert work is not None
        piece = work()
        with desk.db.begin() as tx:
            shadows.WorkOff().finish(tx, row, piece)
            tx.conn.execute(message.update().where(message.c.id == row.id).values(done_at=tx.now))
        with desk.db.begin() as tx:
            shadows.WorkOff().finish(tx, row, piece)
            assert shadows.WorkOff().prepare(tx, row) is None
    assert steps == sorted(steps)
    assert len(set(steps)) > 2
    assert run(desk, made.id).ended_at is not None


def test_what_has_become_of_the_queue_meanwhile_ends_a_run_with_the_reason(desk: Desk) -> None:
    story(desk, 2)
    made = begun(desk, "push", Staffing("dedicated", {"team": "red"}))
    with desk.as_("worker") as tx:
        wrong = {"model": "dedicated", "params": {"team": "gone"}, "strategy": "least_loaded", "strategy_params": {}}
        store.save(tx, made.id, {"asked": wrong})
    desk.drain()
    assert "not among the queue's teams" in run(desk, made.id).error


def test_only_so_many_are_under_way_and_nonsense_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidInput):
        begun(desk, "push", Staffing("rotatin"))
    with pytest.raises(InvalidInput):
        begun(desk, "push", Staffing("rotating"), hours=-1)
    for _ in range(shadows.MOST_OPEN):
        begun(desk, "push", Staffing("rotating"))
    with pytest.raises(Conflict):
        begun(desk, "push", Staffing("rotating"))
    desk.drain()
    made = begun(desk, "push", Staffing("rotating"))
    with desk.db.read() as tx:
        assert shadows.of_queue(tx, "push")[0].id == made.id
        with pytest.raises(NotFound):
            shadows.get(tx, "pull", made.id)


# ── pools nobody found then ──────────────────────────────────────────────────────────────────────────────────────────
def asked(desk: Desk, queue: str, other: Staffing) -> at_once.Shown:
    with desk.db.read() as tx:
        return at_once.shadow(tx, queue, other, tx.now - org.minutes(48 * 60))


def test_a_share_would_have_been_kept_exactly(desk: Desk) -> None:
    for _ in range(8):
        desk.make("mail")
        desk.drain()
    found = asked(desk, "push", Staffing("share", {"weights": {"red": 1, "blue": 1}}))
    red = sum(now for key, (_, now) in found.people.items() if key in ("ann", "rob"))
    assert (red, found.people["bob"][1]) == (4, 4)


def test_a_ring_would_have_let_everybody_do_two_kinds(desk: Desk) -> None:
    story(desk)
    found = asked(desk, "push", Staffing("chain", {"ring": ["mail", "post"]}))
    assert found.verdicts["unknown"] == 0
    assert found.decisions > 0


def test_help_would_have_come_only_while_promises_were_at_risk(desk: Desk) -> None:
    other = Staffing("overflow", {"team": "red", "overflow_teams": ["blue"]})
    desk.make("mail", due_at=desk.clock.now + org.minutes(600))
    desk.drain()
    calm = asked(desk, "push", other)
    assert calm.people.get("bob", (0, 0))[1] == 0
    for _ in range(40):
        desk.make("mail", due_at=desk.clock.now + org.minutes(16))
    desk.drain()
    assert asked(desk, "push", other).people["bob"][1] > 0


def test_a_rota_would_have_given_work_to_who_was_on_duty_alone(desk: Desk) -> None:
    for _ in range(3):
        desk.make("mail")
        desk.drain()
    found = asked(desk, "push", Staffing("duty_rota", {}))
    assert len({key for key, (_, now) in found.people.items() if now}) == 1


def test_what_was_found_so_far_is_the_same_after_storing(desk: Desk) -> None:
    story(desk)
    found = asked(desk, "push", Staffing("dedicated", {"team": "red"}))
    assert as_shown(shown_facts(found)) == found
