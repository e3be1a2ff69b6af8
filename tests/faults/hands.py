"""People at work meanwhile: they claim, tick and complete, each call sent twice under its key."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from httpx import Response
from sqlalchemy import select

from taskhub.db.database import Database
from taskhub.db.tables import message, task
from tests.faults.calls import patiently

Call = Callable[[str, str, Any, dict[str, str]], Response]
KEPT = 3  # every third task stays in progress
WITHIN = 600.0  # a bound for a machine that is busy with other things
CHECK = "data_hygiene"
BEGINNINGS = ("contract", "credit_check")  # of a won deal; billing waits for them


@dataclass
class Hands:
    """Does the data checks of ``deals`` through ``call``; ``differences`` are replies that were not the same twice.

    Then a manager calls off what ``orders`` (won deals) begin with, which sets free what waited for it.
    """

    db: Database
    call: Call
    keys: Sequence[str]
    deals: Sequence[str]
    manager: str
    orders: Sequence[str]
    done: int = 0
    held: int = 0
    replies: list[tuple[str, dict[str, str], Any, bytes]] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    def look(self) -> bool:
        """Does what is there by now, oldest first; whether all is done."""
        while self.done < len(self.deals) + len(self.orders):
            if not self.step():
                return False
        return True

    def step(self) -> bool:
        """The next deal or order, if its work is there; ``done`` counts them."""
        order = self.done - len(self.deals)
        if order >= len(self.orders):
            return False
        kinds = (CHECK,) if order < 0 else BEGINNINGS
        deal = self.deals[self.done] if order < 0 else self.orders[order]
        found = patiently(lambda: self._tasks(deal, kinds))
        if len(found) < len(kinds):
            return False
        if order < 0:
            self._work(found[0])
        else:
            who = {"authorization": f"Bearer {self.manager}"}
            for task_id in found:
                self._post(f"/api/v1/tasks/{task_id}/cancel", who, {"reason": "called off"})
        self.done += 1
        return True

    def finish(self) -> None:
        """Waits for what is not there yet."""
        end = time.monotonic() + WITHIN
        while not self.look():
            late = time.monotonic() > end
            assert not late, f"work {self.done} of {[*self.deals, *self.orders]} never came; dead: {self._dead()}"
            time.sleep(0.1)

    def again(self) -> None:
        """Every call once more: each reply must be the one it was."""
        for path, headers, body, reply in self.replies:
            answer = self.call("POST", path, body, headers)
            if answer.content != reply:
                self.differences.append(
                    f"{path} {headers['idempotency-key']}: {answer.status_code} {answer.text[:200]}"
                )

    def _tasks(self, deal: str, kinds: Sequence[str]) -> list[str]:
        wanted = select(task.c.id).where(task.c.deal == deal, task.c.kind.in_(kinds)).order_by(task.c.kind)
        with self.db.read() as tx:
            return list(tx.conn.execute(wanted).scalars())

    def _dead(self) -> list[tuple[str, str, str | None]]:
        """What waits for somebody to replay it: nobody could have been told of a row that was lost by that."""
        c = message.c
        with self.db.read() as tx:
            rows = tx.conn.execute(select(c.handler, c.key, c.error).where(c.dead_at.is_not(None)))
            return [(handler, key, error) for handler, key, error in rows]

    def _work(self, task_id: str) -> None:
        who = {"authorization": f"Bearer {self.keys[self.done % len(self.keys)]}"}
        given = self._post(f"/api/v1/tasks/{task_id}/claim", who, {"reason": "customer on the line"})
        if self.done % KEPT == 0:
            self.held += 1
            return
        self._tick(task_id, who, given["task"])
        self._post(f"/api/v1/tasks/{task_id}/complete", who, {"lease_token": given["lease"]["token"]})

    def _tick(self, task_id: str, who: dict[str, str], seen: dict[str, Any]) -> None:
        """The checklist is ticked. A change without a key may have been made although nobody said so: look first."""
        path = f"/api/v1/tasks/{task_id}"
        while not all(each["done"] for each in seen["checklist"]):
            ticks = [{"item": each["item"], "done": True} for each in seen["checklist"]]
            answer = self.call("PATCH", path, {"version": seen["version"], "checklist": ticks}, who)
            assert answer.is_success or answer.status_code == 409, answer.text
            seen = self.call("GET", path, None, who).json()

    def _post(self, path: str, who: dict[str, str], body: Any) -> Any:
        headers = {**who, "idempotency-key": f"{path}#{self.done}"}
        answers = [self.call("POST", path, body, headers) for _ in range(2)]
        assert answers[0].is_success, f"{path}: {answers[0].status_code} {answers[0].text}"
        if answers[1].content != answers[0].content:
            self.differences.append(f"{path}: {answers[1].status_code} {answers[1].text[:200]}")
        self.replies.append((path, headers, body, answers[0].content))
        return answers[0].json()
