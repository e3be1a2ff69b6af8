"""The meeting of two reports of one change: a poll saw the result, later the webhook tells of the move. Pure.

What rules fired for on the strength of a state-only event is remembered field by field, and takes away from the first
self-contained event that tells of the same move at or before that instant. Else the late webhook would act again.

Nobody calls this yet: the only state-only events so far are those a sender posts. ``acts.apply_event`` will, between
projection and rules, once connectors poll and re-read records themselves; the memories then need a table of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from taskhub.events.model import Event
from taskhub.events.native import CREATED, DECISIVE
from taskhub.sales.model import Changes, Firing


def firings_of(event: Event, changes: Changes) -> tuple[Firing, ...]:
    """What to remember after rules fired for a state-only event; nothing for events that state their own changes."""
    if event.states_change or changes.ref is None or changes.reason is not None:
        return ()
    ref, version = changes.ref, changes.version
    fired = [Firing(ref, name, change.new, version) for name, change in changes.fields.items()]
    if f"{ref.noun}.{CREATED}" in changes.types:
        fired.append(Firing(ref, CREATED, True, version))
    return tuple(fired)


def absorb(event: Event, changes: Changes, remembered: Iterable[Firing]) -> tuple[Changes, tuple[Firing, ...]]:
    """``changes`` without the moves already acted upon, and the memories used up by that."""
    if not event.states_change or changes.ref is None:
        return changes, ()
    ref = changes.ref
    covering = [fired for fired in remembered if fired.ref == ref and changes.version.at <= fired.version.at]
    used = {
        fired.field: fired
        for fired in covering
        if fired.field in changes.fields and fired.value == changes.fields[fired.field].new
    }
    created = f"{ref.noun}.{CREATED}"
    birth = next((fired for fired in covering if fired.field == CREATED), None)
    if created in changes.types and birth is not None:
        return replace(changes, fields={}, reason="absorbed"), (birth, *used.values())
    if not used:
        return changes, ()
    left = {name: change for name, change in changes.fields.items() if name not in used}
    if not left:
        return replace(changes, fields={}, reason="absorbed"), tuple(used.values())
    types = tuple(name for name in changes.types if DECISIVE.get(name.partition(".")[2]) not in used)
    return replace(changes, fields=left, types=types or (f"{ref.noun}.updated",)), tuple(used.values())
