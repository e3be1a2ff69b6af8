"""Two people come back from leave to a full queue: no flood, and nothing waits beside a hand that is free for it."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from taskhub.agents import service as agents
from taskhub.testing import organisation as org
from tests.service.desk import Desk


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    desk = Desk(database_url, org.policies())
    desk.staff("specialists", "ana", "bob", "cat", capacity=6)
    yield desk
    desk.db.close()


def held(desk: Desk) -> Counter[str]:
    return Counter(row.agent for row in desk.rows_of("contract") if row.state == "assigned")


def test_a_return_is_no_flood(desk: Desk) -> None:
    now = desk.clock.now
    for who in ("ana", "bob"):
        desk.do("admin", agents.add_absence, who, now - timedelta(days=7), now + timedelta(hours=1))
    for _ in range(30):
        desk.make("contract")
    desk.drain()
    assert held(desk) == {"cat": 6}
    desk.forward(hours=1)
    assert held(desk) == {"ana": 3, "bob": 3, "cat": 6}
    desk.forward(hours=2, seconds=1)
    assert held(desk) == {"ana": 6, "bob": 6, "cat": 6}
