"""Which work of two records is the same work: what one rule asked for once for each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.tasks.joining import moved
from taskhub.tasks.model import ASSIGNED, COMPLETED, IN_PROGRESS, PAUSED, QUEUED, Task
from taskhub.tasks.twins import twins

T0 = datetime(2026, 5, 4, 9, tzinfo=UTC)


def task(id_: str, minutes: int = 0, **more: Any) -> Task:
    said = {"id": id_, "rule": "called", "kind": "call", "state": QUEUED, "waits_for": []}
    made = {"created_at": T0 + timedelta(minutes=minutes)}
    return Task(**{**dict.fromkeys(Task.__slots__), **said, **made, **more})


def ids(came: list[Task], there: list[Task]) -> list[tuple[str, str]]:
    return [(pair.stays.id, pair.goes.id) for pair in twins(came, there)]


def test_what_was_there_stays_unless_the_other_was_begun() -> None:
    assert ids([task("new")], [task("old")]) == [("old", "new")]
    assert ids([task("new", state=ASSIGNED)], [task("old")]) == [("old", "new")]
    for state in (IN_PROGRESS, PAUSED):
        assert ids([task("new", state=state)], [task("old")]) == [("new", "old")]
    given_back = task("new", started_at=T0)
    assert ids([given_back], [task("old")]) == [("new", "old")]
    assert ids([given_back], [task("old", started_at=T0)]) == []


@pytest.mark.parametrize(
    "other",
    [{"rule": "else"}, {"kind": "else"}, {"rule": None}, {"state": COMPLETED}, {"checks": "t"}, {"sla": "else"},
     {"waits_for": ["call"]}],
)  # fmt: skip
def test_other_work_is_other_work(other: dict[str, Any]) -> None:
    assert ids([task("new", **other)], [task("old")]) == []
    assert ids([task("new")], [task("old", **other)]) == []


def test_by_hand_is_never_the_same() -> None:
    assert ids([task("new", rule=None)], [task("old", rule=None)]) == []


def test_two_of_a_kind_meet_in_the_order_in_which_they_were_made() -> None:
    came = [task("n2", 2), task("n1", 1), task("n3", 3)]
    assert ids(came, [task("o2", 9), task("o1", 0)]) == [("o1", "n1"), ("o2", "n2")]


def test_only_the_columns_that_name_it_move() -> None:
    one = task("t", record="lead:a", lead="a", customer="account:a", deal="a")
    assert moved(one, "lead:a", "lead:b") == {"record": "lead:b", "lead": "b"}
    assert moved(one, "account:a", "account:b") == {"customer": "account:b"}
    assert moved(one, "deal:a", "deal:b") == {"deal": "b"}
    assert moved(one, "contact:a", "contact:b") == {}
