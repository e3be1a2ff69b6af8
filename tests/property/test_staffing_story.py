"""Whatever is said of queues, in whatever order: no task is lost, and when all of it is over, the file holds again."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskhub.acts import lending, month_end, staffing, stopping, undo
from taskhub.db.tables import task as task_table
from taskhub.errors import TaskhubError
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.queues import service as queues
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)
QUEUES = ("desk", "front")
MODELS: dict[str, list[dict[str, Any]]] = {
    "desk": [
        {"model": "rotating", "params": {"teams": ["front"]}},
        {"model": "dedicated", "params": {"team": "front"}},
    ],
    "front": [{"model": "dedicated", "params": {"team": "front"}, "strategy": "round_robin"}],
}
Step = tuple[str, str, int, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(
            "switch file later lend period close open pause resume move undo make wait".split()
        ),
        st.sampled_from(QUEUES), st.integers(0, 5), st.integers(1, 6),
    ),
    min_size=1, max_size=14,
)  # fmt: skip


def _policies() -> Any:
    desk = org.queue("desk", teams=("specialists", "front"), calendar="always")
    front = org.queue("front", teams=("front",), calendar="always", staffing=Staffing("rotating", {"teams": ["front"]}))
    kinds = [Kind("contract", LocalText("Contract"), "desk"), Kind("billing", LocalText("Billing"), "front")]
    return org.policies(queues=(desk, front), kinds=kinds)


class Story:
    """One desk, acts in a row, what must hold after each of them."""

    def __init__(self, url: str) -> None:
        self.desk = Desk(url, _policies())
        self.desk.staff("specialists", "ana", capacity=2)
        self.desk.staff("front", "zoe", capacity=2)
        self.made = {self.desk.make(kind): "" for kind in ("contract", "billing")}

    def play(self, step: Step) -> None:
        verb, queue, number, hours = step
        with contextlib.suppress(TaskhubError):  # refused: then nothing may have changed
            self._acts(verb)(queue, number, hours)
        self.desk.drain()
        self.check()

    def _acts(self, verb: str) -> Callable[[str, int, int], Any]:
        def stop(queue: str, *_: int) -> Any:
            return self._do(stopping.stop, queue, verb, "story")

        return {
            "switch": lambda queue, n, _: self._do(staffing.switch, queue, self._model(queue, n), "now"),
            "later": lambda queue, n, h: self._do(
                staffing.switch, queue, self._model(queue, n), self.desk.clock.now + h * HOUR
            ),
            "file": lambda queue, *_: self._do(staffing.switch, queue, {"model": None}, "now"),
            "lend": lambda queue, n, h: self.desk.do(
                "admin",
                lambda tx: lending.lend(tx, ("ana", "zoe")[n % 2], queues.named(tx, queue), None, tx.now + h * HOUR),
            ),
            "period": lambda queue, n, h: self._do(
                month_end.put, queue, None, self.desk.clock.now + h * HOUR, (n + 1) * HOUR
            ),
            "move": lambda queue, *_: self._do(stopping.move, queue, *_kinds(queue), "story"),
            "undo": lambda _q, n, _h: self._undo(n),
            "make": lambda queue, *_: self.made.setdefault(self.desk.make(_kinds(queue)[0]), ""),
            "wait": lambda _q, n, h: self.desk.clock.forward(hours=h, minutes=n),
        }.get(verb, stop)

    def _lend(self, tx: Any, who: str, queue: str, hours: int) -> Any:
        return lending.lend(tx, who, queues.named(tx, queue), None, tx.now + hours * HOUR)

    def _model(self, queue: str, number: int) -> dict[str, Any]:
        return MODELS[queue][number % len(MODELS[queue])]

    def _do(self, act: Callable[..., Any], queue: str, *args: Any) -> Any:
        return self.desk.do("admin", lambda tx: act(tx, tx.policies.queues[queue], *args))

    def _undo(self, number: int) -> None:
        with self.desk.db.read(org.ADMIN) as tx:
            acts = [one for one in undo.list_acts(tx) if one["can_undo"]]
        if acts:
            self.desk.do("admin", undo.undo, acts[number % len(acts)]["id"])

    def check(self) -> None:
        rows = self.desk.rows(task_table)
        assert {row.id for row in rows} == set(self.made)
        for row in rows:
            assert row.state in ("queued", "assigned")
            assert (row.agent is not None) == (row.state == "assigned")
            assert row.queue == {"contract": "desk", "billing": "front"}[row.kind]
            assert row.start_by is not None
            assert row.start_by >= row.ready_at

    def end(self) -> None:
        """Everything that was said is taken back or over."""
        with self.desk.db.read() as tx:
            states = {key: one.state for key, one in queues.held(tx, QUEUES).items()}
        for key, state in states.items():
            for verb, stands in (("open", state.closed), ("resume", state.paused)):
                if stands:
                    self._do(stopping.stop, key, verb, "end")
            self._do(staffing.switch, key, {"model": None}, self.desk.clock.now + 7 * HOUR)
        self.desk.forward(hours=8)
        self.desk.forward(minutes=1)


def _kinds(queue: str) -> tuple[str, str]:
    return ("contract", "billing") if queue == "desk" else ("billing", "contract")


@settings(
    max_examples=settings.default.max_examples // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps)
def test_nothing_is_lost_and_in_the_end_the_file_holds(tmp_path: Path, sqlite_url: str, told: list[Step]) -> None:
    fresh = tmp_path / "story.db"
    shutil.copyfile(sqlite_url.removeprefix("sqlite:///"), fresh)
    story = Story(f"sqlite:///{fresh}")
    try:
        for step in told:
            story.play(step)
        story.end()
        story.check()
        desk = story.desk
        with desk.db.read() as tx:
            files = list(tx.policies.queues.values())
            assert queues.as_served(tx, files) == files
            for row in desk.rows(task_table):
                calendar = tx.policies.calendar_of(row.queue)
                assert row.start_by == calendar.add(row.ready_at, files[0].max_wait["normal"])
        holders = {row.agent for row in desk.rows(task_table, queue="desk")}
        assert holders <= {"ana", None}
        assert {row.agent for row in desk.rows(task_table, queue="front")} <= {"zoe", None}
    finally:
        story.desk.db.close()
        fresh.unlink()
