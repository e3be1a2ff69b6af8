"""The second look: made with the completion, never by who did it; right lets go, wrong brings back."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from taskhub.acts import completed, undo
from taskhub.agents import service as agents
from taskhub.assignment import service as assignment
from taskhub.db.tables import agent, exclusion
from taskhub.errors import Conflict, InvalidInput, NotEligible
from taskhub.policy.rule import Condition, Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

Opened = Callable[..., Desk]


def looked_at(**how: Any) -> Rule:
    """Every contract is looked at again, unless ``how`` says otherwise."""
    made = TaskTemplate("look", "Look again", **({"not_by": "completer", "blocking": True} | how))
    return Rule("look", ("task.completed",), when=(Condition("task.kind", "eq", "contract"),), tasks=(made,))


ARCHIVE = Rule(
    "archive", ("task.completed",), when=(Condition("task.kind", "eq", "contract"),), tasks=(TaskTemplate("archive"),)
)


@pytest.fixture
def opened(database_url: str) -> Iterator[Opened]:
    """Opens desks on a database, and closes them."""
    with ExitStack() as closing:

        def open_(*rules: Rule) -> Desk:
            desk = desk_with(database_url, *rules)
            closing.callback(desk.db.close)
            return desk

        yield open_


def desk_with(url: str, *rules: Rule, people: tuple[str, ...] = ("ana", "bob")) -> Desk:
    queues = (org.queue("desk", mode="pull"),)
    kinds = [Kind(key, LocalText(key.capitalize()), "desk") for key in ("contract", "look", "archive", "billing")]
    desk = Desk(url, org.policies(queues=queues, kinds=kinds, rules=rules))
    desk.staff("specialists", *people)
    return desk


def done(desk: Desk, who: str, **facts: Any) -> str:
    """A contract completed by that person."""
    id_, token = desk.started(who, "contract", **facts)
    desk.do(who, completed.complete, id_, token, "signed")
    return id_


def verdict(desk: Desk, who: str, outcome: str, note: str | None = None) -> str:
    """That person takes the check and says what they found."""
    (check,) = [row for row in desk.rows_of("look") if row.state == "queued"]
    given = desk.do(who, assignment.claim_one, check.id, "my turn to check")
    desk.do(who, completed.complete, check.id, given.lease.token, outcome, note)
    desk.drain()
    return str(check.id)


def test_a_check_is_there_in_the_transaction_of_the_completion(opened: Opened) -> None:
    desk = opened(looked_at(), ARCHIVE)
    first = done(desk, "ana", file="deal:D1")
    (check,) = desk.rows_of("look")
    assert (check.checks, check.blocking, check.state, check.parent) == (first, True, "queued", first)
    assert [(row.agent, row.why) for row in desk.rows(exclusion, task=check.id)] == [("ana", "not_by")]
    desk.drain()
    assert len(desk.rows_of("look")) == 1
    assert desk.rows_of("archive") == []


def test_four_eyes_hold_on_every_way_of_giving_it(opened: Opened) -> None:
    desk = opened(looked_at())
    done(desk, "ana")
    desk.drain()
    (check,) = desk.rows_of("look")
    assert desk.claim("ana").reason == "nothing_eligible"
    with pytest.raises(NotEligible):
        desk.do("ana", assignment.claim_one, check.id, "quick")
    with pytest.raises(NotEligible):
        desk.do("admin", assignment.assign, check.id, "ana")
    given = desk.claim("bob")
    assert given.task.id == check.id
    with pytest.raises(NotEligible):
        desk.do("bob", assignment.hand_over, check.id, "ana", None, given.lease.token)


def test_right_lets_go_what_waited(opened: Opened) -> None:
    desk = opened(looked_at(), ARCHIVE)
    after = desk.make("billing", file="deal:D1", waits_for=("contract",))
    first = done(desk, "ana", file="deal:D1")
    waits = desk.make("billing", file="deal:D1", waits_for=("contract",))
    desk.drain()
    (check,) = desk.rows_of("look")
    assert {(desk.task(id_).state, *desk.task(id_).blocked_by) for id_ in (after, waits)} == {("blocked", check.id)}
    verdict(desk, "bob", "right")
    assert desk.task(first).state == "completed"
    assert {desk.task(id_).state for id_ in (after, waits)} == {"queued"}
    assert [row.parent for row in desk.rows_of("archive")] == [first]


def test_what_waits_for_open_work_waits_on_for_its_check(opened: Opened) -> None:
    desk = opened(looked_at())
    id_, token = desk.started("ana", "contract", file="deal:D1")
    waits = desk.make("billing", file="deal:D1", waits_for=("contract",))
    desk.do("ana", completed.complete, id_, token)
    desk.drain()
    assert desk.task(waits).state == "blocked"
    verdict(desk, "bob", "wrong", "The amount is that of the offer")
    assert desk.task(waits).state == "blocked"
    assert desk.task(waits).blocked_by == [id_]


def test_wrong_brings_the_work_back_to_its_person_with_the_reason(opened: Opened) -> None:
    desk = opened(looked_at(), ARCHIVE)
    first = done(desk, "ana")
    check = verdict(desk, "bob", "wrong", "The signature is missing")
    back = desk.task(first)
    assert (back.state, back.agent, back.outcome) == ("assigned", "ana", None)
    assert "The signature is missing" in str(back.note)
    (row,) = desk.history(first, "reopen")
    assert row["change"]["reason"] == "The signature is missing"
    assert desk.rows_of("archive") == []
    desk.forward(minutes=20)
    desk.do("ana", completed.complete, first, desk.do("ana", tasks.start, first)[1].token)
    desk.drain()
    again = [row for row in desk.rows_of("look") if row.id != check]
    assert [(row.checks, row.state) for row in again] == [(first, "queued")]
    assert desk.rows_of("archive") == []
    verdict(desk, "bob", "right")
    assert len(desk.rows_of("archive")) == 1


def test_without_blocking_nothing_waits(opened: Opened) -> None:
    desk = opened(looked_at(blocking=False), ARCHIVE)
    first = done(desk, "ana")
    desk.drain()
    assert len(desk.rows_of("archive")) == 1
    verdict(desk, "bob", "right")
    assert (desk.task(first).state, len(desk.rows_of("archive"))) == ("completed", 1)


def test_a_verdict_is_right_or_wrong_and_wrong_has_a_reason(opened: Opened) -> None:
    desk = opened(looked_at())
    done(desk, "ana")
    desk.drain()
    given = desk.claim("bob")
    for outcome, note, code in (("done", None, "unknown_outcome"), (None, None, "unknown_outcome"),
                                ("wrong", None, "reason_missing"), ("wrong", "  ", "reason_missing")):  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            desk.do("bob", completed.complete, given.task.id, given.lease.token, outcome, note)
        assert refused.value.stable_code == code
    assert desk.task(given.task.id).state == "in_progress"


def test_undo_and_reopening_close_a_check_nobody_has_begun(opened: Opened) -> None:
    desk = opened(looked_at())
    for again in (lambda id_: desk.do("admin", assignment.reopen, id_, "once more"), lambda _id: _undo(desk, "ana")):
        first = done(desk, "ana")
        desk.drain()
        again(first)
        desk.drain()
        assert desk.task(first).is_open
        assert {row.state for row in desk.rows_of("look") if row.checks == first} == {"cancelled"}


def test_a_completion_somebody_looks_at_is_not_undone(opened: Opened) -> None:
    desk = opened(looked_at())
    done(desk, "ana")
    desk.drain()
    desk.claim("bob")
    with pytest.raises(Conflict) as refused:
        _undo(desk, "ana")
    assert refused.value.stable_code == "changed_since"


def test_a_cancelled_check_lets_go_what_waited(opened: Opened) -> None:
    desk = opened(looked_at(), ARCHIVE)
    done(desk, "ana")
    desk.drain()
    (check,) = desk.rows_of("look")
    desk.do("admin", tasks.cancel, check.id, "nobody to look")
    desk.drain()
    assert len(desk.rows_of("archive")) == 1


def test_all_work_of_who_is_learning_the_kind_is_checked(opened: Opened) -> None:
    desk = opened(looked_at(share=0.000001, blocking=False))
    done(desk, "ana")
    desk.drain()
    assert desk.rows_of("look") == []
    with desk.as_("admin") as tx:
        tx.conn.execute(agent.update().where(agent.c.key == "ana").values(learning=["contract"]))
    done(desk, "ana")
    done(desk, "bob")
    desk.drain()
    (check,) = desk.rows_of("look")
    assert [row.agent for row in desk.rows(exclusion, task=check.id)] == ["ana"]


def test_a_colleague_who_goes_by_the_completers_key_is_not_shut_out(opened: Opened) -> None:
    desk = opened(looked_at())
    desk.do("admin", agents.patch_agent, "bob", {"external_ids": {"crm": "ana"}})
    done(desk, "ana")
    (check,) = desk.rows_of("look")
    assert [row.agent for row in desk.rows(exclusion, task=check.id)] == ["ana"]


def _undo(desk: Desk, who: str) -> None:
    with desk.as_(who, "act.undo") as tx:
        last = next(one for one in undo.list_acts(tx) if one["kind"] == "task.act")
        undo.undo(tx, last["id"])
