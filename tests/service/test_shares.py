"""Shares stay exact whoever is quicker: what is taken before it was drawn counts, and nobody is in two pools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from taskhub.acts import lending, staffing
from taskhub.assignment import service as assignment
from taskhub.assignment.models.lanes import cycle
from taskhub.assignment.queries.pools import QUEUED
from taskhub.db.tables import loan, pool_state, shape
from taskhub.db.tables import task as task_table
from taskhub.errors import Conflict
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.queues import service as queues
from taskhub.tasks import service as tasks
from taskhub.tasks.shape import Shape
from taskhub.testing import organisation as org
from tests.service.desk import Desk

WEIGHTS = {"red": 1, "blue": 1}


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    share = org.queue(
        "pull", mode="pull", calendar="always", teams=("red", "blue"), staffing=Staffing("share", {"weights": WEIGHTS})
    )
    plain = org.queue(
        "plain", mode="pull", calendar="always", teams=("red", "blue", "help"), staffing=Staffing("rotating")
    )
    kinds = [Kind(key, LocalText(key), key) for key in ("pull", "plain")]
    made = Desk(database_url, org.policies(queues=[share, plain], kinds=kinds))
    made.staff("red", "ann", "rob", capacity=50)
    made.staff("blue", "bob", capacity=50)
    made.staff("help", "hal", capacity=50)
    made.drain()
    yield made
    made.db.close()


def lanes(desk: Desk) -> Counter[str]:
    named = {row.id: Shape.parse(row.text).lane for row in desk.rows(shape, queue="pull")}
    return Counter(named[row.shape] for row in desk.rows(task_table, queue="pull"))


def facts(desk: Desk) -> Any:
    return desk.rows(pool_state, queue="pull")[0].facts


def test_work_taken_before_it_was_drawn_counts_for_its_takers_pool(desk: Desk) -> None:
    for _ in range(3):
        desk.make("pull")
        assert desk.claim("ann", ["pull"]).task is not None  # nobody has drawn it yet
    for _ in range(5):
        desk.make("pull")
    desk.drain()
    assert lanes(desk) == {"red": 4, "blue": 4}
    assert facts(desk)["counts"] == {"blue": 4, "red": 4}
    desk.drain()
    desk.make("pull")
    desk.drain()
    assert facts(desk)["drawn"] == 9


def test_it_counts_once_also_when_it_has_come_back_and_was_drawn(desk: Desk) -> None:
    id_ = desk.make("pull")
    taken = desk.claim("ann", ["pull"])
    desk.do("ann", tasks.release, id_, "no", taken.lease.token)
    desk.drain()
    assert facts(desk)["drawn"] == 1
    for _ in range(3):
        desk.make("pull")
    desk.drain()
    assert lanes(desk) == {"red": 2, "blue": 2}
    assert {row.state for row in desk.rows(task_table, queue="pull")} == {QUEUED}


def test_a_gift_by_hand_to_somebody_of_no_pool_counts_for_nobody(desk: Desk) -> None:
    id_ = desk.make("pull")
    desk.do("admin", assignment.assign, id_, "hal")
    desk.make("pull")
    desk.make("pull")
    desk.drain()
    assert facts(desk)["counts"] == {"blue": 1, "red": 1}


def test_figures_of_before_go_on_from_where_they_were(desk: Desk) -> None:
    for _ in range(3):
        desk.make("pull")
    desk.drain()
    row = cycle(tuple(sorted(WEIGHTS.items())))
    with desk.as_("worker") as tx:
        old = {"model": "share", "weights": WEIGHTS, "drawn": 3}
        tx.conn.execute(pool_state.update().where(pool_state.c.queue == "pull").values(facts=old))
    desk.make("pull")
    desk.drain()
    assert facts(desk)["counts"] == dict(Counter(row[n % len(row)] for n in range(4)))


def lend(desk: Desk, who: str, queue: str = "pull") -> Any:
    return desk.do("admin", lambda tx: lending.lend(tx, who, queues.named(tx, queue), None, tx.now.replace(hour=23)))


def test_nobody_is_lent_into_a_share_they_have_a_part_of(desk: Desk) -> None:
    with pytest.raises(Conflict) as refused:
        lend(desk, "ann")
    assert (refused.value.stable_code, refused.value.fields["pool"]) == ("in_share_pool", "red")
    with desk.db.read() as tx, pytest.raises(Conflict):
        lending.preview(tx, "ann", queues.named(tx, "pull"), None, tx.now.replace(hour=23))
    assert desk.rows(loan) == []
    made, _ = lend(desk, "hal")
    assert made.queue == "pull"
    lend(desk, "ann", "plain")


def test_a_queue_is_not_switched_to_a_share_while_one_of_its_people_is_lent_to_it(desk: Desk) -> None:
    lend(desk, "hal", "plain")
    asked = {"model": "share", "params": {"weights": {"help": 1, "blue": 1}}}
    with pytest.raises(Conflict) as refused:
        desk.do("admin", lambda tx: staffing.switch(tx, tx.policies.queues["plain"], asked, "now"))
    assert (refused.value.stable_code, refused.value.fields["agents"]) == ("in_share_pool", ["hal"])
    others = {"model": "share", "params": {"weights": {"red": 1, "blue": 1}}}
    desk.do("admin", lambda tx: staffing.switch(tx, tx.policies.queues["plain"], others, "now"))
