"""What acts on many tasks of one transaction would write one by one, noted so that each table is written once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

HELD_BACK = "held back"  # where a transaction keeps it


class HeldBack:
    """Changed columns by task, whole clocks by task and target; the last change counts."""

    def __init__(self) -> None:
        self.tasks: dict[str, dict[str, Any]] = {}
        self.clocks: dict[tuple[str, str], Mapping[str, Any]] = {}

    def save(self, task_id: str, changes: Mapping[str, Any]) -> None:
        """Columns of a task."""
        self.tasks.setdefault(task_id, {}).update(changes)

    def put(self, faces: Sequence[Mapping[str, Any]]) -> None:
        """Clocks as they are now."""
        self.clocks |= {(face["task"], face["target"]): face for face in faces}

    def tasks_alike(self) -> list[list[dict[str, Any]]]:
        """Rows to write, those of the same columns together."""
        alike: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for task_id, changes in self.tasks.items():
            alike[tuple(sorted(changes))].append({"id": task_id, **dict(sorted(changes.items()))})
        return list(alike.values())
