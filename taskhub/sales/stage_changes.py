"""What one event says of the way of a lead or deal along its path: stage, status, owner. Pure.

The row depends on the event alone, so it is the same in whatever order events arrive.
"""

from __future__ import annotations

from typing import Any

from taskhub.events.model import Event
from taskhub.sales.model import Changes

WAY = ("pipeline", "stage", "status", "owner")


def stage_change(event: Event, changes: Changes) -> dict[str, Any] | None:
    """The row to keep; None where nothing has moved along the path. ``was`` holds old values where they are known."""
    ref = changes.ref
    if ref is None or ref.noun not in ("lead", "deal") or changes.reason is not None:
        return None
    moved = {name: changes.fields[name] for name in WAY if name in changes.fields}
    if not moved:
        return None
    told = {name: str(moved[name].new) if name in moved and moved[name].new is not None else None for name in WAY}
    was = {name: move.old for name, move in moved.items() if move.old is not None}
    return {
        "noun": ref.noun, "record": ref.id, "at": changes.version.at, "type": changes.types[0],
        "source": event.source, "by": event.by, **told, "was": was or None,
    }  # fmt: skip
