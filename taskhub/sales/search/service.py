"""What is found by its words: kept in the transaction that changes a record, read with what the caller may see."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef
from taskhub.sales.model import RecordState
from taskhub.sales.search import queries, ranking, store
from taskhub.sales.search.queries import BEGINNING, EXACTLY, INSIDE, NOUNS, Leading
from taskhub.sales.search.ranking import Match
from taskhub.sales.search.scope import Scope
from taskhub.sales.search.store import Change, Kept
from taskhub.sales.search.tokens import TASK, Entry, Term, entry, terms, words_of

MOST = 1_000
"""So many entries are ranked at most; beyond that the newest of those that answer best are."""
LONGEST_QUERY = 200
BEST = 1_000

Told = tuple[Mapping[str, Any], datetime]
Place = tuple[int, float, str]


class Found(NamedTuple):
    """One record or task: ``fields`` as it is now, ``score`` among those found, ``matched`` where it answers.

    ``matched`` is empty where the words went at this very moment, or numbers were read as those of another region.
    """

    record: str
    noun: str
    score: int
    fields: Mapping[str, Any]
    matched: Sequence[Match]
    place: Place


class Page(NamedTuple):
    """``complete`` False: more answer than were ranked, another word would help; ``next``: behind whom to go on."""

    items: Sequence[Found]
    complete: bool
    next: Place | None


def noted(tx: Tx, states: Mapping[RecordRef, RecordState], fresh: Collection[RecordRef] = ()) -> None:
    """Keeps the entries of records that are locked and have just been written; of ``fresh`` ones none is stored yet."""
    told = {ref: (state.fields, state.first_seen) for ref, state in states.items() if ref.noun in NOUNS}
    note(tx, {str(ref): said for ref, said in told.items() if ref not in fresh})
    note(tx, {str(ref): said for ref, said in told.items() if ref in fresh}, fresh=True)


def forgotten(tx: Tx, records: Sequence[str]) -> int:
    """The entries of records that are gone go, too. How many there were."""
    known = store.entries(tx, sorted(records)) if records else {}
    gone = [
        Change(record, record.partition(":")[0], None, was.at, sorted(words_of(was.entry.text)), ())
        for record, was in sorted(known.items())
    ]
    if gone:
        store.write(tx, gone)
    return len(gone)


def note(tx: Tx, told: Mapping[str, Told], *, fresh: bool = False) -> int:
    """The same from (fields, since when) of records as noun:id; how many changed. ``fresh``: nothing is stored yet."""
    region = tx.policies.duplicates.region
    before = {} if fresh or not told else store.entries(tx, sorted(told))
    changes = [
        change
        for record, (fields, at) in sorted(told.items())
        if (change := _change(record, before.get(record), entry(record.partition(":")[0], fields, region), at))
    ]
    if changes:
        store.write(tx, changes)
    return len(changes)


def _change(record: str, before: Kept | None, after: Entry | None, at: datetime) -> Change | None:
    was = before.entry if before is not None else None
    if was == after:
        return None
    old = words_of(was.text) if was is not None else set()
    new = words_of(after.text) if after is not None else set()
    since = before.at if before is not None else at
    return Change(record, record.partition(":")[0], after, since, sorted(old - new), sorted(new - old))


def find(
    tx: Tx, q: str, scope: Scope, after: Place | None, limit: int, nouns: Iterable[str] = NOUNS
) -> Page:  # fmt: skip
    """What answers to every word of ``q``, the best first. Raises InvalidInput for a ``q`` that asks for nothing."""
    wanted = _known(tx, terms(q, tx.policies.duplicates.region))
    chosen = tuple(nouns)
    rows, complete = _gathered(tx, wanted, scope, chosen)
    named = {row.record: row for row in _named(tx, q, scope, chosen)}
    ranked = sorted(_place(wanted, row, named) for row in (rows | named).values())
    behind = [one for one in ranked if after is None or one > after]
    page = behind[:limit]
    said = store.originals(tx, [record for _, _, record in page])
    entries = rows | named
    stand = [one for one in page if one[2] in said and _stands(entries[one[2]], said[one[2]], scope)]
    region = tx.policies.duplicates.region
    items = [_found(wanted, one, said[one[2]], region, named) for one in stand]
    return Page(items, complete, page[-1] if len(behind) > limit else None)


def _stands(row: Any, fields: Mapping[str, Any], scope: Scope) -> bool:
    """Whether the entry was seen as what the record is now: whose it is may have changed without its words."""
    owner = fields.get("owner")
    return scope.all_records or row.noun == TASK or row.owner == (owner if isinstance(owner, str) else None)


def _found(
    wanted: Sequence[Term], place: Place, fields: Mapping[str, Any], region: str | None, named: Mapping[str, Any]
) -> Found:  # fmt: skip
    noun, _, id_ = place[2].partition(":")
    by_id = [Match("id", id_)] if place[2] in named else []
    matches = ranking.matched(wanted, noun, fields, region) or by_id
    return Found(place[2], noun, -place[0], fields, matches, place)


def _place(wanted: Sequence[Term], row: Any, named: Mapping[str, Any]) -> Place:
    """What is smaller stands first. Somebody who knows an id means that record."""
    score = BEST if row.record in named else ranking.score(wanted, row.text)
    return -score, -row.at.timestamp(), row.record


def _known(tx: Tx, asked: Sequence[Term]) -> list[Term]:
    """A number that nobody has is looked for as its words, as it was written."""
    told: list[Term] = []
    for term in asked:
        there = not term.apart or queries.count(tx, term, queries.reach(tx, term))
        told += [term] if there else [Term((word,)) for word in term.apart]
    return told


def _gathered(
    tx: Tx, wanted: Sequence[Term], scope: Scope, nouns: Sequence[str]
) -> tuple[dict[str, Any], bool]:  # fmt: skip
    """Entries that answer; of too many those with the whole word, then its beginning, then a part: MOST at most."""
    by = _leading(tx, wanted)
    inside = [] if by.many else queries.answering(tx, by, INSIDE, scope, nouns, MOST + 1)
    if not by.many and len(inside) <= MOST:
        return {row.record: row for row in inside}, by.reached.all
    rows: dict[str, Any] = {}
    for how in (EXACTLY, BEGINNING, INSIDE):
        some = queries.answering(tx, by, how, scope, nouns, MOST + 1)
        rows |= {row.record: row for row in some if row.record not in rows}
        if len(rows) > MOST:
            return dict(list(rows.items())[:MOST]), False
    return rows, by.reached.all


def _leading(tx: Tx, wanted: Sequence[Term]) -> Leading:
    """The term that the fewest records answer to leads."""
    reached = [queries.reach(tx, term) for term in wanted]
    counts = [queries.count(tx, term, reached[place]) for place, term in enumerate(wanted)]
    by = counts.index(min(counts))
    others = [term for place, term in enumerate(wanted) if place != by]
    return Leading(wanted[by], reached[by], others, counts[by] == queries.PROBE)


def _named(tx: Tx, q: str, scope: Scope, nouns: Sequence[str]) -> list[Any]:
    """What has this very id, alone or as noun:id."""
    given = q.strip()
    if not given or len(given.split()) > 1:
        return []
    noun, _, id_ = given.partition(":")
    if id_ and noun in nouns:
        return queries.by_id(tx, [id_], scope, [noun], MOST)
    return queries.by_id(tx, [given], scope, nouns, MOST)
