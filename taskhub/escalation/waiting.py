"""What people are told of work that waits: a paused task is called to mind, a late one has come to somebody new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.escalation import addressing, asking
from taskhub.escalation.addressing import Person
from taskhub.escalation.notifications.model import INFO, LATE, Notice
from taskhub.escalation.notifications.tell import tell
from taskhub.escalation.people import concern_of, directory_of
from taskhub.policy.promise import REP
from taskhub.policy.text import LocalText
from taskhub.tasks import service as tasks
from taskhub.tasks.model import ASSIGNED, PAUSED, Task

Texts = Mapping[str, tuple[str, str]]

REMINDED: Texts = {
    "en": (
        "Still waiting: {title}",
        (
            "{title} ({kind}) has been waiting with {holder} since {since}.\nReason: {reason}\nUntil: {until}\n"
            "Due: {due}\n\nTake it up again, hand it over, or complete it."
        ),
    ),
    "fr": (
        "Toujours en attente\u00a0: {title}",
        (
            "{title} ({kind}) attend chez {holder} depuis le {since}.\nMotif\u00a0: {reason}\nJusqu’au\u00a0: {until}\n"
            "Échéance\u00a0: {due}\n\nReprenez la tâche, confiez-la à quelqu’un ou terminez-la."
        ),
    ),
}
GIVEN_LATE: Texts = {
    "en": (
        "Handed to you, and late: {title}",
        (
            "{title} ({kind}) has come to you from {was} and is {state}.\nDue: {due}\n\n"
            "Its clock has gone on: what was counted stays counted."
        ),
    ),
    "fr": (
        "Confiée à vous, et en retard\u00a0: {title}",
        (
            "{title} ({kind}) vous vient de {was} et elle est {state}.\nÉchéance\u00a0: {due}\n\nSon délai continue de "
            "courir\u00a0: ce qui était compté reste compté."
        ),
    ),
}
WORDS = {
    "en": {"nobody": "the queue", "stopped": "the clock stands still", "at_risk": "at risk", "breached": "overdue",
           "none": "-"},
    "fr": {"nobody": "la file", "stopped": "le délai est suspendu", "at_risk": "proche de l’échéance",
           "breached": "en retard", "none": "-"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """What the texts may name beside the task: from whom it came and how late, why it waits and since when."""

    topic: str
    severity: str
    was: str | None = None
    state: str | None = None
    reason: LocalText | None = None
    since: datetime | None = None


def reminded(tx: Tx, row: Taken) -> None:
    """A reminder has fallen due: whoever its reason names is told, unless the task has gone on meanwhile."""
    task = tasks.get(tx, row.key)
    if task.state != PAUSED:
        return
    reason = tx.policies.pause_reasons.get(str(row.payload["reason"]))
    name = reason.name if reason else LocalText(str(row.payload["reason"]))
    since = datetime.fromisoformat(str(row.payload["since"]))
    who = _without_rep(tx, task, [str(one) for one in row.payload["who"]])
    if who:
        _tell(tx, task, who, REMINDED, Facts("reminder", INFO, reason=name, since=since))


def _without_rep(tx: Tx, task: Task, named: Sequence[str]) -> list[str]:
    """Whoever has the open question is asked again; where nothing is open, the person who waits takes their place."""
    told = REP in named and asking.still_asked(tx, task.id)
    rest = [to for to in named if to != REP]
    return rest if told or REP not in named else list(dict.fromkeys([*rest, "agent"]))


def given_late(tx: Tx, row: Taken) -> None:
    """Late work has come to somebody: they are told that its clock has gone on, unless a step has told them."""
    if row.payload.get("told"):
        return
    task = tasks.get(tx, row.key)
    agent = str(row.payload["agent"])
    if task.state == ASSIGNED and task.agent == agent:
        _tell(tx, task, [f"agent:{agent}"], GIVEN_LATE, _late(row))


def _late(row: Taken) -> Facts:
    return Facts("given_late", LATE, row.payload.get("was"), str(row.payload["state"]))


def _tell(tx: Tx, task: Task, who: Sequence[str], texts: Texts, facts: Facts) -> None:
    """One notice to each person or channel, or who stands in for them; one that comes to nobody goes to the log."""
    concern = concern_of(tx, task)
    directory = directory_of(tx, concern, [*who, *([f"agent:{facts.was}"] if facts.was else [])])
    names = {key: one.name for key, one in directory.people.items()}
    told = {(one.agent, one.url) for one in addressing.tell(who, concern, directory)}
    for agent, url in sorted(told, key=str):
        person = directory.people.get(agent or "")
        language = person.language.split("-")[0].lower() if person is not None else "en"
        subject, body = texts.get(language, texts["en"])
        said = _said(tx, task, facts, names, person)
        words = subject.format_map(said), f"{body.format_map(said)}\n{task.id}"
        tell(tx, Notice(facts.topic, facts.severity, *words, agent, url, person.email if person else None, task.id))


def _said(tx: Tx, task: Task, facts: Facts, names: Mapping[str, str], person: Person | None) -> dict[str, str | None]:
    language = person.language.split("-")[0].lower() if person is not None else "en"
    zone = ZoneInfo(person.time_zone if person is not None else "UTC")
    words = WORDS.get(language, WORDS["en"])
    kind = tx.policies.kinds.get(task.kind)
    return {
        "title": " ".join(task.title.split())[:200], "kind": kind.name.in_(language) if kind else task.kind,
        "holder": names.get(task.agent or "", task.agent or words["nobody"]),
        "was": names.get(facts.was or "", facts.was or words["nobody"]),
        "state": words.get(facts.state or "none", facts.state), "reason": facts.reason.in_(language) if facts.reason
        else words["none"], "since": _moment(facts.since, zone) or words["none"],
        "until": _moment(task.paused_until, zone) or words["none"], "due": _moment(task.due_at, zone)
        or words["stopped" if task.sla_state == "paused" else "none"],
    }  # fmt: skip


def _moment(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})" if at else ""
