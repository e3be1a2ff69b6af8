"""A house in production while it is deployed: processes of two versions, and people and a CRM that never stop."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx

WITHIN = 300.0  # for a machine that is busy with other things
AHEAD = 20  # events, so that the end has little left to do
BATCH = "application/cloudevents-batch+json"


class Running:
    """A process of the code in ``root``, and the address it said it serves."""

    def __init__(self, root: Path, log: Path, env: dict[str, str], *words: str) -> None:
        self.log = log
        self.child = start(root, env, log, *words)

    def ready(self, word: str) -> str:
        """Waits for a line with ``word``; the address in it, if there is one."""
        end = time.monotonic() + WITHIN
        while True:
            lines = [line for line in self.said().splitlines() if word in line]
            if lines:
                return next((part for part in lines[-1].split() if part.startswith("http://")), "")
            assert self.child.poll() is None, f"ended with {self.child.returncode}: {self.said()}"
            assert time.monotonic() < end, f"no {word!r} in {self.said()}"
            time.sleep(0.02)

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self) -> tuple[int, float]:
        """SIGTERM: the exit code, and how long the end took."""
        began = time.monotonic()
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(WITHIN), time.monotonic() - began

    def kill(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()


def start(root: Path, env: dict[str, str], log: Path, *words: str) -> subprocess.Popen[bytes]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TASKHUB_")}
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "taskhub", *words], cwd=root, stdout=out, stderr=out,
            env={**clean, **env, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip


def said(root: Path, env: dict[str, str], *words: str) -> str:
    """What a command of the code in ``root`` prints."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TASKHUB_")}
    done = subprocess.run(
        [sys.executable, "-m", "taskhub", *words], cwd=root, capture_output=True, text=True, check=False,
        env={**clean, **env, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Load:
    """Calls whatever API is there. A connection that fails is tried elsewhere; any 5xx is a failure for good."""

    def __init__(self) -> None:
        self.apis: list[str] = []
        self.failures: list[str] = []
        self.claimed: list[str] = []
        self.sent: list[str] = []
        self.over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._turn = itertools.count()
        self._client = httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=4))

    def call(self, key: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """One call, made until somebody answers."""
        named = {"authorization": f"Bearer {key}", **{name.replace("_", "-"): text for name, text in headers.items()}}
        end = time.monotonic() + WITHIN
        while True:
            assert time.monotonic() < end, f"nobody answers {method} {path}"
            base = self.apis[next(self._turn) % len(self.apis)]
            try:
                answer = self._client.request(method, f"{base}/api/v1{path}", json=body, headers=named)
            except httpx.TransportError:
                continue
            if answer.status_code >= 500:
                self.failures.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
            return answer

    def begin(self, sender: str, people: list[str]) -> None:
        """A CRM that sends, and people who claim and complete, until ``over``."""
        calls: list[Callable[[], None]] = [partial(self._send, sender), *(partial(self._work, key) for key in people)]
        self._threads = [threading.Thread(target=self._guarded, args=(call,), daemon=True) for call in calls]
        for thread in self._threads:
            thread.start()

    def go_on(self, claims: int = 10) -> None:
        """Waits until so many more claims were answered."""
        wanted, end = len(self.claimed) + claims, time.monotonic() + WITHIN
        while len(self.claimed) < wanted:
            assert not self.failures, self.failures
            assert time.monotonic() < end, "the work has come to a stop"
            time.sleep(0.02)

    def end(self) -> None:
        """No further events; people finish what is there."""
        self.over.set()
        for thread in self._threads:
            thread.join(WITHIN)
            assert not thread.is_alive()
        self._client.close()

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001  what a thread raises is a failure like any other
            self.failures.append(repr(error))

    def _send(self, key: str) -> None:
        numbers: Iterator[int] = itertools.count()
        while not self.over.is_set():
            if len(self.sent) > len(self.claimed) + AHEAD:
                self.over.wait(0.1)
                continue
            some = [f"D{next(numbers)}" for _ in range(2)]
            answer = self.call(key, "POST", "/events", [_deal(name) for name in some], content_type=BATCH)
            assert answer.status_code == 202, answer.text
            self.sent += some
            self.over.wait(0.2)

    def _work(self, key: str) -> None:
        for number in itertools.count():
            answer = self.call(key, "POST", "/tasks/claim", {}, idempotency_key=f"claim-{number}")
            assert answer.status_code == 200, answer.text
            given = answer.json()
            if given["task"] is None:
                if self.over.is_set() and len(self.claimed) >= len(self.sent):
                    return
                time.sleep(0.1)
                continue
            self.claimed.append(given["task"]["id"])
            self._complete(key, given)

    def _complete(self, key: str, given: dict[str, Any]) -> None:
        task = given["task"]
        ticks = [{"item": item["item"], "done": True} for item in task["checklist"]]
        ticked = {"version": task["version"], "checklist": ticks}
        for _ in range(2):  # a tick whose answer was lost has been made: its second time is a version_clash
            patched = self.call(key, "PATCH", f"/tasks/{task['id']}", ticked)
            if patched.status_code in (200, 409):
                break
        path, token = f"/tasks/{task['id']}/complete", {"lease_token": given["lease"]["token"]}
        done = self.call(key, "POST", path, token, idempotency_key=f"done-{task['id']}")
        assert done.status_code == 200, done.text


def _deal(name: str) -> dict[str, Any]:
    return {"specversion": "1.0", "id": name, "source": "deploy", "type": "deal.created", "subject": name,
            "datacontenttype": "application/json",
            "data": {"deal": {"id": name, "title": name, "status": "open", "stage": "new"}}}  # fmt: skip
