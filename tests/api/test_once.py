"""Idempotency-Key: the act happens once, on both databases, also when the twin comes at the same moment."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from taskhub.db import idempotency as kept
from taskhub.db.tables import idempotency, task
from tests.api.client import code
from tests.api.house import House

TASKS = "/api/v1/tasks"


def rows(house: House) -> int:
    with house.db.begin() as tx:
        return int(tx.conn.execute(select(func.count()).select_from(idempotency)).scalar_one())


def made(house: House) -> int:
    with house.db.begin() as tx:
        return int(tx.conn.execute(select(func.count()).select_from(task)).scalar_one())


def test_the_second_call_gets_the_first_reply(any_house: House) -> None:
    body = {"kind": "contract", "title": "Once"}
    first = any_house.of("admin").post(TASKS, body, headers={"idempotency-key": "k1"})
    again = any_house.of("admin").post(TASKS, body, headers={"idempotency-key": "k1"})
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert made(any_house) == 1


def test_the_same_key_claims_the_same_task(any_house: House) -> None:
    any_house.task()
    any_house.task()
    key = {"idempotency-key": "claim-1"}
    zoe = any_house.of("zoe")
    first, again = zoe.post(f"{TASKS}/claim", headers=key), zoe.post(f"{TASKS}/claim", headers=key)
    assert first.json() == again.json()
    other = zoe.post(f"{TASKS}/claim", headers={"idempotency-key": "claim-2"})
    assert other.json()["task"]["id"] != first.json()["task"]["id"]


def test_nothing_to_claim_is_not_kept(any_house: House) -> None:
    key = {"idempotency-key": "claim-1"}
    assert any_house.of("zoe").post(f"{TASKS}/claim", headers=key).json()["task"] is None
    assert rows(any_house) == 0
    any_house.task()
    assert any_house.of("zoe").post(f"{TASKS}/claim", headers=key).json()["task"]


def test_refusals_are_not_kept(any_house: House) -> None:
    key = {"idempotency-key": "k"}
    assert code(any_house.of("admin").post(TASKS, {"kind": "nonsense", "title": "x"}, headers=key))[0] == 422
    assert code(any_house.of("auditor").post(TASKS, {"kind": "contract", "title": "x"}, headers=key))[0] == 403
    assert rows(any_house) == 0
    assert any_house.of("admin").post(TASKS, {"kind": "contract", "title": "x"}, headers=key).status_code == 201


def test_the_same_key_with_another_request_is_refused(any_house: House) -> None:
    key = {"idempotency-key": "k"}
    admin = any_house.of("admin")
    one, two = any_house.task(), any_house.task()
    admin.ok("POST", f"{TASKS}/{one}/cancel", {"reason": "no"}, headers=key)
    reused = (422, "idempotency_key_reused")
    assert code(admin.post(f"{TASKS}/{one}/cancel", {"reason": "because"}, headers=key)) == reused
    assert code(admin.post(f"{TASKS}/{two}/cancel", {"reason": "no"}, headers=key)) == reused
    assert admin.ok("GET", f"{TASKS}/{two}")["state"] == "queued"


def test_a_key_belongs_to_its_caller_and_route(any_house: House) -> None:
    key = {"idempotency-key": "k"}
    body = {"kind": "contract", "title": "x"}
    any_house.of("admin").ok("POST", TASKS, body, headers=key)
    any_house.of("zoe").ok("POST", TASKS, body, headers=key)
    any_house.of("admin").ok("POST", "/api/v1/teams", {"key": "t", "name": "T", "kind": "specialist"}, headers=key)
    assert made(any_house) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é"])
def test_a_key_has_a_form(house: House, key: str) -> None:
    answer = house.of("admin").post(
        TASKS, {"kind": "contract", "title": "x"}, headers={b"idempotency-key": key.encode()}
    )
    assert code(answer) == (422, "bad_idempotency_key")


def test_twins_at_the_same_moment_do_it_once(any_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is held inside its act until the second has come; the second waits for its outcome."""
    from taskhub.api import tasks as routes

    inside, create = threading.Event(), routes.tasks.create

    def slowly(*args: object) -> object:
        inside.set()
        time.sleep(0.3)
        return create(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(routes.tasks, "create", slowly)
    body, key = {"kind": "contract", "title": "Twins"}, {"idempotency-key": "twin"}
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(any_house.of("admin").post, TASKS, body, headers=key)
        assert inside.wait(5)
        twins = [pool.submit(any_house.of("admin").post, TASKS, body, headers=key) for _ in range(3)]
        answers = [one.result(20) for one in (first, *twins)]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.content for answer in answers}) == 1
    assert made(any_house) == 1


def test_a_twin_of_a_failure_tries_itself(any_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from taskhub.api import tasks as routes

    inside, create = threading.Event(), routes.tasks.create

    def failing_first(*args: object) -> object:
        if inside.is_set():
            return create(*args)  # type: ignore[arg-type]
        inside.set()
        time.sleep(0.3)
        raise RuntimeError

    monkeypatch.setattr(routes.tasks, "create", failing_first)
    body, key = {"kind": "contract", "title": "Twins"}, {"idempotency-key": "twin"}
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(any_house.of("admin").post, TASKS, body, headers=key)
        assert inside.wait(5)
        second = pool.submit(any_house.of("admin").post, TASKS, body, headers=key)
        assert (first.result(20).status_code, second.result(20).status_code) == (500, 201)
    assert made(any_house) == 1


def test_secrets_are_never_stored(any_house: House) -> None:
    key = {"idempotency-key": "k"}
    first = any_house.of("admin").ok("POST", "/api/v1/agents/zoe/keys", {"name": "phone"}, headers=key)
    again = any_house.of("admin").post("/api/v1/agents/zoe/keys", {"name": "phone"}, headers=key)
    assert code(again) == (409, "already_done")
    assert again.json()["id"] == first["id"]
    with any_house.db.begin() as tx:
        stored = bytes(tx.conn.execute(select(idempotency.c.reply)).scalar_one())
    assert first["key"].encode() not in stored
    assert first["key"][-64:].encode() not in stored


def test_replies_are_forgotten_after_a_day(any_house: House) -> None:
    body, key = {"kind": "contract", "title": "x"}, {"idempotency-key": "k"}
    any_house.of("admin").ok("POST", TASKS, body, headers=key)
    with any_house.db.begin() as tx:
        tx.conn.execute(update(idempotency).values(at=tx.real_now - timedelta(hours=24, seconds=1)))
    any_house.of("admin").ok("POST", TASKS, {**body, "title": "another"}, headers=key)
    assert made(any_house) == 2
    with any_house.db.begin() as tx:
        assert kept.forget(tx.conn, tx.real_now, limit=10) == (0, False)
        assert kept.forget(tx.conn, tx.real_now + timedelta(days=2), limit=10) == (1, False)


def test_tries_of_the_calendar_write_nothing_and_keep_nothing(any_house: House) -> None:
    body = {"calendar": "office", "start": "2026-01-05T00:00:00Z", "budget_s": 3600}
    any_house.of("zoe").ok("POST", "/api/v1/calendars/preview", body, headers={"idempotency-key": "k"})
    assert rows(any_house) == 0
