"""Work follows its rule: a clock that counts from when it happened, a level the rule no longer asks for."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from taskhub.policy.policies import Policies
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

EARLY = Rule("early", ("deal.won",), tasks=(TaskTemplate("billing", level=4),), sla_from="occurred_at")


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    desk = Desk(database_url, org.policies(rules=(EARLY,)))
    desk.staff("front", "ana", "bob")
    desk.staff("specialists", "sue")
    yield desk
    desk.db.close()


def adopt(desk: Desk, set_: Policies) -> None:
    desk.adopt(set_)
    desk.forward(seconds=11)


def test_a_promise_that_counts_from_when_it_happened_does_so_for_work_that_had_to_wait(desk: Desk) -> None:
    now = desk.clock.now
    first, token = desk.started("sue", "contract", file="deal:D1")
    facts = {"file": "deal:D1", "waits_for": ("contract",), "occurred_at": now, "rule": "early"}
    waits = desk.make("billing", **facts, sla_from="occurred_at")
    plain = desk.make("billing", file="deal:D1", waits_for=("contract",), occurred_at=now)
    desk.forward(minutes=20)
    desk.do("sue", tasks.complete, first, token)
    desk.drain()
    assert [desk.task(id_).state for id_ in (waits, plain)] == ["queued", "queued"]
    assert desk.clock_of(waits).started_at == now
    assert desk.task(waits).due_at == now + timedelta(hours=4)
    assert desk.task(plain).due_at == now + timedelta(hours=4, minutes=20)


@pytest.mark.parametrize(("rules", "level"), [((), 1), ((EARLY,), 4)])
def test_a_level_goes_with_the_rule_that_raised_it(desk: Desk, rules: tuple[Rule, ...], level: int) -> None:
    ruled = desk.make("billing", rule="early", level=4, requires={"language": "de"})
    by_hand = desk.make("billing", level=4)
    adopt(desk, org.replace(desk.policies, hash="second", rules=rules))
    assert (desk.task(ruled).level, desk.task(by_hand).level) == (level, 4)
    assert desk.task(ruled).requires == {"language": "de"}


def test_a_level_follows_the_most_its_rule_asks_for_now(desk: Desk) -> None:
    ruled = desk.make("billing", rule="early", level=4)
    lower = Rule("early", ("deal.won",), tasks=(TaskTemplate("billing", level=2),))
    adopt(desk, org.replace(desk.policies, hash="second", rules=(lower,)))
    assert desk.task(ruled).level == 2
