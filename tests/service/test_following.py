"""One event can be followed through the logs of real processes: from the request that brought it to its decision."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.service.test_server import Process, address, key, taskhub

EVENT = {"specversion": "1.0", "id": "1", "source": "t", "type": "lead.created", "data": {"lead": {
    "id": "1", "name": "A customer nobody should read of", "email": "private@example.org"}}}  # fmt: skip
REQUEST = "follow-me-1"
WITHIN = 30.0


def lines(*processes: Process) -> Iterator[dict[str, Any]]:
    """Every line of the logs; each must be a JSON object of its own."""
    for process in processes:
        for line in list(process.errors):
            yield json.loads(line)


def wait_for_line(process: Process, **wanted: Any) -> dict[str, Any]:
    """The first line with these facts; a list has the wanted value in it."""
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        for line in lines(process):
            if all(line.get(name) == value or value in _listed(line.get(name)) for name, value in wanted.items()):
                return line
        time.sleep(0.05)
    raise AssertionError(f"no line with {wanted} in {process.errors}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


@pytest.mark.slow
def test_an_event_is_followed_from_its_request_to_its_decision(
    empty_postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKHUB_DATABASE_URL", empty_postgres_url)
    env = {
        "TASKHUB_DATABASE_URL": empty_postgres_url, "TASKHUB_REDIS_URL": redis_url, "TASKHUB_LOG_FORMAT": "json",
        "TASKHUB_METRICS_PORT": "0",
    }  # fmt: skip
    with taskhub("api", "--port", "0", **env) as api, taskhub("worker", "--threads", "2", **env) as worker:
        base = address(api.until("serves"))
        window = worker.until("metrics:").split()[-1]
        secret = key()
        with httpx.Client(base_url=base, headers={"authorization": f"Bearer {secret}"}, timeout=10) as client:
            answer = client.post("/api/v1/events", json=EVENT, headers={"x-request-id": REQUEST})
            event = answer.json()["events"][0]["event_id"]
            assert answer.headers["x-request-id"] == REQUEST
            taken_in = wait_for_line(api, request=REQUEST, event=event)
            applied = wait_for_line(worker, handler="event.apply", event=event)
            (task,) = applied["task"]
            decided = wait_for_line(worker, event=event, decided_waiting=task)
            shown = client.get(f"/api/v1/events/{event}").json()
            ours, theirs = client.get("/metrics").text, httpx.get(window).text
            assert httpx.get(window.replace("/metrics", "/healthz")).text == "ok\n"
            assert httpx.get(window.replace("/metrics", "/other")).status_code == 404
        assert (worker.end()[0], api.end()[0]) == (0, 0)
    assert taken_in["route"] == "POST /api/v1/events"
    assert taken_in["api_key"] == secret.split("_")[2]
    assert taken_in["sent"] == [f"event.received:{event}"]
    assert (applied["key"], applied["attempt"]) == (event, 1)
    assert decided["key"] in {sent.removeprefix("task.ready:") for sent in applied["sent"]}
    assert decided["handler"].startswith("assignment.")
    assert decided["row"] > applied["row"]
    assert len({taken_in["act"], applied["act"], decided["act"]}) == 3
    assert shown["tasks"] == [task]
    everything = "".join([*api.errors, *worker.errors])
    assert secret.rsplit("_", 1)[1] not in everything
    assert "private@example.org" not in everything
    assert "nobody should read" not in everything
    of_both_kinds(ours, theirs)


def of_both_kinds(api: str, worker: str) -> None:
    """The API shows the house and itself, the worker itself."""
    assert 'taskhub_events_total{outcome="received",connection="events"} 1' in api
    assert "taskhub_database_up 1" in api
    assert "taskhub_database_up" not in worker
    assert 'taskhub_events_settled_total{state="applied"} 1' in worker
    assert 'taskhub_message_seconds_count{handler="event.apply",step="inside"} 1' in worker
    assert 'taskhub_decisions_total{way="push",outcome="waiting"' in worker
    assert 'taskhub_worker_rows{crew="inside"}' in worker
