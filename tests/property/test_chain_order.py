"""Chains: whether a change came before or after the work of an older one was done, the same work is open in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from taskhub.events.model import Event, Version
from taskhub.policy.rule import Condition, Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind
from taskhub.rules.effects import applies_to
from taskhub.rules.model import COMPLETED, MAX_DEPTH, TaskDraft, TaskFacts
from taskhub.rules.plan import plan_for_completion
from tests.property import test_order_independence as order

KINDS = {**order.KINDS, **{key: Kind(key, LocalText(key), "desk") for key in ("call", "letter", "filed")}}


def _of(*kinds: str) -> Condition:
    return Condition("task.kind", "in", kinds)


CHAIN = (
    Rule("call", (COMPLETED,), when=(_of("qualify", "offer"),), tasks=(TaskTemplate("call"),)),
    Rule("letter", (COMPLETED,), when=(_of("call"),), tasks=(TaskTemplate("letter"),)),
    Rule("filed", (COMPLETED,), when=(_of("letter"),), close=("qualify", "offer", "check")),
)


@dataclass
class Chained(order.Desk):
    """Work is done at once, as soon as it is there: each completion leads on, whatever has happened meanwhile."""

    done: dict[str, datetime] = field(default_factory=dict)

    def complete(self, at: datetime) -> None:
        """Everything that is there and not done is done now, and what it leads to comes into being."""
        for origin, draft in list(self.tasks.items()):
            if origin not in self.done and draft.kind in ("qualify", "offer", "call", "letter"):
                self.done[origin] = at
                self._lead_on(origin, draft, at)

    def _lead_on(self, origin: str, draft: TaskDraft, at: datetime) -> None:
        facts = TaskFacts(
            origin, draft.kind, at, record=draft.record, file=draft.file, lead=draft.lead, deal=draft.deal,
            data=draft.data, depth=draft.depth, version=draft.version,
        )  # fmt: skip
        made = plan_for_completion(facts, {}, CHAIN, KINDS)
        self.remembered += [*made.closings, *made.completions]
        self.tasks |= {one.origin: one for one in made.drafts}

    def outcome(self) -> Any:
        """What every task is, under which version, and what ends it; completions are known by their work alone."""
        ended = [applies_to(self.remembered, draft) for draft in self.tasks.values()]
        return sorted(
            (one.kind, one.rule, one.depth, one.version, end is None, end and end.version)
            for one, end in zip(self.tasks.values(), ended, strict=True)
        )


@settings(max_examples=300)
@given(order.histories(), st.data())
def test_it_does_not_matter_when_the_work_of_a_change_was_done(
    history: tuple[list[Event], list[int]], data: st.DataObject
) -> None:
    events, _ = history
    quick, slow, mixed = Chained(), Chained(), Chained()
    for number, event in enumerate(events):
        late = order.START + timedelta(days=30, hours=number)
        quick.deliver(event)
        slow.deliver(event)
        mixed.deliver(event)
        for _ in range(MAX_DEPTH):
            quick.complete(event.occurred_at)
        if data.draw(st.booleans()):
            mixed.complete(late)
    for desk in (quick, slow, mixed):
        for _ in range(MAX_DEPTH):
            desk.complete(order.START + timedelta(days=60))
    assert slow.outcome() == quick.outcome() == mixed.outcome()


@given(st.integers(0, 4), st.text("0123456789abcdef", min_size=4, max_size=4))
def test_a_link_is_newer_than_its_task_and_older_than_every_later_change(links: int, tie: str) -> None:
    own = Version(order.START, tie)
    row = [own]
    for _ in range(links):
        row.append(row[-1].linked)
    assert row == sorted(set(row))
    assert all(one < Version(order.START + timedelta(microseconds=1), "") for one in row)
    assert all(one < Version(order.START, f"{tie[:-1]}{chr(ord(tie[-1]) + 1)}") for one in row)
