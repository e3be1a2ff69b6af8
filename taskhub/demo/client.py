"""The public HTTP API as a person or program of the demo calls it: with a key, as anybody could."""

from __future__ import annotations

import threading
from typing import Any

import httpx

from taskhub.ids import new_id

TRIES = 4
WAIT = 0.5
EXPECTED = (404, 409)
LATER = (429, 503)


class Said(Exception):
    """The API said no: ``code`` is stable."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


class Line:
    """One server, shared by everybody. ``failures`` counts what should never be answered."""

    def __init__(self, base: str, stop: threading.Event) -> None:
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        self.http = httpx.Client(base_url=f"{base}/api/v1", timeout=30, limits=limits, trust_env=False)
        self.stop = stop
        self.failures = 0
        self.last_failure = ""

    def close(self) -> None:
        """Closes every connection."""
        self.http.close()


class Api:
    """Calls with one key. A POST carries an Idempotency-Key, so that trying again never does a thing twice."""

    def __init__(self, line: Line, key: str) -> None:
        self._line = line
        self._key = key

    def call(self, method: str, path: str, json: Any = None, *, content_type: str = "application/json") -> Any:
        """The answer's body. Raises Said."""
        headers = {"authorization": f"Bearer {self._key}"}
        if method == "POST":
            headers["idempotency-key"] = new_id()
        if json is not None:
            headers["content-type"] = content_type
        for attempt in range(TRIES):
            answer = self._once(method, path, json, headers)
            if answer is not None and answer.status_code not in LATER:
                return self._read(method, path, answer)
            if self._line.stop.wait(WAIT * (attempt + 1)):
                break
        raise Said(503, "away")

    def _once(self, method: str, path: str, json: Any, headers: dict[str, str]) -> httpx.Response | None:
        try:
            return self._line.http.request(method, path, json=json, headers=headers)
        except httpx.TransportError:
            return None

    def _read(self, method: str, path: str, answer: httpx.Response) -> Any:
        if answer.is_success:
            return answer.json()
        try:
            code = str(answer.json().get("code"))
        except ValueError:
            code = "no_problem_document"
        if answer.status_code not in EXPECTED:
            self._line.failures += 1
            self._line.last_failure = f"{method} {path}: {answer.status_code} {code}"
        raise Said(answer.status_code, code)
