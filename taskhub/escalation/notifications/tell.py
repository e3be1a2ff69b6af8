"""Telling somebody: the notice is written down, and whoever places notices is rung. Nothing leaves here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from taskhub.db.tx import Tx
from taskhub.escalation.notifications import store
from taskhub.escalation.notifications.model import URL, Notice
from taskhub.failpoints import failpoint
from taskhub.ids import new_id

LOG = "log:"
WRITTEN = "notice.written"


def tell(tx: Tx, notice: Notice) -> str:
    """Puts the notice on its reader's list; how and when it leaves is decided at once, by their wishes. Its id."""
    id_ = new_id()
    address = f"{URL}:{notice.url}" if notice.url else f"mailto:{notice.email}" if notice.email else LOG
    row: dict[str, Any] = {
        "id": id_,
        "task": notice.task,
        "agent": notice.agent,
        "address": address,
        "subject": notice.subject,
    }
    row |= {"body": notice.body, "at": tx.now, "addressee": notice.addressee, "topic": notice.topic}
    store.add(tx, row | {"severity": notice.severity})
    tx.emit(WRITTEN, notice.addressee)
    failpoint("notice.written")
    return id_


def told_since(tx: Tx, agent: str, about: str, since: datetime) -> bool:
    """Whether the person has had a notice whose last line is ``about`` since then."""
    return store.told_since(tx, agent, about, since)


def of_task(tx: Tx, task_id: str) -> list[Any]:
    """The notices of a task, oldest first."""
    return store.of_task(tx, task_id)
