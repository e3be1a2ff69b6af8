"""Health, metrics and the live stream."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.api.client import code
from tests.api.house import House


def test_alive_and_ready(any_house: House) -> None:
    assert any_house.client.ok("GET", "/healthz")["status"] == "ok"
    assert any_house.client.ok("GET", "/readyz") == {"status": "ready", "problems": {}}


def test_not_ready_says_why(house: House) -> None:
    house.state.checks = {"redis": lambda: "no answer", "disk": lambda: None}
    answer = house.client.get("/readyz")
    assert (answer.status_code, answer.json()["problems"]) == (503, {"redis": "no answer"})


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
    text = any_house.client.get("/metrics").text
    assert 'taskhub_open_tasks{queue="desk",state="queued"} 1' in text
    assert 'taskhub_open_tasks{queue="desk",state="in_progress"} 1' in text
    assert "taskhub_leases 1" in text
    assert 'taskhub_agents{presence="available"} 8' in text
    assert "zoe" not in text


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
