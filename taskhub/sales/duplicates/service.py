"""Prints are kept as records change; whoever is about to make a record, or looks at one, sees what it may double."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.events.model import RecordRef
from taskhub.sales.duplicates import denials
from taskhub.sales.duplicates.blocking import keys_of
from taskhub.sales.duplicates.judge import Verdict, judged
from taskhub.sales.duplicates.prints import FAMILIES, TELLING, Print, print_of
from taskhub.sales.duplicates.store import prints as store
from taskhub.sales.model import RecordState

SHOWN = 20
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Double:
    """A record that may stand for the same. ``likely``: the score is high enough to say so."""

    record: str
    verdict: Verdict
    likely: bool


def noted(tx: Tx, states: Mapping[RecordRef, RecordState]) -> None:
    """Keeps the prints of records that are locked and have just been written; most events tell nothing of these."""
    told = {
        str(ref): (ref.noun, state.fields)
        for ref, state in states.items()
        if ref.noun in FAMILIES and not state.fields.keys().isdisjoint(TELLING)
    }
    if told:
        note(tx, told)


def note(tx: Tx, told: Mapping[str, tuple[str, Mapping[str, Any]]]) -> int:
    """The same from (noun, fields) of records as noun:id. Returns how many prints changed."""
    region = tx.policies.duplicates.region
    before = store.prints(tx, sorted(told))
    changes = [
        change
        for record, (noun, fields) in sorted(told.items())
        if (change := _change(record, noun, before.get(record), print_of(noun, fields, region))) is not None
    ]
    store.write(tx, changes)
    return len(changes)


def forgotten(tx: Tx, records: Iterable[str]) -> None:
    """The prints of records that are gone go, too."""
    known = store.prints(tx, sorted(records))
    store.write(
        tx, [store.Change(one, None, keys_of(was, FAMILIES[one.partition(":")[0]]), ()) for one, was in known.items()]
    )


def _change(record: str, noun: str, before: Print | None, after: Print) -> store.Change | None:
    if after == (before or Print()):
        return None
    old = set(keys_of(before, FAMILIES[noun])) if before is not None else set()
    new = set(keys_of(after, FAMILIES[noun])) if after.tells else set()
    return store.Change(record, after if after.tells else None, sorted(old - new), sorted(new - old))


def of_record(tx: Tx, ref: RecordRef) -> list[Double]:
    """What a stored record may double, the likeliest first. Raises NotFound."""
    known = store.fields(tx, ref.noun, ref.id)
    if known is None:
        raise NotFound("There is no such record, or you may not see it.")
    return like(tx, ref.noun, known, record=str(ref))


def like(tx: Tx, noun: str, fields: Mapping[str, Any], *, record: str | None = None) -> list[Double]:
    """What a record with these fields would double, the likeliest first; ``record``: it is stored already."""
    rules, family = tx.policies.duplicates, FAMILIES[noun]
    mine = print_of(noun, fields, rules.region)
    found = store.alike(tx, keys_of(mine, family))
    denied = denials.of(tx, record) if record is not None else frozenset()
    doubles = [
        Double(other, verdict, verdict.score >= rules.likely)
        for other, theirs in found.items()
        if other != record and other not in denied
        and (verdict := judged(mine, theirs, family, least=rules.possible)) is not None
    ]  # fmt: skip
    apart = linked(tx, ((record or "", one.record) for one in doubles))
    doubles = [one for one in doubles if (record or "", one.record) not in apart]
    return sorted(doubles, key=lambda one: (-one.verdict.score, one.record))[:SHOWN]


def judge_now(tx: Tx, one: RecordRef, two: RecordRef) -> Verdict | None:
    """The verdict on two stored records as they are at this moment; None below what is shown, or where one is gone."""
    found = store.prints(tx, [str(one), str(two)])
    if len(found) < 2 or one.noun not in FAMILIES:
        return None
    least = tx.policies.duplicates.possible
    return judged(found[str(one)], found[str(two)], FAMILIES[one.noun], least=least)


def linked(tx: Tx, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the pairs that are a lead and its contact: alike by intent, and told apart already."""
    told = [pair for pair in pairs if {record.partition(":")[0] for record in pair} == {"lead", "contact"}]
    contacts = store.contacts(tx, sorted({record for pair in told for record in pair}))
    return {(one, two) for one, two in told if contacts.get(one) == two or contacts.get(two) == one}


def rebuild(tx: Tx, noun: str, after: str) -> tuple[int, int, str | None]:
    """Keeps the prints of the next AT_ONCE records of a noun behind an id, which it locks.

    Returns how many it looked at, how many prints changed, and the id behind which to go on; None: it was the last.
    """
    found = store.records(tx, noun, after, AT_ONCE, lock=True)
    changed = note(tx, {f"{noun}:{id_}": (noun, fields) for id_, fields in found})
    return len(found), changed, found[-1][0] if len(found) == AT_ONCE else None


def rebuild_all(begin: Callable[[], Any], progress: Callable[[int, int], None]) -> tuple[int, int]:
    """The same for all there is, a transaction of ``begin`` for each step. (records, changed prints)."""
    looked, changed = 0, 0
    for noun in FAMILIES:
        after: str | None = ""
        while after is not None:
            with begin() as tx:
                some, new, after = rebuild(tx, noun, after)
            looked, changed = looked + some, changed + new
            progress(looked, changed)
    return looked, changed


def count(tx: Tx, nouns: Iterable[str] = tuple(FAMILIES)) -> int:
    """How many records can be doubles."""
    return store.count(tx, nouns)
