"""What was there before words were kept gets them: a little at a time, beside everybody's work.

All is looked through twice, an hour apart: while a deployment goes on, processes of the release before write records
without their words.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from taskhub.db.tx import Tx
from taskhub.sales.search import service, store
from taskhub.sales.search.queries import NOUNS

AT_ONCE = 500
PASSES = 2
APART = timedelta(hours=1)


def fill(tx: Tx) -> bool:
    """The next records, or nothing once all have been looked through. Whether there may be more."""
    done = store.ended(tx)
    for noun in NOUNS:
        passes, at = done.get(noun, (0, tx.now))
        if passes == 0 or (passes < PASSES and at <= tx.now - APART):
            _step(tx, noun)
            return True
    return False


def _step(tx: Tx, noun: str) -> tuple[int, int, bool]:
    """Looks at the next AT_ONCE records of a noun: how many there were, how many entries changed, whether it ended."""
    after, passes, _ = store.progress(tx, noun, tx.now)
    some = store.next_records(tx, noun, after, AT_ONCE)
    changed = service.note(tx, {f"{noun}:{id_}": (fields, at) for id_, fields, at in some})
    ended = len(some) < AT_ONCE
    store.save_progress(tx, noun, "" if ended else some[-1][0], passes + ended, tx.now)
    return len(some), changed, ended


def rebuild(begin: Callable[[], Any], progress: Callable[[int, int], None]) -> tuple[int, int]:
    """All of it at once, a transaction of ``begin`` for each step. (records, changed entries)."""
    looked, changed = 0, 0
    for noun in NOUNS:
        with begin() as tx:
            store.save_progress(tx, noun, "", 0, tx.now)
        ended = False
        while not ended:
            with begin() as tx:
                some, new, ended = _step(tx, noun)
            looked, changed = looked + some, changed + new
            progress(looked, changed)
    return looked, changed + _without_original(begin)


def _without_original(begin: Callable[[], Any]) -> int:
    """Entries of records that are there no more go. How many there were."""
    after, dropped = "", 0
    while True:
        with begin() as tx:
            some = store.next_entries(tx, after, AT_ONCE)
            there = store.originals(tx, some)
            dropped += service.forgotten(tx, [one for one in some if one not in there])
        if len(some) < AT_ONCE:
            return dropped
        after = some[-1]


def count(tx: Tx) -> int:
    """How many records and tasks there are."""
    return store.count(tx)
