"""What people are shown of an import, and the preview of a file that is not even handed in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taskhub.db.tx import Tx
from taskhub.importing import handing_in, looking, pieces
from taskhub.importing.handing_in import File
from taskhub.importing.judging import judge
from taskhub.importing.model import Row, Run, no_counts


def shown(run: Run) -> dict[str, Any]:
    """An import: how far it is, what it came to, how the file is read."""
    counts = {
        name: run.counts.get(name, 0) for name in ("new", "known", "accounts", "contacts", "tasks", "undone", "kept")
    }
    return {
        "id": run.id, "noun": run.noun, "name": run.name, "state": run.state, "by": run.by, "at": run.at,
        "total": run.total, "done": run.step, "pieces": run.pieces, **counts, "refused": run.counts["refused"],
        "create_tasks": run.options.get("create_tasks", False), "mapping": run.mapping,
        **{name: run.options[name] for name in ("encoding", "delimiter", "header", "left_out", "unsure")},
        "rows": run.preview.get("rows", []), "doubles": run.preview.get("doubles", []),
        "looked_for": run.preview.get("looked_for", 0), "ended_at": run.ended_at, "undone_at": run.undone_at,
        "undone_by": run.undone_by,
    }  # fmt: skip


class Looker:
    """Looks at a file piece by piece and keeps only sums and the first rows."""

    def __init__(self, tx: Tx, file: File) -> None:
        self._file = file
        self._now = tx.now
        self._counts = no_counts()
        self._preview: dict[str, Any] = {}
        self._refused: list[dict[str, Any]] = []
        self._total = 0

    def look(self, tx: Tx, piece: Sequence[Row]) -> None:
        """What would become of these rows."""
        house = looking.house_of(tx, self._now, None)
        rows = judge(self._file.map, self._file.opened.header, house)(piece)
        done, rows, tasks = looking.looked(tx, rows)
        self._counts = looking.added(self._counts, done, tasks)
        self._preview = pieces.previewed(tx, self._preview, rows)
        room = looking.FIRST - len(self._refused)
        told = [{"line": one.line, "reason": one.reason, "message": one.message} for one in done.refused]
        self._refused += told[: max(room, 0)]
        self._total += len(piece)

    def told(self) -> dict[str, Any]:
        """The preview, as of a run that has no id."""
        counts = {name: value for name, value in self._counts.items() if name != "refused"}
        return {
            "id": None, "noun": self._file.noun, "name": self._file.name, "state": "preview", "total": self._total,
            **counts, "undone": 0, "kept": 0, "refused": self._counts["refused"], "mapping": self._file.map.body(),
            **handing_in.told(self._file), "rows": self._preview.get("rows", []), "refusals": self._refused,
            "doubles": self._preview.get("doubles", []), "looked_for": self._preview.get("looked_for", 0),
        }  # fmt: skip
