"""A person's record changes; one who becomes inactive leaves, with all that follows, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.acts import leaving
from taskhub.agents import service as agents
from taskhub.agents.model import Agent
from taskhub.db.tx import Tx


def patch_agent(tx: Tx, key: str, changes: Mapping[str, Any], version: int | None = None) -> Agent:
    """Changes a person; ``active`` false is the same as leaving without naming a colleague."""
    goes = changes.get("active") is False and agents.get_agent(tx, key).active
    if not goes:
        return agents.patch_agent(tx, key, changes, version)
    agents.patch_agent(tx, key, {name: value for name, value in changes.items() if name != "active"}, version)
    leaving.leave(tx, key)
    return agents.get_agent(tx, key)
