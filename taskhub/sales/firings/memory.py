"""The same meeting in memory, for events that are gone through once more. Pure."""

from __future__ import annotations

from taskhub.events.model import Event, RecordRef
from taskhub.events.own import SOURCE
from taskhub.sales.absorb import absorb, firings_of
from taskhub.sales.model import Changes, Firing


class Memory:
    """What was acted upon early, as far as the events go that were gone through."""

    def __init__(self) -> None:
        self._fired: dict[RecordRef, list[Firing]] = {}

    def meet(self, event: Event, changes: Changes) -> Changes:
        """``changes`` without what was acted upon already."""
        if event.connection is None or event.source == SOURCE:
            return changes
        if changes.ref is None or changes.reason is not None or changes.ref not in self._fired:
            return changes
        known = self._fired[changes.ref]
        left, used = absorb(event, changes, known)
        self._fired[changes.ref] = [_used(one, changes) if one in used else one for one in known]
        return left

    def remember(self, event: Event, changes: Changes) -> None:
        """Rules have fired for what a state has shown."""
        for one in firings_of(event, changes):
            self._fired.setdefault(one.ref, []).append(one)


def _used(one: Firing, changes: Changes) -> Firing:
    """A memory that has absorbed ``changes``."""
    return one._replace(taken=changes.version.at)
