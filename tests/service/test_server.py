"""`taskhub serve` as people start it: a process of its own, on a free port, ended by a signal."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

import httpx
import pytest

from taskhub import server
from taskhub.errors import Unavailable
from taskhub.settings import Settings

START, END = 60.0, 15.0


class Process:
    """A taskhub process, what it has said so far, and how it ended."""

    def __init__(self, *words: str, **env: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TASKHUB_")}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "taskhub", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**clean, **env}, cwd=Path(__file__).resolve().parents[2],
        )  # fmt: skip
        self.lines: SimpleQueue[str] = SimpleQueue()
        self.errors: list[str] = []
        self.readers = [threading.Thread(target=self._read), threading.Thread(target=self._read_errors)]
        for reader in self.readers:
            reader.start()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.lines.put(line.rstrip("\n"))

    def _read_errors(self) -> None:
        assert self.child.stderr is not None
        self.errors.extend(self.child.stderr)

    def until(self, word: str, within: float = START) -> str:
        """The first line with `word` in it."""
        end = time.monotonic() + within
        seen: list[str] = []
        while time.monotonic() < end:
            try:
                seen.append(self.lines.get(timeout=0.2))
            except Empty:
                if self.child.poll() is not None:
                    break
                continue
            if word in seen[-1]:
                return seen[-1]
        raise AssertionError(f"no {word!r} in {seen} {self.errors}")

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Exit code, and how long the end took."""
        start = time.monotonic()
        self.child.send_signal(number)
        return self.child.wait(END), time.monotonic() - start


@contextmanager
def taskhub(*words: str, **env: str) -> Iterator[Process]:
    process = Process(*words, **env)
    try:
        yield process
    finally:
        process.child.kill()
        process.child.wait()
        for reader in process.readers:
            reader.join()
        for stream in (process.child.stdout, process.child.stderr):
            if stream is not None:
                stream.close()


def key(data: Path | None = None) -> str:
    """An administrator's key, made beside the running server."""
    from taskhub.access import service as access
    from taskhub.cli import place

    with place.existing(data) as db, db.begin() as tx:
        return access.create_key(tx, "admin", "test")


def address(line: str) -> str:
    return next(word for word in line.split() if word.startswith("http://"))


def test_serve_starts_from_nothing_ends_in_order_and_starts_again(tmp_path: Path) -> None:
    """With an open stream both times; the second time nobody needs to be told how to make a key."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with taskhub("serve", "--data", str(tmp_path), "--port", "0") as process:
            base = address(process.until("serves"))
            if number == signal.SIGTERM:
                assert process.until("taskhub key create").endswith(f" --data {tmp_path}")
            code, took = end_with_a_stream(process, base, key(tmp_path), number)
            assert code == 0, process.errors
            assert took < 8
            assert process.until("taskhub") == "taskhub has ended."
        assert not [line for line in process.errors if "Traceback" in line]


def end_with_a_stream(process: Process, base: str, secret: str, number: int) -> tuple[int, float]:
    with httpx.Client(base_url=base, headers={"authorization": f"Bearer {secret}"}, timeout=10) as client:
        assert client.get("/readyz").json() == {"status": "ready", "problems": {}}
        with client.stream("GET", "/api/v1/live") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 2000"
            ended = process.end(number)
            list(lines)  # the stream ends as a whole, or this raises
    return ended


def test_an_event_comes_in_and_becomes_a_task(tmp_path: Path) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "t", "type": "lead.created", "data": {"lead": {"id": "1"}}}
    with taskhub("serve", "--data", str(tmp_path), "--port", "0", TASKHUB_LOG_FORMAT="json") as process:
        base = address(process.until("serves"))
        with httpx.Client(base_url=base, headers={"authorization": f"Bearer {key(tmp_path)}"}, timeout=10) as client:
            [told] = client.post("/api/v1/events", json=event).json()["events"]
            end = time.monotonic() + 20
            while (found := client.get(f"/api/v1/events/{told['event_id']}").json())["state"] == "received":
                assert time.monotonic() < end
                time.sleep(0.05)
        assert (found["state"], len(found["tasks"])) == ("applied", 1)
        assert process.end()[0] == 0
    assert all(json.loads(line)["level"] for line in process.errors)


def test_a_bad_config_stops_the_start_with_its_problems(tmp_path: Path) -> None:
    (tmp_path / "queues.toml").write_text("[[queue]]\n")
    with taskhub("serve", "--data", str(tmp_path / "d"), "--port", "0", TASKHUB_CONFIG=str(tmp_path)) as process:
        assert process.child.wait(START) == 1
    assert any(line.startswith("queues.toml:1: ") for line in process.errors)


@pytest.mark.slow
def test_api_and_worker_are_processes_of_their_own(
    empty_postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKHUB_DATABASE_URL", empty_postgres_url)
    env = {"TASKHUB_DATABASE_URL": empty_postgres_url, "TASKHUB_REDIS_URL": redis_url}
    event = {"specversion": "1.0", "id": "1", "source": "t", "type": "lead.created", "data": {"lead": {"id": "1"}}}
    with taskhub("api", "--port", "0", **env) as api, taskhub("worker", "--threads", "2", **env) as worker:
        base = address(api.until("serves"))
        worker.until("worker")
        with httpx.Client(base_url=base, headers={"authorization": f"Bearer {key()}"}) as client:
            [told] = client.post("/api/v1/events", json=event).json()["events"]
            end = time.monotonic() + 20
            while client.get(f"/api/v1/events/{told['event_id']}").json()["state"] == "received":
                assert time.monotonic() < end
                time.sleep(0.05)
        assert worker.end()[0] == 0
        assert api.end()[0] == 0


def test_a_taken_port_is_said_or_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"port {port}"):
            server.listen("127.0.0.1", port)
        with server.listen("127.0.0.1", port, further=20) as door:
            assert port < door.getsockname()[1] <= port + 20


def test_an_address_is_one_people_can_open() -> None:
    with server.listen("0.0.0.0", 0) as door:
        assert server.address(door) == f"http://127.0.0.1:{door.getsockname()[1]}"


@pytest.mark.parametrize("half", ["serve", "api", "work"])
def test_while_a_process_works_its_collector_leaves_the_program_alone(
    half: str, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def look(_: object, sockets: Sequence[socket.socket] = ()) -> int:
        seen.append(gc.get_freeze_count() > len(gc.get_objects()))
        for door in sockets:
            door.close()
        return 0

    monkeypatch.setattr(server.Web, "run", look)
    monkeypatch.setattr(server, "run_until_stopped", look)
    chosen = Settings(data=tmp_path, database_url=sqlite_url)
    run = {
        "serve": lambda: server.serve(chosen, "127.0.0.1", 0, str, lambda _db: None),
        "api": lambda: server.api(chosen, "127.0.0.1", 0, str),
        "work": lambda: server.work(chosen, str),
    }
    run[half]()
    assert (seen, gc.get_freeze_count()) == ([True], 0)


def test_a_worker_says_at_its_start_that_letters_cannot_leave(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TASKHUB_SMTP_URL", "smtp//garbage")
    chosen = Settings(data=Path("data"), database_url=sqlite_url)
    with server.house(chosen) as (db, bell):
        server.worker_of(chosen, db, bell)
    assert "letters cannot leave: TASKHUB_SMTP_URL begins with none of" in caplog.text
