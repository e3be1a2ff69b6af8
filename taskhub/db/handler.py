"""What handles a row of the ledger. Rooms upstream of the workers fit these shapes without importing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx

Inside = Callable[[Tx, Taken], None]
"""Does its work in the transaction that settles the row."""


@dataclass(frozen=True, slots=True)
class Together:
    """An ``Inside`` that can also do several rows in one transaction, which settles them.

    ``many`` does what ``one`` would do for each, keeping the lock order over all of them, and returns the rows it did;
    the others run by themselves. So do all when it fails: what is wrong with one row is never its neighbours' try.
    """

    one: Inside
    many: Callable[[Tx, Sequence[Taken]], Sequence[Taken]]

    def __call__(self, tx: Tx, row: Taken) -> None:
        """One row by itself."""
        self.one(tx, row)


Work = Callable[[], Any]
GapHook = Callable[[Tx, timedelta], None]
"""Told that nobody swept for so long, before anything overdue is handled."""


class NotYet(Exception):
    """Raised by ``Outside`` work that cannot begin now through no fault of its row: it is taken again after ``wait``.

    Nothing was done, and it is no try.
    """

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"not before {wait.total_seconds():.1f} s")
        self.wait = wait


class Outside(Protocol):
    """Work between two transactions: the row's id is the idempotency key for the other side."""

    def prepare(self, tx: Tx, row: Taken) -> Work | None:
        """Reads what the work needs and returns it; None: there is nothing to do, the row is done."""
        ...

    def finish(self, tx: Tx, row: Taken, result: Any) -> None:
        """Notes the result, in the transaction that settles the row."""
        ...


Handler = Inside | Outside
Handlers = Mapping[str, Handler]
