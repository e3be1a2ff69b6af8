"""Rows name records: where those are now, since some were merged, and whether the importer may know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef
from taskhub.importing import rights
from taskhub.importing.model import Judged, NewRecord, NewWork, Refused
from taskhub.importing.rights import Sees
from taskhub.sales import arriving


def named(tx: Tx, judged: Sequence[Judged], sees: Sees, *, hold: bool = False) -> list[Judged]:
    """The rows with every record they name where it is now; refused are those that name what is not to be seen.

    ``hold``: nobody merges these records until the transaction ends.
    """
    rows = [one for one in judged if not isinstance(one, Refused)]
    now = arriving.where_now(tx, {ref for one in rows for ref in _refs(one)}, hold=hold)
    hidden = rights.hidden(tx, sees, set(now.values()))
    files = rights.hidden_files(tx, sees, {one.new.file for one in rows if isinstance(one, NewWork) and one.new.file})

    def there(one: Judged) -> Judged:
        if isinstance(one, Refused):
            return one
        lost = next((ref for ref in _refs(one) if now[ref] in hidden), None)
        if lost is not None:
            return unknown(one.line, lost)
        if isinstance(one, NewWork) and one.new.file in files:
            return unknown(one.line, RecordRef("file", str(one.new.file)))
        moved = {ref: now[ref] for ref in _refs(one) if now[ref] != ref}
        return _moved(one, moved) if moved else one

    return [there(one) for one in judged]


def unknown(line: int, ref: RecordRef) -> Refused:
    """A row that names a record nobody knows, or that is not for the importer: the words tell nothing of which."""
    message = f"{ref.noun}: there is no {ref.noun} {ref.id[:60]!r}; bring it in first, or leave it out."
    return Refused(line, "unknown_record", message)


def _refs(one: NewRecord | NewWork) -> tuple[RecordRef, ...]:
    parties = one.parties if isinstance(one, NewRecord) else ()
    return (*one.links, *(RecordRef(party.noun, party.id) for party in parties if party.id is not None))


def _moved(one: NewRecord | NewWork, to: dict[RecordRef, RecordRef]) -> NewRecord | NewWork:
    links = tuple(to.get(ref, ref) for ref in one.links)
    ids: dict[str, Any] = {ref.noun: to[ref].id for ref in one.links if ref in to}
    if isinstance(one, NewWork):
        return replace(one, links=links, new=replace(one.new, record=str(links[-1]), **ids))
    parties = tuple(
        replace(party, id=to.get(RecordRef(party.noun, party.id), RecordRef(party.noun, party.id)).id)
        if party.id is not None
        else party
        for party in one.parties
    )
    return replace(one, links=links, parties=parties, fields={**one.fields, **ids})
