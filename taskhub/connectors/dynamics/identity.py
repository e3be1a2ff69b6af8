"""Ids that Dataverse lets us choose, made of what they stand for: a second try writes to the same place. Pure."""

from __future__ import annotations

import uuid

SPACE = uuid.UUID("7f4b1f0c-3f6e-5d1c-9a40-1c1f6a0f6e55")


def work_id(connection: str, task: str) -> str:
    """The id of our task over there: the same for each try, another for each connection."""
    return str(uuid.uuid5(SPACE, f"{connection}:{task}"))
