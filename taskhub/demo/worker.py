"""A person of the back office: takes the next task, ticks it off, sometimes waits, declines, hands over, forgets."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from taskhub.demo.client import Api, Said

PAUSED, DECLINED, HANDED_OVER, FORGOTTEN, BREAK = 0.08, 0.04, 0.04, 0.012, 0.05
FIRST_TASK = 2.5
AFTER = 0.5
NOTHING = (2.0, 5.0)


@dataclass(frozen=True, slots=True)
class House:
    """What everybody knows: how long kinds take, the reasons one may give, who sits in whose team.

    ``later`` is the instant so many minutes of the demo from now. ``soonest`` is how many pass while a call is under
    way: what is nearer lies in the past when it arrives.
    """

    minutes: Mapping[str, float]
    pause_reasons: Sequence[str]
    skip_reasons: Sequence[str]
    colleagues: Mapping[str, Sequence[str]]
    later: Callable[[float], datetime]
    soonest: float = 0.0


class Worker:
    """``step`` does one thing and returns after how many minutes of the demo the next one follows."""

    def __init__(self, key: str, api: Api, house: House, rng: Random) -> None:
        self.key = key
        self._api = api
        self._house = house
        self._rng = rng
        self._task: dict[str, Any] | None = None
        self._token: int | None = None
        self._todo: deque[tuple[float, Callable[[], Any]]] = deque()
        self._done = 0
        self._adopted = False

    def step(self) -> float:
        """What is next. A refusal means that the world has moved on: look again."""
        try:
            if not self._adopted:
                return self._adopt()
            if self._todo:
                return self._go_on()
            return self._next()
        except Said:
            self._drop()
            return self._rng.uniform(*NOTHING)

    def _go_on(self) -> float:
        _, act = self._todo.popleft()
        act()
        if not self._todo:
            self._drop()
        return self._todo[0][0] if self._todo else AFTER

    def _adopt(self) -> float:
        """What was begun before the demo stopped goes on: starting it again gives the lease back."""
        self._adopted = True
        mine = self._api.call("GET", f"/tasks?agent={self.key}&state=in_progress&limit=1")["items"]
        return self._begin(self._act(mine[0], "start")) if mine else 0.0

    def _next(self) -> float:
        if self._done and self._rng.random() < BREAK:
            return self._have_a_break()
        given = self._api.call("POST", "/tasks/claim", {})
        if given["task"] is not None:
            return self._begin(given)
        if given["reason"] == "not_available":
            self._presence({"status": "available"})
        self._adopted = given["reason"] != "at_capacity"
        return self._rng.uniform(*NOTHING)

    def _have_a_break(self) -> float:
        minutes = self._rng.uniform(8, 15)
        self._presence({"status": "away", "until": self._in(minutes)})
        return minutes + 1

    def _presence(self, said: Mapping[str, Any]) -> None:
        self._api.call("PUT", f"/agents/{self.key}/presence", said)

    def _begin(self, given: Mapping[str, Any]) -> float:
        self._task, self._token = given["task"], given["lease"]["token"]
        self._todo = deque(self._plan(given["task"]))
        self._done += 1
        return self._todo[0][0]

    def _plan(self, task: Mapping[str, Any]) -> list[tuple[float, Callable[[], Any]]]:
        """Minutes and acts up to the end of this task, or up to where it leaves these hands."""
        minutes = self._house.minutes.get(task["kind"], 15.0) * self._rng.lognormvariate(-0.2, 0.35)
        if self._done == 0:
            minutes = FIRST_TASK
        fate = self._rng.random() if self._done else 1.0
        for chance, after, act in (
            (DECLINED, 0.1, self._decline), (PAUSED, 0.4, self._wait), (HANDED_OVER, 0.3, self._hand_over),
            (FORGOTTEN, 1.0, self._forget),
        ):  # fmt: skip
            if fate < chance:
                return [(minutes * after, act)]
            fate -= chance
        items = [item for item in task["checklist"] if not item.get("done")]
        share = minutes / (len(items) + 1)
        ticks = [(share, lambda item=item: self._tick(item)) for item in items]
        return [*ticks, (share, self._complete)]

    def _tick(self, item: Mapping[str, Any]) -> None:
        mark: dict[str, Any] = {"item": item["item"], "done": True}
        if item.get("field"):
            mark["value"] = f"{self._rng.randrange(1000, 9999)}"
        body = {"version": self._held["version"], "checklist": [mark]}
        self._task = self._api.call("PATCH", f"/tasks/{self._held['id']}", body)["task"]

    def _complete(self) -> None:
        outcome = "renewed" if self._held["kind"] == "renewal" else "right" if self._held["checks"] else "done"
        self._act(self._held, "complete", outcome=outcome, lease_token=self._token)

    def _decline(self) -> None:
        if self._house.skip_reasons:
            reason = self._rng.choice(self._house.skip_reasons)
            self._act(self._held, "skip", reason=reason, lease_token=self._token)
        else:
            self._act(self._held, "release", reason="not now", lease_token=self._token)

    def _wait(self) -> None:
        reason, until = self._rng.choice(self._house.pause_reasons), self._in(self._rng.uniform(20, 90))
        self._act(self._held, "pause", reason=reason, until=until, lease_token=self._token)

    def _hand_over(self) -> None:
        to = self._rng.choice(self._house.colleagues[self.key] or [self.key])
        self._act(self._held, "hand-over", to={"agent": to}, note="You know them better.", lease_token=self._token)

    def _forget(self) -> None:
        """Nothing more is done about it: the lease runs out, and taskhub sees to it."""

    def _act(self, task: Mapping[str, Any], act: str, **body: Any) -> Any:
        return self._api.call("POST", f"/tasks/{task['id']}/{act}", body)

    @property
    def _held(self) -> dict[str, Any]:
        if self._task is None:
            raise Said(409, "nothing_held")
        return self._task

    def _drop(self) -> None:
        self._task, self._token = None, None
        self._todo.clear()

    def _in(self, minutes: float) -> str:
        return self._house.later(max(minutes, self._house.soonest)).isoformat()
