"""What clients get of notes. Text goes out as it came in: whoever shows it escapes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taskhub.api import queries
from taskhub.db.tx import Tx
from taskhub.notes.model import LINK, Note

AGENT = "agent:"


def note(tx: Tx, one: Note) -> dict[str, Any]:
    """One note."""
    return notes(tx, [one])[0]


def notes(tx: Tx, found: Sequence[Note]) -> list[dict[str, Any]]:
    """Notes with the names of their authors."""
    names = queries.names_of(tx, {one.by.removeprefix(AGENT) for one in found})
    return [_note(one, names.get(one.by.removeprefix(AGENT))) for one in found]


def _note(one: Note, name: str | None) -> dict[str, Any]:
    said = {"title": one.text, "url": one.url} if one.kind == LINK else {"text": one.text}
    answers = {"question": one.question} if one.question else {}
    return {
        "id": one.id, "kind": one.kind, **said, **answers, "on": list(one.on), "by": one.by, "by_name": name,
        "at": one.at, "changed_at": one.changed_at, "version": one.version,
    }  # fmt: skip
