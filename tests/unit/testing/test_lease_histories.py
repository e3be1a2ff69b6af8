"""Histories of leases that can have happened, and those that cannot."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from taskhub.testing.leases import ACCEPTED, END, GRANT, REFUSED, REVOKE, UNKNOWN, USE, Call, Step, check, stretches

LONG = 1_000.0


def calls(*told: tuple[Any, ...]) -> list[Call]:
    """(what, agent, token, outcome) one after the other, each at an instant of its own; (…, begun, done) otherwise."""
    made = []
    for number, (what, agent, token, outcome, *window) in enumerate(told):
        begun, done = window or (number, number + 0.5)
        made.append(Call("t", what, agent, token, begun, done, outcome))
    return made


def steps(*told: tuple[str, str | None, str | None]) -> list[Step]:
    """(act, state, agent) of one task, in order."""
    return [Step("t", seq, act, state, agent, seq) for seq, (act, state, agent) in zip(count(1), told, strict=False)]


GOOD = {
    "taken, kept alive, done": [(GRANT, "ann", 1, ACCEPTED), (USE, "ann", 1, ACCEPTED), (END, "ann", 1, ACCEPTED)],
    "given back and taken by another": [
        (GRANT, "ann", 1, ACCEPTED), (END, "ann", 1, ACCEPTED), (GRANT, "bob", 2, ACCEPTED), (END, "bob", 2, ACCEPTED),
    ],
    "a dead token is refused": [
        (GRANT, "ann", 1, ACCEPTED), (REVOKE, "", None, ACCEPTED), (USE, "ann", 1, REFUSED),
        (GRANT, "bob", 5, ACCEPTED), (END, "ann", 1, REFUSED),
    ],
    "an end without a reply may have happened": [
        (GRANT, "ann", 1, ACCEPTED), (END, "ann", 1, UNKNOWN), (GRANT, "bob", 2, ACCEPTED),
    ],
    "an end without a reply may not have happened": [
        (GRANT, "ann", 1, ACCEPTED), (END, "ann", 1, UNKNOWN, 1, LONG), (USE, "ann", 1, ACCEPTED, 2, 3),
    ],
    "a grant without a reply keeps others out until it is ended": [
        (GRANT, "ann", None, UNKNOWN, 0, LONG), (REVOKE, "", None, ACCEPTED, 1, 2), (GRANT, "bob", 2, ACCEPTED, 3, 4),
    ],
    "two calls at once, in the order that explains them": [
        (GRANT, "ann", 1, ACCEPTED, 0, 1), (USE, "ann", 1, REFUSED, 2, 9), (END, "ann", 1, ACCEPTED, 2, 9),
    ],
    "a start sent twice gives the same lease": [
        (GRANT, "ann", 1, ACCEPTED), (GRANT, "ann", 1, ACCEPTED), (END, "ann", 1, ACCEPTED),
    ],
}  # fmt: skip
BAD = {
    "two holders": [(GRANT, "ann", 1, ACCEPTED), (GRANT, "bob", 2, ACCEPTED)],
    "a token that does not grow": [
        (GRANT, "ann", 2, ACCEPTED), (END, "ann", 2, ACCEPTED), (GRANT, "bob", 1, ACCEPTED),
    ],
    "a token given twice": [(GRANT, "ann", 1, ACCEPTED), (END, "ann", 1, ACCEPTED), (GRANT, "ann", 1, ACCEPTED)],
    "a write under a dead token": [
        (GRANT, "ann", 1, ACCEPTED), (REVOKE, "", None, ACCEPTED), (GRANT, "bob", 2, ACCEPTED),
        (USE, "ann", 1, ACCEPTED),
    ],
    "done twice": [(GRANT, "ann", 1, ACCEPTED), (END, "ann", 1, ACCEPTED), (END, "ann", 1, ACCEPTED)],
    "a living token is refused": [(GRANT, "ann", 1, ACCEPTED), (USE, "ann", 1, REFUSED)],
    "held by nobody": [(USE, "ann", 1, ACCEPTED)],
    "overlapping, but no order will do": [
        (GRANT, "ann", 1, ACCEPTED, 0, 1), (END, "ann", 1, ACCEPTED, 2, 9), (END, "ann", 1, ACCEPTED, 2, 9),
    ],
    "the token of a colleague": [(GRANT, "ann", 1, ACCEPTED), (END, "bob", 1, ACCEPTED)],
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_what_can_have_happened_holds(name: str) -> None:
    assert check(calls(*GOOD[name])) == []


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_have_happened_is_told(name: str) -> None:
    assert len(check(calls(*BAD[name]))) == 1


def test_every_task_is_judged_by_itself() -> None:
    good = calls(*GOOD["taken, kept alive, done"])
    other = [Call("u", one.what, "bob", one.token and one.token + 7, one.begun, one.done, one.outcome) for one in good]
    assert check([*good, *other]) == []
    assert check([*good, *other, Call("u", END, "bob", 8, 99, 100)]) == [
        "task u: no order of its 4 calls explains end by bob under 8, accepted"
    ]


QUIET = steps(
    ("create", "queued", None), ("claim", "in_progress", "ann"), ("release", "queued", None),
    ("claim", "in_progress", "bob"), ("complete", "completed", None),
)  # fmt: skip


def test_history_says_who_held_it_when() -> None:
    held, wrong = stretches(QUIET)
    assert wrong == []
    assert [(one.agent, one.since, one.until, one.ended) for one in held["t"]] == [
        ("ann", 2, 3, "release"), ("bob", 4, 5, "complete"),
    ]  # fmt: skip


def test_a_history_of_two_holders_or_of_finished_work_is_told() -> None:
    two = steps(("create", "queued", None), ("claim", "in_progress", "ann"), ("claim", "in_progress", "bob"))
    assert check([], two) == ["task t: claim by bob while ann holds it"]
    done = steps(("create", "queued", None), ("cancel", "cancelled", None), ("claim", "in_progress", "bob"))
    assert check([], done) == ["task t: claim by bob, but it is cancelled"]


def test_calls_and_history_agree() -> None:
    seen = calls(*GOOD["given back and taken by another"])
    assert check(seen, QUIET, live={}) == []
    assert check(seen[:2], QUIET) == ["task t: history knows 2 leases, 1 were given"]
    stranger = [*seen[:2], Call("t", GRANT, "cid", 2, 5, 6), Call("t", END, "cid", 2, 7, 8)]
    assert check(stranger, QUIET) == ["task t: leases were given to ann, cid; history knows ann, bob"]


def test_an_end_that_only_history_knows_explains_the_next_holder() -> None:
    reaped = steps(
        ("create", "queued", None), ("claim", "in_progress", "ann"), ("expire", "queued", None),
        ("claim", "in_progress", "bob"),
    )  # fmt: skip
    seen = calls((GRANT, "ann", 1, ACCEPTED), (GRANT, "bob", 2, ACCEPTED))
    assert check(seen, reaped, live={"t": ("bob", 2)}) == []
    assert len(check(seen)) == 1
    late = [*seen, Call("t", USE, "ann", 1, 9, 10)]
    assert len(check(late, reaped)) == 1


def test_a_lease_that_only_history_knows_explains_its_token_where_the_log_is_not_whole() -> None:
    seen = calls((GRANT, "ann", 1, ACCEPTED), (END, "ann", 1, ACCEPTED), (END, "bob", 2, ACCEPTED))
    assert check(seen, QUIET, whole=False) == []
    assert len(check(seen, QUIET)) == 2
    assert len(check([*seen, Call("t", USE, "ann", 1, 9, 10)], QUIET, whole=False)) == 1


def test_a_lease_that_is_stored_belongs_to_whom_history_says() -> None:
    held = steps(("create", "queued", None), ("claim", "in_progress", "ann"))
    assert check([], held, live={"t": ("ann", 1)}) == []
    assert check([], held, live={}) == ["task t: the lease is with None, history says ann"]
    assert check([], QUIET, live={"t": ("ann", 1)}) == ["task t: the lease is with ann, history says None"]
