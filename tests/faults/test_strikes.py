"""Armed failpoints strike where and when they were told to, and a process that is none of theirs is left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskhub.db.interruption import Interrupted
from taskhub.failpoints import arm, failpoint
from tests.faults import strikes
from tests.faults.strikes import EXIT_CODE, Armed, Strike, Struck


@pytest.fixture(autouse=True)
def disarmed() -> None:
    arm(None)


def test_the_chosen_pass_strikes_and_no_other() -> None:
    arm(Armed([Strike.parse("tx.rung:2:raise")]))
    try:
        failpoint("tx.rung")
        failpoint("tx.opened")
        with pytest.raises(Struck, match=r"tx\.rung"):
            failpoint("tx.rung")
        failpoint("tx.rung")
    finally:
        arm(None)


def test_busy_looks_like_a_database_that_cannot_now() -> None:
    with pytest.raises(Interrupted):
        Armed([Strike.parse("tx.opened:1:busy")])("tx.opened")


@pytest.mark.parametrize("action", ["exit", "kill"])
def test_a_struck_process_ends_and_says_where(tmp_path: Path, action: str) -> None:
    notes = tmp_path / "notes"
    pid = os.fork()
    if not pid:
        arm(Armed([Strike("tx.rung", 2, action)], notes))
        for _ in range(3):
            failpoint("tx.rung")
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == {"exit": EXIT_CODE, "kill": -9}[action]
    assert strikes.struck(notes) == {"tx.rung": 1}
    assert strikes.passed(notes) == {"tx.rung"}


@pytest.mark.parametrize("text", ["rung:1", "tx.rung", "tx.rung:0", "tx.rung:x", "tx.rung:1:explode"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"NAME:nth"):
        Strike.parse(text)
