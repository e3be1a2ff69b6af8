"""The ladder of a task: looked at when something may be due; each step fires once, with all its effects in one go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from taskhub.agents import availability
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.escalation import addressing, effects, ladder, notices, store
from taskhub.escalation.addressing import LOG, Concern, Directory, Person, Told
from taskhub.escalation.effects import Done, Relief
from taskhub.escalation.ladder import Facts, Fired, Rung
from taskhub.escalation.notices import Case, Reader
from taskhub.ids import new_id
from taskhub.policy.promise import EscalationPolicy
from taskhub.policy.text import LocalText
from taskhub.tasks import clocks, moves, queries
from taskhub.tasks import service as tasks
from taskhub.tasks.model import PAUSED, SET_ASIDE, Task

TIMER = "escalation.step"
HELD = -1  # the step under which it is recorded that work set aside was not taken up again
MOST_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Letter:
    """One notice to deliver; ``id`` is what a receiver may deduplicate by."""

    id: str
    agent: str | None
    address: str
    subject: str
    body: str


def step_due(tx: Tx, task_id: str) -> None:
    """Fires every step due by now, in due order, and sets the timer to the next one. Nothing due: only the timer."""
    seen = tasks.get(tx, task_id)
    policy = ladder.policy_of(tx.policies, seen.sla)
    if policy is None:
        return
    relief = _lock_relief(tx, seen, policy)
    task = moves.locked(tx, task_id)
    for rung in _due(tx, task, policy):
        if relief is None and policy.steps[rung.step].reassign == "leader":
            # It fell due between the look and the lock, and the leader's row comes before the task's: look again.
            break
        task = _fire(tx, task, policy, rung, relief)
    _set_timer(tx, task, policy)


def on_fall(tx: Tx, task_id: str) -> None:
    """A warning or breach is on record: its ladder is looked at."""
    step_due(tx, task_id)


def looks(tx: Tx, ids: Sequence[str]) -> Sequence[str]:
    """Looks at the ladders of many tasks in one transaction, and fires what is due. Returns those it is done with.

    Where a step that is due may hand the task up it locks a person, and people come before tasks: left to ``step_due``.
    """
    queries.lock_ahead(tx, sorted(set(ids)))
    store.read_ahead(tx, ids)
    return [task_id for task_id in dict.fromkeys(ids) if _looked(tx, task_id)]


def _looked(tx: Tx, task_id: str) -> bool:
    task = moves.locked(tx, task_id)
    policy = ladder.policy_of(tx.policies, task.sla)
    if policy is None:
        return True
    due = _due(tx, task, policy)
    if any(policy.steps[rung.step].reassign == "leader" for rung in due):
        return False
    for rung in due:
        task = _fire(tx, task, policy, rung, None)
    _set_timer(tx, task, policy)
    return True


def held(tx: Tx, task_id: str) -> None:
    """Work set aside at the end of its lease has lain for ``hold_for``: the leader is told, once each time."""
    task = moves.locked(tx, task_id)
    queue = tx.policies.queues.get(task.queue)
    if task.state != PAUSED or task.paused_reason != SET_ASIDE or task.paused_at is None or queue is None:
        return
    due = tx.policies.calendar_of(task.queue).add(task.paused_at, queue.hold_for)
    past = [row for row in store.steps(tx, task.id) if row.step == HELD]
    if due > tx.now or any(row.due_at == due for row in past):
        return
    told = _notify(tx, task, ("leader",), {}, is_held=True)
    _record(tx, task, Rung(HELD, len(past), due), SET_ASIDE, {"notified": told})


def of_task(tx: Tx, task_id: str) -> list[Any]:
    """What has fired for a task, oldest first: step, repetition, policy, due_at, at, effects."""
    return store.steps(tx, task_id)


def notices_of(tx: Tx, task_id: str) -> list[Any]:
    """The notices of a task, oldest first."""
    return store.notices(tx, task_id)


def letter(tx: Tx, notice_id: str) -> Letter | None:
    """The notice to deliver; None when it has been delivered."""
    row = store.notice(tx, notice_id)
    if row is None:
        raise NotFound(f"There is no notification {notice_id}.")
    return None if row.delivered_at else Letter(row.id, row.agent, row.address, row.subject, row.body)


def delivered(tx: Tx, notice_id: str) -> None:
    """A notice has left the house."""
    store.delivered(tx, notice_id)


# ── what is due ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _facts(tx: Tx, task: Task) -> Facts | None:
    """None: no ladder runs for this task, or no longer."""
    if not task.is_open or task.acknowledged_at is not None:
        return None
    clock = next((one for one in clocks.of(tx, task) if one.name == "completion"), None)
    return Facts(clock, tx.policies.calendar_of(task.queue), task.paused_at) if clock else None


def _fired(tx: Tx, task: Task) -> dict[tuple[int, int], Fired]:
    return {(r.step, r.repetition): Fired(r.due_at, r.at) for r in store.steps(tx, task.id) if r.step >= 0}


def _due(tx: Tx, task: Task, policy: EscalationPolicy) -> list[Rung]:
    facts = _facts(tx, task)
    return ladder.due_steps(policy, _fired(tx, task), facts, tx.now) if facts else []


def _set_timer(tx: Tx, task: Task, policy: EscalationPolicy) -> None:
    facts = _facts(tx, task)
    rung = ladder.next_step(policy, _fired(tx, task), facts) if facts else None
    if rung is None:
        tx.cancel(TIMER, task.id)
    else:
        tx.emit(TIMER, task.id, due_at=rung.due_at)


# ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _lock_relief(tx: Tx, task: Task, policy: EscalationPolicy) -> Relief | None:
    """The person a step due now would hand the task up to, locked; None where no such step is due."""
    handing_up = any(step.reassign == "leader" for step in policy.steps)
    if not handing_up or not any(policy.steps[rung.step].reassign == "leader" for rung in _due(tx, task, policy)):
        return None
    concern = _concern(tx, task)
    return effects.lock_relief(tx, addressing.leader_at_work(concern, directory_of(tx, concern, ())), task)


def _fire(tx: Tx, task: Task, policy: EscalationPolicy, rung: Rung, relief: Relief | None) -> Task:
    step = policy.steps[rung.step]
    moved, done = effects.apply(tx, task, step, relief)
    # People are told as things stood: "agent" means who held it until now.
    told = _notify(tx, replace(moved, agent=task.agent), step.notify, done)
    _record(tx, task, rung, policy.key, done | {"notified": told})
    return moved


def _record(tx: Tx, task: Task, rung: Rung, policy: str, done: Done) -> None:
    row = {"task": task.id, "step": rung.step, "repetition": rung.repetition, "policy": policy, "due_at": rung.due_at}
    store.record(tx, row | {"at": tx.now, "effects": done})
    change = {"policy": policy, "step": rung.step, "repetition": rung.repetition, "due": rung.due_at.isoformat()}
    tx.record("escalation", task.id, "fire", change | done)


def _notify(tx: Tx, task: Task, notify: Sequence[str], done: Done, *, is_held: bool = False) -> list[Done]:
    """Writes one notice for each person or channel, whoever asked for them, and says who was told instead of whom."""
    if not notify:
        return []
    concern = _concern(tx, task)
    directory = directory_of(tx, concern, notify)
    case = _case(tx, task, done, directory, is_held=is_held)
    sent: dict[tuple[str | None, str | None], str] = {}
    said: list[Done] = []
    for told in addressing.tell(notify, concern, directory):
        to = (told.agent, told.url)
        if to not in sent:
            sent[to] = _write(tx, task, told, directory, case)
        facts = {"asked": told.asked, "agent": told.agent, "instead_of": told.instead_of, "because": told.because}
        said.append({name: value for name, value in facts.items() if value} | {"notification": sent[to]})
    return said


def _write(tx: Tx, task: Task, told: Told, directory: Directory, case: Case) -> str:
    person = directory.people.get(told.agent or "")
    reader = Reader(because=told.because)
    if person is not None:
        reader = Reader(person.language, person.time_zone, _name(directory, told.instead_of), told.because)
    subject, body = notices.write(case, reader)
    address = f"mailto:{person.email}" if person and person.email else LOG
    id_ = new_id()
    row = {"id": id_, "task": task.id, "agent": told.agent, "address": f"url:{told.url}" if told.url else address}
    store.add_notice(tx, row | {"subject": subject, "body": body, "at": tx.now})
    tx.emit("notification.created", id_)
    return id_


def _case(tx: Tx, task: Task, done: Done, directory: Directory, *, is_held: bool) -> Case:
    kind, queue = tx.policies.kinds.get(task.kind), tx.policies.queues.get(task.queue)
    raised, moved = done.get("raised", {}), done.get("reassigned", {})
    return Case(
        task=task.id,
        title=task.title,
        kind=kind.name if kind else LocalText(task.kind),
        queue=queue.name if queue else LocalText(task.queue),
        due_at=task.due_at,
        now=tx.now,
        holder=_name(directory, task.agent),
        held=is_held,
        raised_to=raised.get("to") if raised.get("to") != raised.get("from") else None,
        moved_to=None if moved.get("kept") else _name(directory, moved.get("to")),
    )


def _name(directory: Directory, key: str | None) -> str | None:
    person = directory.people.get(key or "")
    return person.name if person else key


# ── whom it concerns ─────────────────────────────────────────────────────────────────────────────────────────────────
def _concern(tx: Tx, task: Task) -> Concern:
    queue = tx.policies.queues.get(task.queue)
    own = [row.team for row in store.people(tx, [task.agent])] if task.agent else []
    return Concern(task.agent, tuple(own or [*(queue.teams if queue else ()), *task.extra_teams]))


def directory_of(tx: Tx, concern: Concern, notify: Sequence[str]) -> Directory:
    """Everybody the task may concern, and whoever may take their place: loaded round by round until nobody is new."""
    named = {
        kind: [to.partition(":")[2] for to in notify if to.startswith(f"{kind}:")] for kind in ("agent", "team", "role")
    }
    people = _persons(tx, store.people_of(tx, named["team"], named["role"]) if named["team"] or named["role"] else [])
    teams: dict[str, Any] = {}
    wanted = {*named["agent"], *([concern.holder] if concern.holder else [])}
    for _ in range(MOST_ROUNDS):
        found = {one.team for one in people.values()} | {*concern.teams, *named["team"]}
        teams |= {row.key: row for row in store.teams(tx, found - teams.keys())}
        above = {key for row in teams.values() for key in (row.leader, *row.managers) if key}
        wanted |= above | {one.stand_in for one in people.values() if one.stand_in}
        fresh = _persons(tx, store.people(tx, wanted - people.keys()))
        people |= fresh
        if not fresh:
            break
    return Directory(people, {k: t.leader for k, t in teams.items()}, {k: tuple(t.managers) for k, t in teams.items()})


def _persons(tx: Tx, rows: Iterable[Any]) -> dict[str, Person]:
    return {row.key: _person(tx, row) for row in rows}


def _person(tx: Tx, row: Any) -> Person:
    away = availability.present(row.presence, row.presence_until, tx.now) == "away"
    on_shift = availability.on_shift(row.time_zone, availability.weekly(row.shifts or {}), tx.now)
    return Person(
        row.key, row.name, row.email, row.language, row.time_zone, row.team, row.stand_in, tuple(row.roles), row.active,
        absent=bool(row.absence) or away, on_shift=on_shift,
    )  # fmt: skip
