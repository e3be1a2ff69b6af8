"""A person comes or goes: their presence changes, and what they hold follows in the same transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from taskhub.agents import service as agents
from taskhub.db.tx import Tx
from taskhub.tasks import timers

GONE = ("away", "offline")


def set_presence(tx: Tx, key: str, status: str, until: datetime | None = None) -> Any:
    """Sets presence; away and offline return unstarted work and set started work aside, being back takes it up."""
    person = agents.set_presence(tx, key, status, until)
    if status in GONE:
        timers.gone(tx, key, until)
    elif status == "available":
        timers.back(tx, key)
    return person
