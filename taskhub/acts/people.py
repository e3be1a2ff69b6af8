"""A person's record changes; one who becomes inactive gives back what they hold in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.agents import service as agents
from taskhub.agents.model import Agent
from taskhub.db.tx import Tx
from taskhub.tasks import timers


def patch_agent(tx: Tx, key: str, changes: Mapping[str, Any], version: int | None = None) -> Agent:
    """Changes a person; ``active`` false returns all of their open work to its queues, notes kept."""
    person = agents.patch_agent(tx, key, changes, version)
    if not person.active:
        timers.left(tx, key)
    return person
