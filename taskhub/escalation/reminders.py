"""Waiting work cannot vanish: its person is reminded of it, or who stands in for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.escalation import addressing
from taskhub.escalation.addressing import Person
from taskhub.escalation.notifications.model import INFO, Notice
from taskhub.escalation.notifications.tell import tell
from taskhub.escalation.people import concern_of, directory_of
from taskhub.policy.text import LocalText
from taskhub.tasks import service as tasks
from taskhub.tasks.model import PAUSED, Task

TEXTS = {
    "en": {
        "subject": "Still waiting: {title}",
        "since": "{title} has been paused since {since} ({zone}): {reason}.",
        "until": "It comes back to your list on {until}.",
        "instead": "It is with {whose}, who is not there now.",
        "next": "Resume it, pause it again with a new date, or hand it over.",
    },
    "fr": {
        "subject": "Toujours en attente : {title}",
        "since": "{title} est en pause depuis le {since} ({zone}) : {reason}.",
        "until": "La tâche revient dans votre liste le {until}.",
        "instead": "Elle est chez {whose}, absence en ce moment.",
        "next": "Reprenez-la, remettez-la en pause avec une nouvelle date, ou confiez-la.",
    },
}  # fmt: skip


def remind(tx: Tx, row: Taken) -> None:
    """``pause.reminder``: key the task, payload {agent, reason, since, until}. Nothing when it is not paused so now."""
    task = tasks.get(tx, row.key)
    agent, reason = str(row.payload.get("agent") or task.agent or ""), str(row.payload.get("reason") or "")
    if task.state != PAUSED or task.agent != agent or reason not in ("", task.paused_reason):
        return
    asked = (f"agent:{agent}",)
    concern = concern_of(tx, task)
    directory = directory_of(tx, concern, asked)
    for told in addressing.tell(asked, concern, directory):
        person = directory.people.get(told.agent or "")
        instead = directory.people.get(told.instead_of or "")
        subject, body = _text(tx, task, row.payload, person, instead.name if instead else None)
        tell(tx, Notice("reminder", INFO, subject, body, told.agent, None, person.email if person else None, task.id))


def _text(tx: Tx, task: Task, payload: dict[str, Any], person: Person | None, whose: str | None) -> tuple[str, str]:
    language = person.language.split("-")[0].lower() if person else "en"
    zone = person.time_zone if person else "UTC"
    words = TEXTS.get(language, TEXTS["en"])
    kind = tx.policies.pause_reasons.get(task.paused_reason or "")
    name = kind.name if kind else LocalText(task.paused_reason or "")
    title = " ".join(task.title.split())[:200]
    since = _moment(payload.get("since"), zone) or _moment(task.paused_at, zone)
    until = _moment(payload.get("until"), zone) or _moment(task.paused_until, zone)
    facts = {"title": title, "since": since, "zone": zone, "reason": name.in_(language), "until": until, "whose": whose}
    parts = ["since", *(["until"] if until else []), *(["instead"] if whose else []), "next"]
    body = "\n".join(words[part].format_map(facts) for part in parts)
    return words["subject"].format_map(facts), f"{body}\n\n{task.id}"


def _moment(at: str | datetime | None, zone: str) -> str:
    found = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{found.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if found else ""
