"""Merges on record: where a record went, what went into one, and what is said of a record that went before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from taskhub.db.interruption import Interrupted
from taskhub.db.tx import Tx
from taskhub.errors import Conflict, NotFound
from taskhub.events.model import Event, RecordRef
from taskhub.events.times import written
from taskhub.sales.duplicates import denials, following
from taskhub.sales.duplicates.following import Followed, Way
from taskhub.sales.duplicates.store import merges as store
from taskhub.sales.duplicates.store import pairs
from taskhub.sales.duplicates.store.merges import Merge as Merge  # noqa: PLC0414  what callers read
from taskhub.sales.model import RecordState

MOST_LINKS = 1_000
UNSEEN = "There is no such merge, or you may not see it."
POINTING: Mapping[str, tuple[str, ...]] = {
    "lead": ("deal",), "deal": ("lead",), "contact": ("lead", "deal"), "account": ("lead", "deal", "contact"),
}  # fmt: skip
"""Who names a record of that noun in a field of its own: they follow it."""


def ref_of(record: str) -> RecordRef:
    """A record as it stands in these tables: noun:id."""
    noun, _, id_ = record.partition(":")
    return RecordRef(noun, id_)


def ways(tx: Tx, refs: Iterable[RecordRef]) -> dict[RecordRef, Way]:
    """Where these records went, and where those went they went into: a statement for each link of the longest chain."""
    found: dict[RecordRef, Way] = {}
    ask = sorted(map(str, refs))
    while ask:
        went = {ref_of(one.gone): _way(one) for one in store.live(tx, ask)}
        found |= went
        ask = sorted({str(way.to) for way in went.values() if way.to not in found})
    return found


def _way(one: Merge) -> Way:
    return Way(ref_of(one.stays), one.at, frozenset(one.done.get("chosen", ())))


def followed(tx: Tx, event: Event) -> Followed:
    """The event with every record it names where it is now."""
    names = following.named(event)
    return following.followed(event, ways(tx, names)) if names else Followed(event, {})


def current(tx: Tx, ref: RecordRef) -> RecordRef:
    """Where a record is now: itself, unless it was merged."""
    return following.end(ref, ways(tx, [ref]))


def live(tx: Tx, ref: RecordRef) -> Merge | None:
    """The merge that holds by which it went."""
    return next(iter(store.live(tx, [str(ref)])), None)


def get(tx: Tx, id_: str, *, lock: bool = False) -> Merge:
    """One merge. Raises NotFound."""
    found = store.get(tx, id_, lock=lock)
    if found is None:
        raise NotFound(UNSEEN)
    return found


def find(tx: Tx, id_: str) -> list[Merge]:
    """The merge of that id, or the merges of that batch. Raises NotFound."""
    one = store.get(tx, id_)
    return [one] if one is not None else of_batch(tx, id_)


def into(tx: Tx, ref: RecordRef) -> list[Merge]:
    """The merges that hold by which others went into it."""
    return store.into(tx, str(ref))


def of_batch(tx: Tx, batch: str) -> list[Merge]:
    """The merges that were done together, newest first. Raises NotFound."""
    found = store.of_batch(tx, batch)
    if not found:
        raise NotFound(UNSEEN)
    return found


def keep(tx: Tx, new: Merge) -> None:
    """Puts it on record."""
    store.add(tx, new)


def more_followed(tx: Tx, one: Merge, tasks: Mapping[str, Any], closed: Collection[Any]) -> None:
    """Work that came late followed as well: its undo must know. What was noted of a task before stays as it was."""
    if tasks or closed:
        noted = {**tasks, **one.done.get("tasks", {})}
        store.save_done(tx, one.id, {**one.done, "tasks": noted, "closed": [*one.done.get("closed", []), *closed]})


def ended(tx: Tx, one: Merge) -> None:
    """It was taken back."""
    store.end(tx, one.id, tx.by.agent or tx.by.label)


def page(tx: Tx, after: tuple[datetime, str] | None, most: int) -> list[Merge]:
    """Merges that hold, newest first."""
    return store.page(tx, after, most)


def pointing(tx: Tx, noun: str, ids: Collection[str]) -> dict[RecordRef, str]:
    """Who names one of these records, and which. Raises Conflict where they are too many for one call."""
    rows = store.pointing(tx, noun, ids, POINTING[noun], MOST_LINKS + 1)
    if len(rows) > MOST_LINKS:
        raise Conflict(
            f"More than {MOST_LINKS} records belong to it: let it stay, and the others go.", code="too_many_links",
            limit=MOST_LINKS,
        )  # fmt: skip
    return {RecordRef(other, id_): of for other, id_, of in rows}


def refuse_gone(tx: Tx, state: RecordState) -> None:
    """Raises Conflict for a record that was merged into another one, and says which."""
    if state.fields.get("deleted") is not True or (one := live(tx, state.ref)) is None:
        return
    last = current(tx, state.ref)
    raise Conflict(
        f"This {state.ref.noun} was merged into {last.id} by {one.by} at {written(one.at)}: work with that one, or "
        "take the merge back.",
        code="already_merged", merged_into=last.id, merge=one.id, by=one.by, at=written(one.at),
    )  # fmt: skip


def refuse_merged_since(tx: Tx, ref: RecordRef, since: datetime) -> None:
    """Raises Conflict for a locked record that was merged, or into which another one went later than ``since``."""
    here = live(tx, ref)
    found = [here] if here is not None else [one for one in into(tx, ref) if one.at > since]
    if found:
        one = found[-1]
        raise Conflict(
            f"{one.gone} was merged into {one.stays} by {one.by} at {written(one.at)}: take the merge back first.",
            code="already_merged", merged_into=ref_of(one.stays).id, merge=one.id, by=one.by, at=written(one.at),
        )  # fmt: skip


def refuse_moved(tx: Tx, before: RecordState | None, gone: Collection[RecordRef]) -> None:
    """Raises Interrupted where a record was merged, or given back, between the look and its lock: look again."""
    if before is None or (before.fields.get("merged_into") is not None) == (before.ref in gone):
        return
    if (live(tx, before.ref) is not None) != (before.ref in gone):
        raise Interrupted("A record was merged at this very moment. Try again.", lost=False)


def refuse_denied(tx: Tx, stays: RecordRef, gone: Iterable[RecordRef]) -> None:
    """Raises Conflict for two of which somebody said that they are not the same."""
    apart = sorted(str(ref) for ref in gone if str(ref) in denials.of(tx, str(stays)))
    if apart:
        raise Conflict(
            f"{stays} and {', '.join(apart)} were said not to be the same: take that back first.", code="not_the_same",
            records=[str(stays), *apart],
        )  # fmt: skip


def inherit(tx: Tx, gone: RecordRef, stays: RecordRef) -> list[str]:
    """Whom the one that goes was said not to be, the one that stays is not either. Returns whom it was not so far."""
    known = denials.of(tx, str(stays))
    new = sorted(other for other in denials.of(tx, str(gone)) if other not in known and other != str(stays))
    return [other for other in new if pairs.deny(tx, _pair(str(stays), other), f"{gone} is not")]


def disinherit(tx: Tx, stays: RecordRef, others: Iterable[Any]) -> None:
    """That is taken back with the merge."""
    for other in others:
        pairs.undeny(tx, _pair(str(stays), str(other)))


def _pair(one: str, two: str) -> tuple[str, str]:
    first, second = sorted((one, two))
    return first, second
