"""The night desk: people who finish, who renew, who vanish and come back too late. What they were told is noted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from httpx import Response

from tests.faults.office import CALL, COUNTER, DRAWER, FILE, LEASE_FOR

Call = Callable[[str, str, Any, dict[str, str]], Response]
FINISH, RENEW, FREEZE, VANISH = "finish", "renew", "freeze", "vanish"
HABITS = (FINISH, RENEW, FREEZE, VANISH, VANISH)
LATE = LEASE_FOR + 6.0
RENEWALS = 2


@dataclass
class Hold:
    """A task somebody was given: ``token`` proves it, ``expires_at`` is what they were told last."""

    task: str
    queue: str
    agent: str
    token: int
    expires_at: datetime
    asked_at: datetime
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Wrote:
    """A write under a token, and how it was answered; ``asked_at`` is when it was first sent."""

    task: str
    agent: str
    token: int
    act: str
    asked_at: datetime
    told_at: datetime
    status: int

    @property
    def accepted(self) -> bool:
        """Whether it was said to be done."""
        return 200 <= self.status < 300


@dataclass
class _Open:
    hold: Hold
    habit: str
    at: float
    renewals: int = 0


@dataclass
class Night:
    """``holds`` and ``writes`` are the notes; a look does what is due, at most one new task each."""

    call: Call
    admin: str
    people: dict[str, str]  # agent -> API key
    chance: Random
    holds: list[Hold] = field(default_factory=list)
    writes: list[Wrote] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _calls: int = 0

    def look(self) -> None:
        """One more task comes in and is taken; whoever has something to do does it."""
        kind = self.chance.choice((CALL, CALL, FILE))
        self._calls += 1
        answer, _, _ = self._post("/api/v1/tasks", self.admin, {"kind": kind, "title": f"Night {self._calls}"})
        if answer.status_code != 201:
            self.unexpected.append(f"a task by hand: {answer.status_code} {answer.text[:200]}")
        self._claim()
        self.act()

    def act(self) -> None:
        """What is due now."""
        now = time.monotonic()
        due = [one for one in self._open if one.at <= now]
        self._open = [one for one in self._open if one.at > now]
        for one in due:
            self._act(one)

    def finish(self) -> None:
        """Waits until everybody has done what they meant to."""
        while self._open:
            self.act()
            time.sleep(0.05)

    def _claim(self) -> None:
        agent = self.chance.choice(sorted(self.people))
        queue = self.chance.choice((COUNTER, COUNTER, DRAWER))
        answer, asked, told = self._post("/api/v1/tasks/claim", self.people[agent], {"queues": [queue]})
        if answer.status_code != 200:
            self.unexpected.append(f"a claim: {answer.status_code} {answer.text[:200]}")
            return
        given = answer.json()
        if given["task"] is None:
            return
        lease = given["lease"]
        hold = Hold(
            given["task"]["id"], given["task"]["queue"], agent, lease["token"], _instant(lease["expires_at"]), asked,
            told,
        )  # fmt: skip
        self.holds.append(hold)
        habit = self.chance.choice(HABITS)
        after = {FINISH: 0.2, RENEW: LEASE_FOR / 2, FREEZE: LEASE_FOR + self.chance.uniform(-0.5, 0.5), VANISH: LATE}
        self._open.append(_Open(hold, habit, time.monotonic() + after[habit]))

    def _act(self, one: _Open) -> None:
        if one.habit == RENEW and one.renewals < RENEWALS:
            answer = self._write(one.hold, "renew")
            if answer.is_success:
                one.hold.expires_at = _instant(answer.json()["lease"]["expires_at"])
                one.renewals += 1
                one.at = time.monotonic() + LEASE_FOR / 2
                self._open.append(one)
            return
        self._write(one.hold, self.chance.choice(("complete", "complete", "release")))

    def _write(self, hold: Hold, act: str) -> Response:
        body: dict[str, Any] = {"lease_token": hold.token}
        if act == "release":
            body["reason"] = "no time"
        self._calls += 1
        path = f"/api/v1/tasks/{hold.task}/{act}"
        answer, asked, told = self._post(path, self.people[hold.agent], body)
        self.writes.append(Wrote(hold.task, hold.agent, hold.token, act, asked, told, answer.status_code))
        if answer.status_code not in (200, 403, 409):
            self.unexpected.append(f"{act}: {answer.status_code} {answer.text[:200]}")
        return answer

    def _post(self, path: str, key: str, body: Any) -> tuple[Response, datetime, datetime]:
        self._calls += 1
        headers = {"authorization": f"Bearer {key}", "idempotency-key": f"night-{self._calls}"}
        asked = datetime.now(UTC)
        return self.call("POST", path, body, headers), asked, datetime.now(UTC)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
