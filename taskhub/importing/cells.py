"""The cells of one row by the fields they stand for: through the mapping's values, unreadable text refused. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from taskhub.errors import InvalidInput
from taskhub.importing import values
from taskhub.importing.decoding import UNREADABLE
from taskhub.importing.mapping import ANY_OTHER, FieldMap
from taskhub.importing.model import Row
from taskhub.importing.targets import DAY, INSTANT, JSON, MONEY, OWN, kind_of
from taskhub.sales.fields import invalid

FAULTS = {
    "row_too_long": "the row is longer than taskhub reads",
    "broken_quotes": "the quotes of the row make no sense: inside of quotes a quote is written twice",
}


def table_of(map_: FieldMap, header: Sequence[str]) -> Callable[[Row], dict[str, str]]:
    """A function from a row to field → text; empty cells are left out. Raises InvalidInput with a stable code."""
    places = [(at, target) for at, head in enumerate(header) for target in map_.columns.get(head, ())]
    width = len(header)
    translated = {name: _folded(table) for name, table in map_.values.items()}

    def read(row: Row) -> dict[str, str]:
        if row.fault is not None:
            raise InvalidInput(FAULTS[row.fault], code=row.fault)
        cells = row.cells
        if len(cells) != width and any(cell.strip() for cell in cells[width:]) | (len(cells) < width):
            many = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
            raise InvalidInput(f"the row has {many}, the header {width}", code="column_count")
        said = dict(map_.constants)
        for at, target in places:
            text = values.bare(cells[at])
            _refuse_unreadable(target, text)
            if target in translated:
                text = _translated(translated[target], text)
            if text:
                said[target] = text
        return said

    return read


def _folded(table: Mapping[str, str]) -> dict[str, str]:
    return {cell.strip().casefold(): value for cell, value in table.items()}


def _translated(table: Mapping[str, str], text: str) -> str:
    key = text.casefold()
    return table[key] if key in table else table.get(ANY_OTHER, text) if text else text


def _refuse_unreadable(target: str, text: str) -> None:
    if "\x00" in text or UNREADABLE in text or (not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text)):
        raise InvalidInput(
            f"{target} holds characters that cannot be read: is the encoding the right one?", code="bad_text"
        )


def typed(map_: FieldMap, said: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields with the values they hold, and fields of one's own. InvalidInput names every cell that does not fit."""
    good: dict[str, Any] = {}
    own: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for target, text in said.items():
        if target.startswith(OWN):
            own[target.removeprefix(OWN)] = text
            continue
        try:
            value = _value(map_, target, text)
        except ValueError as error:
            wrong.append((target, str(error)))
            continue
        if target == "fields":
            own = {**value, **own}
        else:
            good[target] = value
    if wrong:
        raise invalid(wrong, "amount_invalid" if all(path == "amount" for path, _ in wrong) else "bad_value")
    return good, own


def _value(map_: FieldMap, target: str, text: str) -> Any:
    kind = kind_of(map_.noun, target)
    if kind == MONEY:
        return values.amount(text, map_.decimal)
    if kind == DAY:
        return values.day(text, map_.dates)
    if kind == INSTANT:
        return values.instant(text, map_.dates, map_.zone)
    return _object(text) if kind == JSON else text


def _object(text: str) -> dict[str, Any]:
    if "\\u0000" in text:
        raise ValueError("holds a null character")
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("is no JSON object") from None
    if not isinstance(found, dict):
        raise ValueError("is no JSON object")  # noqa: TRY004  a cell that does not fit
    return found
