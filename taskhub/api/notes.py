"""Notes and links: on leads, deals, accounts, contacts and tasks; each seen by whoever sees what it hangs on."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from taskhub.access import service as access
from taskhub.access.roles import ADMIN
from taskhub.acts import noting
from taskhub.api import seen, shown_notes
from taskhub.api.note_bodies import LinkIn, NoteIn, NotePatch
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.http import paging
from taskhub.http.edge import act, look
from taskhub.http.inputs import BIGGEST_VERSION, Id
from taskhub.http.paging import Cursor, Limit
from taskhub.http.route import router
from taskhub.notes import model
from taskhub.notes import service as notes
from taskhub.notes.model import LINK, Draft, Note
from taskhub.tasks.model import Task

routes = router("notes")
NOUNS = ("lead", "deal", "account", "contact", "task")
_Seen = Annotated[int | None, Query(ge=1, le=BIGGEST_VERSION)]


def _of(noun: str) -> None:
    """How notes of one noun are listed and added."""
    room = "task" if noun == "task" else "record"

    def list_notes(tx: Tx, id: Id, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
        found, following = notes.of(tx, _records(tx, noun, id), paging.instant_after(cursor), limit)
        return paging.page(shown_notes.notes(tx, found), paging.encode(*following) if following else None)

    def add_note(tx: Tx, id: Id, body: NoteIn) -> dict[str, Any]:
        return _add(tx, noun, id, model.drafted(body.text))

    def add_link(tx: Tx, id: Id, body: LinkIn) -> dict[str, Any]:
        return _add(tx, noun, id, model.drafted(body.title, body.url))

    more = " and of its deal, or its lead, where the caller may read it" if noun == "task" else ""
    told = (
        (list_notes, f"Notes and links of this {noun}{more}, newest first."),
        (add_note, f"A note on this {noun}, kept exactly as it was typed."),
        (add_link, f"A link on this {noun}: an address of the web and its title."),
    )
    for function, said in told:
        function.__name__, function.__doc__ = f"{function.__name__}_of_{noun}", said
    routes.get(f"/{noun}s/{{id}}/notes")(look(f"{room}.read")(list_notes))
    routes.post(f"/{noun}s/{{id}}/notes", status_code=201)(act(f"{room}.note", "note.add")(add_note))
    routes.post(f"/{noun}s/{{id}}/links", status_code=201)(act(f"{room}.note", "note.link")(add_link))


for _noun in NOUNS:
    _of(_noun)


@routes.get("/notes/{id}")
@look("note.read")
def get_note(tx: Tx, id: Id) -> dict[str, Any]:
    """One note, and what it hangs on."""
    return shown_notes.note(tx, seen.note(tx, id))


@routes.get("/notes/{id}/history")
@look("note.read")
def get_note_history(tx: Tx, id: Id) -> dict[str, Any]:
    """What a note said before, who changed it and when, oldest first."""
    seen.note(tx, id)
    names = ("at", "by", "act", "change", "act_id")
    return paging.page([{name: row[name] for name in names} for row in notes.history(tx, id)], None)


@routes.patch("/notes/{id}")
@act("note.change")
def patch_note(tx: Tx, id: Id, body: NotePatch) -> dict[str, Any]:
    """Its author rewrites it."""
    before = seen.note(tx, id)
    return shown_notes.note(tx, notes.change(tx, id, body.version, _wanted(before, body)))


@routes.delete("/notes/{id}")
@act("note.change", "note.remove")
def remove_note(tx: Tx, id: Id, version: _Seen = None) -> dict[str, Any]:
    """Its author, or an administrator, takes it away; undo brings it back."""
    seen.note(tx, id)
    gone = notes.remove(tx, id, version, house=ADMIN in tx.by.roles)
    return {"removed": gone.id, "at": gone.removed_at, "act": tx.act_id}


def _wanted(before: Note, body: NotePatch) -> dict[str, Any]:
    given = body.model_dump(exclude_unset=True, exclude={"version"})
    own, other = ("title", "text") if before.kind == LINK else ("text", "title")
    wrong = [(name, "is not null") for name in (own,) if name in given and given[name] is None]
    wrong += [(other, f"is none of a {before.kind}: it has a {own}")] if other in given else []
    if wrong:
        said = [{"path": path, "message": message} for path, message in wrong]
        raise InvalidInput("; ".join(f"{path} {message}" for path, message in wrong) + ".", errors=said)
    return {("text" if name == own else name): value for name, value in given.items()}


def _add(tx: Tx, noun: str, id_: str, draft: Draft) -> dict[str, Any]:
    def may() -> None:
        _check(tx, noun, id_, "task.note" if noun == "task" else "record.note")

    may()  # nobody waits for the lock of what they may not write on
    return shown_notes.note(tx, noting.add(tx, noun, id_, draft, may))


def _check(tx: Tx, noun: str, id_: str, permission: str) -> Task | None:
    if noun == "task":
        return seen.task(tx, id_, permission)[0]
    seen.record(tx, noun, id_, permission)
    return None


def _records(tx: Tx, noun: str, id_: str) -> list[str]:
    """What the list of an object shows: its own notes; a task those of its deal as well, else of its lead."""
    task = _check(tx, noun, id_, "task.read" if noun == "task" else "record.read")
    about = [("deal", task.deal), ("lead", task.lead)] if task is not None else []
    further = next(((other, of) for other, of in about if of), None)
    who = access.caller(tx)
    return [f"{noun}:{id_}", *([f"{further[0]}:{further[1]}"] if further and seen.visible(tx, who, *further) else [])]
