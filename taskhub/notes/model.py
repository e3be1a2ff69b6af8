"""A note, a link, an answer: what each holds, and who may change it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskhub.errors import Conflict, Forbidden, InvalidInput, NotFound, VersionClash
from taskhub.notes.links import checked

NOTE, LINK, ANSWER = "note", "link", "answer"
LONGEST_TEXT, LONGEST_TITLE = 20_000, 500
UNSEEN = "There is no such note, or you may not see it."


@dataclass(frozen=True, slots=True)
class Note:
    """``text`` is kept exactly as it was typed; of a link it is the title. ``question``: what an answer answers."""

    id: str
    kind: str
    by: str
    text: str
    url: str | None
    at: datetime
    changed_at: datetime | None
    removed_at: datetime | None
    removed_by: str | None
    question: str | None
    version: int
    on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """What is about to be written."""

    text: str
    url: str | None = None
    question: str | None = None

    @property
    def kind(self) -> str:
        """Which of the three it is."""
        return ANSWER if self.question else LINK if self.url is not None else NOTE


def drafted(text: str, url: str | None = None, question: str | None = None) -> Draft:
    """A note, a link where there is a ``url``, an answer to a question. Raises InvalidInput that names each fault."""
    wrong = _faults(text, url, ANSWER if question else "text")
    if wrong:
        raise _invalid(wrong)
    return Draft(text, url, question)


def changed(note: Note, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that differ once ``wanted`` (text, url) is written. Raises InvalidInput."""
    if note.kind != LINK and wanted.get("url") is not None:
        raise _invalid([("url", "belongs to a link; add one with /links")])
    if note.kind == LINK and "url" in wanted and wanted["url"] is None:
        raise _invalid([("url", "is missing: a link points somewhere; remove it instead")])
    after = {"text": note.text, "url": note.url} | dict(wanted)
    wrong = _faults(after["text"], after["url"])
    if wrong:
        raise _invalid(wrong)
    return {name: value for name, value in after.items() if value != getattr(note, name)}


def refuse_others(note: Note, me: str, version: int | None, *, house: bool = False) -> None:
    """Raises Forbidden for a note of somebody else, VersionClash where it has changed, NotFound once it is removed.

    ``house``: an administrator may take away what somebody else wrote; nobody rewrites it.
    """
    if note.removed_at is not None:
        raise NotFound(UNSEEN)
    if note.by != me and not house:
        raise Forbidden("Only who wrote a note changes or removes it.", code="not_the_author", by=note.by)
    if version is not None and version != note.version:
        raise VersionClash(
            f"The note has changed: it is at version {note.version}, you sent {version}. Read it again.",
            version=note.version,
        )


def refuse_present(note: Note) -> None:
    """Raises Conflict where a note that is to come back was never away, or is back already."""
    if note.removed_at is None:
        raise Conflict("This note is there.", code="nothing_to_change")


def _faults(text: Any, url: str | None, name: str = "text") -> list[tuple[str, str]]:
    longest = LONGEST_TEXT if url is None else LONGEST_TITLE
    name = name if url is None else "title"
    wrong = []
    if not isinstance(text, str) or not text.strip():
        wrong.append((name, "is empty: say something"))
    elif len(text) > longest:
        wrong.append((name, f"has {len(text)} characters; {longest} are the most"))
    if url is not None and (fault := checked(url)) is not None:
        wrong.append(("url", fault))
    return wrong


def _invalid(wrong: list[tuple[str, str]]) -> InvalidInput:
    errors = [{"path": path, "message": message} for path, message in wrong]
    return InvalidInput("; ".join(f"{path} {message}" for path, message in wrong) + ".", errors=errors)
