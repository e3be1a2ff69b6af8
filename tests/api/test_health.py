"""Health, metrics and the live stream."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.api.client import code
from tests.api.house import House


def looked(house: House) -> None:
    """As if a worker had just looked."""
    from taskhub.db import sweep

    with house.db.begin() as tx:
        sweep.beat(tx.conn, tx.real_now, every=timedelta())


def revision(house: House, number: str) -> None:
    with house.db.begin() as tx:
        tx.conn.execute(text("UPDATE alembic_version SET version_num = :number"), {"number": number})


def test_alive_and_ready(any_house: House) -> None:
    assert any_house.client.ok("GET", "/healthz")["status"] == "ok"
    looked(any_house)
    revision(any_house, head())
    assert any_house.client.ok("GET", "/readyz") == {"status": "ready", "problems": {}}


def head() -> str:
    from alembic.script import ScriptDirectory

    from taskhub.db import migrate

    return str(ScriptDirectory.from_config(migrate._config()).get_current_head())


def test_without_workers_it_serves_and_says_so(any_house: House) -> None:
    said = any_house.client.ok("GET", "/readyz")
    assert (said["status"], list(said["problems"])) == ("degraded", ["workers"])
    assert "start 'taskhub worker'" in said["problems"]["workers"]


def test_a_database_file_that_is_gone_is_noticed(house: House) -> None:
    """Whoever has it open reads and writes on, into nothing."""
    looked(house)
    revision(house, head())
    Path(house.db.url.removeprefix("sqlite:///")).unlink()
    answer = house.client.get("/readyz")
    assert answer.status_code == 503
    assert "is gone" in answer.json()["problems"]["database"]


def test_not_ready_says_why(house: House) -> None:
    looked(house)
    house.state.checks = {"worker": lambda: "no answer", "other": lambda: None}
    answer = house.client.get("/readyz")
    assert (answer.status_code, answer.json()["problems"]) == (503, {"worker": "no answer"})


def test_redis_away_is_degraded_and_ready(house: House) -> None:
    from taskhub.bell import Bell

    looked(house)
    bell = Bell("redis://127.0.0.1:1/0")
    house.state.cautions = {"redis": bell.problem}
    said = house.client.ok("GET", "/readyz")
    assert said["status"] == "degraded"
    assert said["problems"]["redis"].startswith("Redis does not answer (ConnectionError)")
    assert Bell().problem() is None


def test_older_tables_are_not_ready_newer_ones_are(any_house: House) -> None:
    """While old and new code run side by side, the new has upgraded the tables already."""
    looked(any_house)
    revision(any_house, "0001")
    answer = any_house.client.get("/readyz")
    assert answer.status_code == 503
    assert "Run 'taskhub db upgrade'" in answer.json()["problems"]["tables"]
    revision(any_house, "9999")
    assert any_house.client.ok("GET", "/readyz")["status"] == "ready"


@pytest.mark.parametrize(("free", "status"), [(400, 200), (10, 503)])
def test_a_disk_that_fills_up_is_told_in_time(
    house: House, monkeypatch: pytest.MonkeyPatch, free: int, status: int
) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")  # noqa: PYI024
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage(10**12, 0, free * 2**20))
    looked(house)
    answer = house.client.get("/readyz")
    assert answer.status_code == status
    assert f"{free} MiB are free" in answer.json()["problems"]["disk"]


def test_a_dead_database_is_503_with_retry_after(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from taskhub.db.interruption import Interrupted

    def gone(*_args: Any, **_options: Any) -> None:
        raise Interrupted("The database does not answer. Try again.", lost=True, retry_after=2)

    monkeypatch.setattr(type(house.db), "_connection", gone)
    answer = house.of("zoe").get("/api/v1/tasks")
    assert code(answer) == (503, "unavailable")
    assert answer.headers["retry-after"] == "2"
    assert house.client.get("/readyz").status_code == 503
    assert house.client.get("/healthz").status_code == 200


def test_a_victim_of_the_database_is_tried_again(any_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from taskhub.api import tasks as routes
    from taskhub.db.interruption import Interrupted

    tries, create = [], routes.tasks.create

    def unlucky(*args: Any) -> Any:
        tries.append(1)
        if len(tries) < 3:
            raise Interrupted("deadlock", lost=False)
        return create(*args)

    monkeypatch.setattr(routes.tasks, "create", unlucky)
    any_house.task()
    assert len(tries) == 3
    assert len(any_house.of("admin").ok("GET", "/api/v1/tasks")["items"]) == 1


def test_metrics_count_what_is_open(any_house: House) -> None:
    any_house.task()
    any_house.taken("zoe")
    any_house.task()
    page = any_house.client.get("/metrics").text
    assert 'taskhub_open_tasks{queue="desk",state="queued"} 1' in page
    assert 'taskhub_open_tasks{queue="desk",state="in_progress"} 1' in page
    assert "taskhub_leases 1" in page
    assert 'taskhub_agents{presence="available"} 8' in page
    assert 'taskhub_decisions_total{way="pull",outcome="assigned",queue="desk"} 1' in page
    assert "taskhub_database_up 1" in page
    assert 'route="/api/v1/tasks/claim",le="+Inf"} 1' in page
    assert "zoe" not in page


def test_late_work_is_counted_by_topic(any_house: House) -> None:
    any_house.task()
    with any_house.db.begin() as tx:
        tx.emit("event.received", "e1", {"record": ""}, due_at=tx.now - timedelta(seconds=90))
        tx.emit("event.received", "e2", {"record": ""}, due_at=tx.now - timedelta(seconds=5))
        tx.emit("notification.created", "n1")
    with any_house.db.begin() as tx:
        tx.conn.execute(
            text("UPDATE message SET dead_at = due_at, error = 'broke' WHERE handler = 'notification.deliver'")
        )
    figures = dict(line.rsplit(" ", 1) for line in any_house.client.get("/metrics").text.splitlines() if "{" in line)
    assert figures['taskhub_messages_due{topic="event.received"}'] == "2"
    assert 90 <= float(figures['taskhub_messages_oldest_due_seconds{topic="event.received"}']) < 200
    assert figures['taskhub_messages_dead{topic="notification.created"}'] == "1"


def test_metrics_go_on_without_the_database(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from taskhub.db.interruption import Interrupted

    def gone(*_args: Any, **_options: Any) -> None:
        raise Interrupted("The database does not answer. Try again.", lost=True, retry_after=2)

    house.task()
    monkeypatch.setattr(type(house.db), "_connection", gone)
    page = house.client.get("/metrics").text
    assert "taskhub_database_up 0" in page
    assert "taskhub_open_tasks" not in page
    assert 'taskhub_http_requests_total{method="POST",route="/api/v1/tasks",status="201"} 1' in page


def test_a_look_is_kept_for_a_while(house: House) -> None:
    before = house.client.get("/metrics").text
    house.task()
    assert "taskhub_open_tasks" not in before
    assert "taskhub_open_tasks" not in house.client.get("/metrics").text
    house.state.board._until = 0
    assert "taskhub_open_tasks" in house.client.get("/metrics").text


def test_addresses_and_words_of_strangers_are_no_labels(house: House) -> None:
    house.client.get("/api/v1/nothing/here")
    house.client.request("BREW", "/metrics")
    house.client.post("/hooks/crm/s3cret-of-the-path", json={})
    page = house.client.get("/metrics").text
    assert 'method="GET",route="none",status="404"' in page
    assert "BREW" not in page
    assert "s3cret" not in page
    assert 'route="/hooks/{connection}/{path_secret}",status="401"' in page


# ── the id of a request ──────────────────────────────────────────────────────────────────────────────────────────────
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ({"x-request-id": "abc-1.2_3"}, "abc-1.2_3"),
        ({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, TRACE),
        ({"x-request-id": "mine", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, "mine"),
        ({"x-request-id": "a b"}, None),
        ({"x-request-id": "x" * 65}, None),
        ({"x-request-id": '"><script>'}, None),
        ({"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}, None),
        ({}, None),
    ],
)
def test_a_request_has_an_id(house: House, sent: dict[str, str], answered: str | None) -> None:
    for path in ("/healthz", "/api/v1/tasks", "/nowhere"):
        found = house.client.get(path, headers=sent).headers["x-request-id"]
        assert found == answered if answered else len(found) == 32


def test_an_unexpected_error_bears_the_id_too(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from taskhub.api import tasks as routes

    def broken(*_args: Any) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(routes.tasks, "find", broken)
    answer = house.of("admin").get("/api/v1/tasks?queue=desk", headers={"x-request-id": "r-1"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "r-1")
    (line,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert line.facts["request"] == "r-1"
    assert line.facts["reference"] == answer.json()["reference"]
    assert line.facts["route"] == "GET /api/v1/tasks"


def test_a_line_says_who_did_what_for_which_request(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "taskhub.act")
    task = house.of("admin").ok(
        "POST", "/api/v1/tasks", {"kind": "contract", "title": "Secret customer"}, headers={"x-request-id": "r-2"}
    )["task"]["id"]
    (line,) = [one for one in caplog.records if one.name == "taskhub.act" and "task" in one.facts]
    assert line.facts["request"] == "r-2"
    assert line.facts["route"] == "POST /api/v1/tasks"
    assert line.facts["task"] == [task]
    assert line.facts["did"][0] == "task.create"
    assert house.keys["admin"].split("_")[2] == line.facts["api_key"]
    assert "task.ready:desk" in line.facts["sent"]
    assert "Secret customer" not in str(line.facts)


def test_the_openapi_page_is_whole(house: House) -> None:
    page = house.client.ok("GET", "/openapi.json")
    assert page["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert all(one["summary"] and one["description"] for path in page["paths"].values() for one in path.values())


class Listener:
    """One listener of /live, on the app's own event loop."""

    def __init__(self, house: House, key: str | None) -> None:
        self.house = house
        self.key = key
        self.status = 0
        self.heard: list[dict[str, Any]] = []
        self.ended = False

    async def run(self, act: Any, enough: int, leave: bool) -> None:
        gone = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                return
            for line in message.get("body", b"").decode().splitlines():
                if line.startswith("data: "):
                    self.heard.append(json.loads(line[6:]))
            if len(self.heard) >= enough:
                gone.set() if leave else self.house.state.stopping.set()

        headers = [(b"authorization", f"Bearer {self.key}".encode())] if self.key else []
        scope = {"type": "http", "method": "GET", "path": "/api/v1/live", "raw_path": b"/api/v1/live",
                 "query_string": b"",
                 "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("t", 80), "client": ("c", 1),
                 "asgi": {"version": "3.0", "spec_version": "2.3"}, "root_path": ""}  # fmt: skip
        running = asyncio.create_task(self.house.app(scope, receive, send))
        if act is not None:
            await asyncio.sleep(0.8)
            await asyncio.to_thread(act)
        await asyncio.wait_for(running, 10)
        self.ended = True


@pytest.mark.parametrize("leave", [True, False], ids=["the client leaves", "the server stops"])
def test_the_stream_tells_what_changed_and_ends(any_house: House, leave: bool) -> None:
    listener = Listener(any_house, any_house.keys["lea"])
    any_house.client.portal.call(listener.run, any_house.task, 1, leave)
    assert (listener.status, listener.ended) == (200, True)
    assert listener.heard == [{"noun": "task"}]


def test_whoever_sees_every_task_is_told_which(any_house: House) -> None:
    listener = Listener(any_house, any_house.keys["auditor"])
    made: list[str] = []
    any_house.client.portal.call(listener.run, lambda: made.append(any_house.task()), 1, True)
    assert listener.heard == [{"noun": "task", "id": made[0], "act": "create"}]


@pytest.mark.parametrize("persona", [None, "integration"])
def test_the_stream_has_a_door(house: House, persona: str | None) -> None:
    listener = Listener(house, house.keys.get(persona or ""))
    house.client.portal.call(listener.run, None, 1, True)
    assert listener.status == (403 if persona else 401)
