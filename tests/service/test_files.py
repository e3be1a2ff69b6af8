"""A file: billing waits for contract and credit check, whichever event makes them, in whatever order they end."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from taskhub.acts import undo
from taskhub.assignment import service as assignment
from taskhub.flow import HANDLERS
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.tasks import making, timers
from taskhub.tasks import service as tasks
from taskhub.tasks.model import NewTask
from taskhub.testing import organisation as org
from taskhub.testing.drain import drain
from tests.service.desk import Desk

FILE = "deal:D1"
WAITS = ("contract", "credit")


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    yield from _desk(database_url)


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Desk]:
    yield from _desk(sqlite_url)


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Desk]:
    yield from _desk(postgres_url)


def _desk(url: str) -> Iterator[Desk]:
    won = Rule("won", on=("deal.won",), tasks=(TaskTemplate("billing", "Billing", waits_for=WAITS),))
    made = Desk(url, org.policies(rules=[won]))
    made.staff("front", "ana")
    yield made
    made.db.close()


def new(kind: str) -> NewTask:
    return NewTask(kind, kind.capitalize(), file=FILE, waits_for=WAITS if kind == "billing" else ())


def make(desk: Desk, *kinds: str) -> dict[str, str]:
    """Tasks of one event: kind -> id."""
    with desk.db.begin() as tx:
        return dict(zip(kinds, making.make(tx, [new(kind) for kind in kinds]), strict=True))


def finish(desk: Desk, id_: str) -> None:
    """Done by whoever does it."""
    desk.do("worker", lambda tx: tasks.finish(tx, tasks.get(tx, id_), "finish", {}))


def cancel(desk: Desk, id_: str) -> None:
    desk.do("admin", tasks.cancel, id_, "not wanted")


def rekind(desk: Desk, id_: str) -> None:
    desk.do("admin", tasks.change_kind, id_, "billing", "was something else")


@pytest.mark.parametrize("order", list(itertools.permutations(("contract", "credit", "billing"))), ids="-".join)
def test_made_by_one_event_in_any_order(lite: Desk, order: tuple[str, ...]) -> None:
    ids = make(lite, *order)
    lite.drain()
    assert lite.states() == {"contract": "queued", "credit": "queued", "billing": "blocked"}
    assert lite.task(ids["billing"]).blocked_by == sorted([ids["contract"], ids["credit"]])
    for kind in ("contract", "credit"):
        assert lite.task(ids["billing"]).state == "blocked"
        finish(lite, ids[kind])
        lite.drain()
    assert lite.task(ids["billing"]).state == "queued"


@pytest.mark.parametrize("order", list(itertools.permutations(("contract", "credit", "billing"))), ids="-".join)
@pytest.mark.parametrize("lazy", [False, True], ids=["at once", "afterwards"])
def test_made_by_several_events_in_any_order(lite: Desk, order: tuple[str, ...], *, lazy: bool) -> None:
    ids: dict[str, str] = {}
    for kind in order:
        ids |= make(lite, kind)
        if not lazy:
            lite.drain()
    lite.drain()
    assert lite.states() == {"contract": "queued", "credit": "queued", "billing": "blocked"}
    finish(lite, ids["contract"])
    finish(lite, ids["credit"])
    lite.drain()
    assert lite.task(ids["billing"]).state == "queued"


def test_the_clock_starts_when_it_is_ready(desk: Desk) -> None:
    ids = make(desk, "billing", "contract", "credit")
    billing = ids["billing"]
    assert (desk.clock_of(billing), desk.task(billing).ready_at, desk.task(billing).due_at) == (None, None, None)
    desk.forward(hours=2)
    finish(desk, ids["contract"])
    desk.drain()
    assert desk.task(billing).blocked_by == [ids["credit"]]
    finish(desk, ids["credit"])
    desk.drain()
    ready = desk.task(billing)
    assert (ready.state, ready.ready_at, ready.due_at, ready.blocked_by) == (
        "queued", desk.clock.now, desk.clock.now + timedelta(hours=4), [],
    )  # fmt: skip
    assert desk.history(billing)[-1]["act"] == "unblock"


def test_work_that_waits_again_has_no_clock_running(desk: Desk) -> None:
    billing = make(desk, "billing")["billing"]
    desk.drain()
    assert desk.task(billing).state == "queued"
    ids = make(desk, "contract")
    desk.drain()
    blocked = desk.task(billing)
    assert (blocked.state, blocked.blocked_by, blocked.due_at, blocked.ready_at) == (
        "blocked", [ids["contract"]], None, None,
    )  # fmt: skip
    assert (desk.clock_of(billing), desk.timers("task.clock", billing)) == (None, [])
    assert desk.claim("ana").reason == "nothing_eligible"
    desk.forward(days=1)
    assert not desk.history(billing, "sla.warned")
    finish(desk, ids["contract"])
    desk.drain()
    assert (desk.task(billing).state, desk.clock_of(billing).started_at) == ("queued", desk.clock.now)


def test_what_somebody_has_is_not_taken_away_again(lite: Desk) -> None:
    billing = make(lite, "billing")["billing"]
    lite.claim("ana")
    make(lite, "contract")
    lite.drain()
    assert lite.task(billing).state == "in_progress"


@pytest.mark.parametrize("end", [finish, cancel, rekind], ids=lambda end: end.__name__)
def test_however_the_others_end(lite: Desk, end: Callable[[Desk, str], None]) -> None:
    ids = make(lite, "contract", "billing")
    end(lite, ids["contract"])
    lite.drain()
    assert lite.task(ids["billing"]).state == "queued"


def test_files_do_not_see_each_other(lite: Desk) -> None:
    lite.make("contract", file="deal:D2")
    billing = make(lite, "billing")["billing"]
    lite.drain()
    assert lite.task(billing).state == "queued"


def test_an_undone_completion_blocks_again_until_somebody_has_begun(desk: Desk) -> None:
    desk.staff("specialists", "sue")
    ids = make(desk, "contract", "billing")
    desk.drain()
    token = desk.do("sue", tasks.start, ids["contract"])[1].token
    desk.do("sue", tasks.complete, ids["contract"], token)
    desk.drain()
    assert desk.task(ids["billing"]).state == "queued"
    with desk.db.read(org.as_agent("sue")) as tx:
        done = undo.list_acts(tx)[0]
    desk.do("sue", undo.undo, done["id"])
    desk.drain()
    assert (desk.task(ids["contract"]).agent, desk.task(ids["billing"]).state) == ("sue", "blocked")
    token = desk.do("sue", tasks.start, ids["contract"])[1].token
    desk.do("sue", tasks.complete, ids["contract"], token)
    desk.drain()
    assert desk.claim("ana").task.id == ids["billing"]
    with desk.db.read(org.as_agent("sue")) as tx:
        assert undo.list_acts(tx)[0]["why_not"] == "follower_started"


def test_restored_work_that_was_never_ready_waits_again(lite: Desk) -> None:
    ids = make(lite, "contract", "billing")
    cancel(lite, ids["billing"])
    lite.do("admin", assignment.reopen, ids["billing"], "undo", act="restore")
    lite.drain()
    assert (lite.task(ids["billing"]).state, lite.task(ids["billing"]).blocked_by) == ("blocked", [ids["contract"]])
    cancel(lite, ids["billing"])
    finish(lite, ids["contract"])
    lite.do("admin", assignment.reopen, ids["billing"], "undo", act="restore")
    lite.drain()
    assert lite.task(ids["billing"]).state == "queued"
    assert lite.task(ids["billing"]).due_at is not None


# ── races on PostgreSQL ──────────────────────────────────────────────────────────────────────────────────────────────
def together(*works: Callable[[], Any]) -> None:
    """All at once; what one of them raises comes out here."""
    gate, errors = threading.Barrier(len(works)), list[BaseException]()

    def run(work: Callable[[], Any]) -> None:
        gate.wait()
        try:
            work()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_both_completed_at_the_same_moment(postgres: Desk) -> None:
    for _ in range(5):
        ids = make(postgres, "contract", "credit", "billing")
        postgres.drain()
        together(
            lambda ids=ids: finish(postgres, ids["contract"]),
            lambda ids=ids: finish(postgres, ids["credit"]),
            postgres.drain,
            postgres.drain,
        )
        postgres.drain()
        assert postgres.task(ids["billing"]).state == "queued"
        finish(postgres, ids["billing"])
        postgres.drain()


def test_a_completion_while_the_one_that_waits_is_made(postgres: Desk) -> None:
    for _ in range(5):
        contract = make(postgres, "contract")["contract"]
        made: dict[str, str] = {}
        together(
            lambda contract=contract: finish(postgres, contract),
            lambda made=made: made.update(make(postgres, "billing")),
            postgres.drain,
        )
        postgres.drain()
        assert postgres.task(made["billing"]).state == "queued"
        finish(postgres, made["billing"])
        postgres.drain()


def test_a_look_that_began_before_the_second_completion_is_not_the_last(postgres: Desk) -> None:
    """The file is looked at while a completion is on its way: it wakes the file once more."""
    ids = make(postgres, "contract", "credit", "billing")
    postgres.drain()
    finish(postgres, ids["contract"])
    looked, done = threading.Event(), threading.Event()

    def look(tx: Any, row: Any) -> None:
        timers.file_changed(tx, row.key)
        looked.set()
        assert done.wait(20)

    def complete() -> None:
        assert looked.wait(20)
        finish(postgres, ids["credit"])
        done.set()

    together(lambda: drain(postgres.db, {**HANDLERS, "task.file": look}, most=1000), complete)
    postgres.drain()
    assert postgres.task(ids["billing"]).state == "queued"
