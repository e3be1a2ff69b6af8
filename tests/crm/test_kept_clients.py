"""Looks, records read again and webhooks share one client a connection: a log-in serves them all."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import httpx
import pytest

from taskhub.connectors.calling import Caller, Dialect
from taskhub.connectors.login import Standing
from taskhub.connectors.pool import Clients
from taskhub.errors import InvalidInput
from taskhub.flow import CLIENTS, HANDLERS
from tests.crm.days import Day, day

HANDLED = ("connection.look", "record.reread", "webhooks.examine")


def log_ins(one: Day) -> int:
    return sum("oauth2" in path and path.endswith("/token") for _, path, _ in one.fake.gate.calls)


@pytest.mark.parametrize(("system", "by_key"), [("salesforce", False), ("salesforce", True), ("dynamics", False)])
def test_looks_and_a_burst_of_doubts_log_in_once(sqlite_url: str, system: str, *, by_key: bool) -> None:
    with day(system, sqlite_url, by_key=by_key) as one:
        one.begin()
        one.later()
        before = log_ins(one)
        for _ in range(2):
            one.later()
        with one.db.begin() as tx:
            for number in range(5):
                id_ = f"00Q5f00000{number:05d}EAA" if system == "salesforce" else str(uuid.UUID(int=number))
                tx.emit("record.dirty", f"lead:crm:{id_}", {"connection": "crm", "born": False})
        calls = len(one.fake.gate.calls)
        one.work()
        assert len(one.fake.gate.calls) >= calls + 5
        assert (before > 0, log_ins(one)) == (True, before)


def test_a_session_that_ended_meanwhile_is_renewed_once(sqlite_url: str) -> None:
    with day("salesforce", sqlite_url) as one:
        one.begin()
        assert log_ins(one) == 1
        one.fake.sessions.clear()  # type: ignore[union-attr]
        one.later()
        one.later()
        assert log_ins(one) == 2


def test_all_handlers_that_call_share_the_clients_of_the_process() -> None:
    reached = [HANDLERS[name]._connect for name in HANDLED]  # type: ignore[union-attr]
    given = [HANDLERS[name]._clients for name in ("crm.work", "crm.ask")]  # type: ignore[union-attr]
    assert [one.__self__ for one in reached] == [CLIENTS] * 3
    assert given == [CLIENTS] * 2


def test_nobody_is_reached_where_nothing_is_set_and_what_cannot_be_read_is_told(sqlite_url: str, tmp_path: Any) -> None:
    with day("salesforce", sqlite_url) as one:
        known = one.environ
        assert Clients(environ={}).reaching(one.connection) is None
        pool = Clients(environ=known)
        assert pool.reaching(one.connection) is pool.reaching(one.connection) is pool.of(one.connection)
        lost = {**known, "CLIENT_SECRET_FILE": str(tmp_path / "none")}
        with pytest.raises(InvalidInput, match="cannot be read"):
            Clients(environ=lost).reaching(one.connection)
        pool.close()


def test_each_thread_reads_by_the_clock_of_its_own_answers() -> None:
    hours = iter(("10", "11"))
    answers = httpx.MockTransport(
        lambda _: httpx.Response(200, headers={"date": f"Mon, 02 Mar 2026 {next(hours)}:00:00 GMT"}, json={})
    )
    caller = Caller(
        "crm", Standing("https://crm.example", "x-key", "k" * 9), Dialect(lambda _: None, str), transport=answers
    )
    caller.call("GET", "/")
    seen: list[Any] = []

    def other() -> None:
        seen.append(caller.at)
        caller.call("GET", "/")
        seen.append(caller.at)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert [at and at.hour for at in (*seen, caller.at)] == [None, 11, 10]
    caller.close()
