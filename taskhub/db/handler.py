"""What handles a row of the ledger. Rooms upstream of the workers fit these shapes without importing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx

Inside = Callable[[Tx, Taken], None]
"""Does its work in the transaction that settles the row."""

Work = Callable[[], Any]
GapHook = Callable[[Tx, timedelta], None]
"""Told that nobody swept for so long, before anything overdue is handled."""


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
