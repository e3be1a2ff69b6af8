"""What all of a file says about how it writes amounts and dates, gathered while it is read once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from taskhub.importing import values
from taskhub.importing.mapping import FieldMap
from taskhub.importing.model import Row
from taskhub.importing.targets import DAY, INSTANT, MONEY, kind_of


class Evidence:
    """Notes which signs and orders occur in the columns of a mapping that hold amounts or dates."""

    def __init__(self, map_: FieldMap, header: Sequence[str]) -> None:
        self._map = map_
        kinds = [(at, kind_of(map_.noun, one)) for at, head in enumerate(header) for one in map_.columns.get(head, ())]
        self._amounts = [at for at, kind in kinds if kind == MONEY] if map_.decimal is None else []
        self._dates = [at for at, kind in kinds if kind in (DAY, INSTANT)] if map_.dates is None else []
        self._signs: set[str] = set()
        self._orders: set[str] = set()

    def through(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows, looked at on their way."""
        for row in rows:
            cells = row.cells if row.fault is None else []
            for places, found, tell in (
                (self._amounts, self._signs, values.decimal_of), (self._dates, self._orders, values.order_of),
            ):  # fmt: skip
                shown = tell(cells[at] for at in places if at < len(cells)) if places else None
                if shown is not None:
                    found.add(shown)
            yield row

    def complete(self, delimiter: str) -> FieldMap:
        """The mapping with what was found; a file divided by semicolons has decimal commas unless it shows others."""
        decimal = self._map.decimal or _only(self._signs) or ("," if delimiter == ";" and not self._signs else None)
        return replace(self._map, decimal=decimal, dates=self._map.dates or _only(self._orders))


def _only(found: set[str]) -> str | None:
    return next(iter(found)) if len(found) == 1 else None
