"""The checker of holds sees what it is there for: two holders, tokens that do not grow, writes under a dead token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.holds import Step, told
from tests.faults.night import Hold, Wrote

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
QUEUES = {"t": "counter", "d": "drawer"}


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def step(seq: int, seconds: float, act: str, by: str = "worker", **change: Any) -> Step:
    change = {"from" if name == "frm" else name: value for name, value in change.items()}
    return Step(seq, at(seconds), by, act, change)


def claim(seq: int, seconds: float, agent: str, frm: str = "queued") -> Step:
    return step(seq, seconds, "claim", f"agent:{agent}", state="in_progress", frm=frm, agent=agent)


def hold(token: int, seconds: float, agent: str, task: str = "t") -> Hold:
    return Hold(task, QUEUES[task], agent, token, at(seconds + 3), at(seconds - 0.01), at(seconds + 0.01))


def wrote(token: int, seconds: float, agent: str, act: str = "complete", status: int = 200) -> Wrote:
    return Wrote("t", agent, token, act, at(seconds - 0.01), at(seconds + 0.01), status)


EXPIRED = step(3, 4, "expire", state="queued", frm="in_progress", agent=None)
DONE = step(5, 8, "complete", "agent:bob", state="completed", frm="in_progress")
GOOD = [step(1, 0, "create", state="queued"), claim(2, 0.5, "ann"), EXPIRED, claim(4, 6, "bob"), DONE]
HOLDS = [hold(11, 0.5, "ann"), hold(12, 6, "bob")]


def test_an_orderly_history_is_left_alone() -> None:
    writes = [wrote(11, 7, "ann", status=409), wrote(12, 7, "bob", "renew"), wrote(12, 8, "bob")]
    found = told({"t": GOOD}, QUEUES, HOLDS, writes, {"drawer"})
    assert (found.double, found.stale, found.passed_on) == ([], [], [])
    assert found.returned == [0.5]


def test_two_holders_at_once() -> None:
    steps = [GOOD[0], GOOD[1], claim(3, 2, "bob", frm="queued")]
    assert "at once" in told({"t": steps}, QUEUES, [], [], ()).double[0]


def test_a_token_that_does_not_grow() -> None:
    found = told({"t": GOOD}, QUEUES, [hold(12, 0.5, "ann"), hold(11, 6, "bob")], [], ())
    assert found.double == ["token 12 of task t did not grow"]


def test_a_hold_that_history_does_not_know() -> None:
    assert "knows nothing of token 13" in told({"t": GOOD}, QUEUES, [*HOLDS, hold(13, 9, "cy")], [], ()).double[0]


def test_a_write_under_a_dead_token() -> None:
    found = told({"t": GOOD}, QUEUES, HOLDS, [wrote(11, 7, "ann")], ())
    assert found.stale == [
        "complete of task t by ann under token 11 was accepted, but the hold was ended by expire of worker"
    ]


def test_a_renewal_under_a_dead_token() -> None:
    assert "after expire" in told({"t": GOOD}, QUEUES, HOLDS, [wrote(11, 7, "ann", "renew")], ()).stale[0]


def test_a_write_that_left_no_trace() -> None:
    assert "goes on" in told({"t": GOOD[:2]}, QUEUES, HOLDS[:1], [wrote(11, 2, "ann")], ()).stale[0]


def test_started_work_taken_from_its_person_in_a_queue_that_holds() -> None:
    steps = {"d": GOOD[:3], "t": GOOD[:3]}
    assert told(steps, QUEUES, [], [], {"drawer"}).passed_on == ["task d was taken from its person by expire"]
