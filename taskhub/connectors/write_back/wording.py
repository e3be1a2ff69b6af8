"""What our task says of itself over there. Pure but for the language of whoever has it."""

from __future__ import annotations

from taskhub.agents import service as agents
from taskhub.connectors.write_back.model import Binding
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.policy.policies import Connection
from taskhub.tasks import service as tasks
from taskhub.tasks.model import Task

LONGEST = 500
NOT_NEEDED = {"en": "no longer needed", "fr": "devenu inutile"}


def text_of(connection: Connection, task: Task) -> str:
    """Where it is found here; without a link set, its id."""
    link = connection.write_back.link
    return f"taskhub: {link}/tasks/{task.id}" if link else f"taskhub: {task.id}"


def closed_because(tx: Tx, now: Binding) -> str:
    """Why nobody does it any more: one line, the same for every try."""
    words = NOT_NEEDED["fr" if _language(tx, now.task).startswith("fr") else "en"]
    reason = " ".join((now.reason or "").split())[:LONGEST]
    return f"taskhub: {words} ({reason})" if reason else f"taskhub: {words}"


def _language(tx: Tx, task_id: str) -> str:
    agent = tasks.get(tx, task_id).agent
    try:
        return agents.get_agent(tx, agent).language if agent else "en"
    except NotFound:
        return "en"
