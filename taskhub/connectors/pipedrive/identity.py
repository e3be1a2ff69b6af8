"""What tells our own work over there, which knows no key of ours. Pure."""

from __future__ import annotations

import re

from taskhub.ids import digest

ANY_MARK = re.compile(r"\[th-[0-9a-f]{12}\]", re.ASCII)


def mark_of(connection: str, task: str) -> str:
    """Our mark in a subject: the same for each try of a task, another for each connection."""
    return f"th-{digest('work', connection, task)[:12]}"
