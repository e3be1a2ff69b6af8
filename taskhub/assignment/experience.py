"""What finished work teaches: minutes per kind and person, and the fairness ledger of who has done it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from taskhub.agents import service as agents
from taskhub.assignment import fairness, learning, store
from taskhub.assignment.learning import EVERYBODY, estimate, learn
from taskhub.db.tx import Tx
from taskhub.tasks import service as tasks
from taskhub.tasks.model import COMPLETED, Task


def completed(tx: Tx, task_id: str) -> None:
    """Learns from a completed task. What nobody has had in hand (a rule ended it) teaches nothing."""
    task = tasks.get(tx, task_id)
    if task.state != COMPLETED or task.completed_by is None:
        return
    moves = learning.moves(tasks.history(tx, task_id))
    worked = learning.hands_on(moves)
    if not sum(worked.values()):
        return
    _learn(tx, task, task.completed_by, worked)
    if task.completed_by in worked:
        _write_down(tx, task, worked[task.completed_by], again=learning.times_completed(moves) > 1)


def _learn(tx: Tx, task: Task, agent: str, worked: dict[str, float]) -> None:
    """The kind learns from all of the work, a person only from a task they did alone."""
    kind = tx.policies.kinds.get(task.kind)
    file = kind.expected_minutes if kind else task.minutes
    whole = store.learnt_locked(tx, task.kind, EVERYBODY)
    store.save_learnt(tx, task.kind, EVERYBODY, learn(whole, sum(worked.values()), estimate(file, whole)))
    if list(worked) == [agent]:
        own = store.learnt_locked(tx, task.kind, agent)
        store.save_learnt(tx, task.kind, agent, learn(own, worked[agent], estimate(file, whole, own)))


def _write_down(tx: Tx, task: Task, minutes: float, *, again: bool) -> None:
    """Work done again adds its minutes; the task itself was counted the first time."""
    person = agents.get_agent(tx, task.completed_by or "")
    share = fairness.share_of(task, tx.policies.kinds.get(task.kind), minutes, ZoneInfo(person.time_zone))
    store.add_share(tx, person.key, fairness.Share(share.on, minutes, 0, 0, 0) if again else share)
