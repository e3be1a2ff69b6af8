"""The meeting of two reports of one change: a poll saw the result, later the webhook tells of the move. Pure.

What rules fired for on the strength of a state-only event is remembered field by field, and takes away from the first
self-contained event that tells of the same move at or before that instant. Else the late webhook would act again.
Several subscriptions may tell of that one move: a memory that was used stays used for the instant of the move.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from taskhub.events.canonical import canonical
from taskhub.events.model import Event
from taskhub.events.native import CREATED, DECISIVE, DELETED
from taskhub.ids import digest
from taskhub.sales.model import Changes, Firing


def mark(value: object) -> str:
    """What tells a value from another without being it: names and addresses of people are remembered nowhere else."""
    return digest("value", canonical(value))


TRUE = mark(True)
BESIDE_STATUS = frozenset({"lost_reason", "account", "contact", "deal"})  # what the word of an end says with it


def firings_of(event: Event, changes: Changes) -> tuple[Firing, ...]:
    """What to remember after rules fired for a state-only event; nothing for events that state their own changes.

    Of a record seen for the first time that it was made, and how it ended: how it came to be as it is, stage by stage,
    no rule has heard of yet.
    """
    if event.states_change or changes.ref is None or changes.reason is not None:
        return ()
    ref, version = changes.ref, changes.version
    fired = {name: Firing(ref, name, mark(change.new), version) for name, change in changes.fields.items()}
    if f"{ref.noun}.{CREATED}" not in changes.types:
        return tuple(fired.values())
    heard = {DECISIVE.get(name.partition(".")[2]) for name in changes.types}
    heard |= BESIDE_STATUS if "status" in heard else set()
    return (*(one for name, one in fired.items() if name in heard), Firing(ref, CREATED, TRUE, version))


def absorb(event: Event, changes: Changes, remembered: Iterable[Firing]) -> tuple[Changes, tuple[Firing, ...]]:
    """``changes`` without the moves already acted upon, and the memories used up by that."""
    if not event.states_change or changes.ref is None:
        return changes, ()
    ref = changes.ref
    covering = sorted((one for one in remembered if one.ref == ref and _covers(one, changes)), key=_nearest)
    used: dict[str, Firing] = {}
    for fired in covering:
        if fired.field in changes.fields and fired.value == mark(changes.fields[fired.field].new):
            used.setdefault(fired.field, fired)
    whole = next((fired for fired in covering if _whole(fired, changes)), None)
    if whole is not None:
        return replace(changes, fields={}, reason="absorbed"), (whole, *used.values())
    if not used:
        return changes, ()
    left = {name: change for name, change in changes.fields.items() if name not in used}
    if not left:
        return replace(changes, fields={}, reason="absorbed"), tuple(used.values())
    types = tuple(name for name in changes.types if DECISIVE.get(name.partition(".")[2]) not in used)
    return replace(changes, fields=left, types=types or (f"{ref.noun}.updated",)), tuple(used.values())


def _covers(fired: Firing, changes: Changes) -> bool:
    at = changes.version.at
    return fired.taken == at if fired.taken is not None else at <= fired.version.at


def _nearest(fired: Firing) -> tuple[bool, object]:
    """Those of this very move first, then the oldest."""
    return fired.taken is None, fired.version


def _whole(fired: Firing, changes: Changes) -> bool:
    """Whether it takes away all that a creation or a deletion tells."""
    noun = "" if changes.ref is None else changes.ref.noun
    if fired.field == DELETED:
        return fired.value == TRUE and f"{noun}.{DELETED}" in changes.types
    return fired.field == CREATED and f"{noun}.{CREATED}" in changes.types
