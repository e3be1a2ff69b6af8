"""Which column is which field: proposed from the header, or read from what somebody wrote. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from taskhub.errors import InvalidInput
from taskhub.events.reading import storable
from taskhub.importing.targets import NEEDED, OWN, TARGETS, folded, headings
from taskhub.policy.reading.nearest import nearest
from taskhub.sales.fields import KEPT, MOST_OWN

SURE = 0.84
DECIMALS = (".", ",")
DATES = ("ymd", "dmy", "mdy")
KEYS = ("noun", "columns", "values", "constants", "encoding", "delimiter", "decimal", "dates", "time_zone")
ANY_OTHER = "*"
_OWN_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FieldMap:
    """How the cells of a file are read.

    ``columns``: heading → fields. ``values``: field → cell as it stands → value; ``*`` is every other cell, the empty
    text an empty one. ``constants``: fields every row has. ``unsure``: headings that were guessed.
    """

    noun: str
    columns: Mapping[str, tuple[str, ...]]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    dates: str | None = None
    time_zone: str = "UTC"
    unsure: tuple[str, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The zone of dates and times that name none."""
        return ZoneInfo(self.time_zone)

    @property
    def targets(self) -> frozenset[str]:
        """Every field that can get a value."""
        return frozenset(one for each in self.columns.values() for one in each) | frozenset(self.constants)

    def body(self) -> dict[str, Any]:
        """What is kept, and written into a file: ``read`` reads it again."""
        told: dict[str, Any] = {"noun": self.noun}
        told["columns"] = {head: one[0] if len(one) == 1 else list(one) for head, one in self.columns.items()}
        told |= {name: {k: dict(v) for k, v in self.values.items()} for name in ("values",) if self.values}
        told |= {"constants": dict(self.constants)} if self.constants else {}
        plain = {name: getattr(self, name) for name in ("encoding", "delimiter", "decimal", "dates", "time_zone")}
        return told | {name: value for name, value in plain.items() if value is not None}


def propose(noun: str, header: Sequence[str]) -> FieldMap:
    """What each column most likely is. What looks like nothing is kept as a field of one's own, while there is room.

    A file that taskhub exported has these in a column of their own; what it says beside is for people to read.
    """
    if {"id", "fields"} <= set(header):
        return FieldMap(noun, {head: (head,) for head in header if head in TARGETS[noun]})
    known, columns, unsure, taken = headings(noun, header), dict[str, tuple[str, ...]](), list[str](), set[str]()
    exact = {head: known[folded(head)] for head in header if folded(head) in known}
    for head in header:
        target = exact.get(head)
        if target is None and (near := nearest(folded(head), known, cutoff=SURE)) is not None:
            target = known[near] if known[near] not in exact.values() else None
            unsure += [head] if target else []
        if target is None or target in taken:
            target = _own(head, taken)
        if target is not None:
            columns[head] = (target,)
            taken.add(target)
    return FieldMap(noun, columns, unsure=tuple(unsure))


def _own(head: str, taken: set[str]) -> str | None:
    name = "_".join(folded(head).split())[:63]
    name = name if _OWN_NAME.fullmatch(name) and name not in KEPT else f"x_{name}"[:63]
    own = sum(one.startswith(OWN) for one in taken)
    target = f"{OWN}{name}"
    return target if _OWN_NAME.fullmatch(name) and target not in taken and own < MOST_OWN else None


def read(noun: str, body: Any, header: Sequence[str]) -> FieldMap:
    """The mapping somebody wrote, against the columns there are. Raises InvalidInput with everything that is wrong."""
    if not isinstance(body, Mapping):
        raise _invalid([("mapping", "must be an object with the table columns")])
    wrong = list(_wrong(noun, body, header))
    if wrong:
        raise _invalid(wrong)
    columns = {head: _several(said) for head, said in body.get("columns", {}).items()}
    found = FieldMap(
        noun, {head: targets for head, targets in columns.items() if targets},
        {name: {str(k): str(v) for k, v in table.items()} for name, table in body.get("values", {}).items()},
        {name: str(value) for name, value in body.get("constants", {}).items()},
        encoding=body.get("encoding"), delimiter=body.get("delimiter"), decimal=body.get("decimal"),
        dates=body.get("dates"), time_zone=body.get("time_zone", "UTC"),
    )  # fmt: skip
    refuse_nameless(found)
    return found


def refuse_nameless(found: FieldMap) -> None:
    """Raises InvalidInput for a mapping that names no field, or not those without which nothing can be made."""
    missing = [name for name in NEEDED[found.noun] if name not in found.targets]
    if missing:
        raise _invalid([("columns", f"no column is {' or '.join(missing)}")])
    if not any(not name.startswith(OWN) for name in found.targets):
        raise _invalid([("columns", f"no column is a field of a {found.noun}: {', '.join(TARGETS[found.noun])}")])


def _several(said: Any) -> tuple[Any, ...]:
    return tuple(one for one in ([said] if isinstance(said, str) else said) if one)


def _wrong(noun: str, body: Mapping[str, Any], header: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in body.keys() - set(KEYS):
        yield str(name)[:60], f"is no key of a mapping{_hint(str(name), KEYS)}"
    if body.get("noun", noun) != noun:
        yield "noun", f"this mapping is for {str(body['noun'])[:20]}s, the file is read as {noun}s"
    columns = body.get("columns", {})
    if not isinstance(columns, Mapping):
        yield "columns", "must be a table: heading = field"
        return
    yield from _wrong_columns(noun, columns, header)
    yield from _wrong_tables(noun, body)
    yield from _wrong_forms(body)


def _wrong_columns(noun: str, columns: Mapping[str, Any], header: Sequence[str]) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for head, said in columns.items():
        path = f"columns.{head[:60]}"
        if head not in header:
            yield path, f"the file has no such column{_hint(head, header)}"
        for target in _several(said) if isinstance(said, str | list) else ("",):
            yield from _wrong_target(noun, path, target)
            if isinstance(target, str) and seen.setdefault(target, head) != head:
                yield path, f"{target} is given by {seen[target][:60]!r} already"


def _wrong_target(noun: str, path: str, target: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(target, str):
        yield path, "must be the name of a field, or a list of such names"
    elif target.startswith(OWN):
        name = target.removeprefix(OWN)
        if not _OWN_NAME.fullmatch(name) or name in KEPT:
            yield (
                path,
                f"{target[:60]!r} cannot be a field of one's own: use a-z, 0-9 and _, no name of taskhub",
            )
    elif target not in TARGETS[noun]:
        yield path, f"{target[:60]!r} is no field of a {noun}{_hint(target, TARGETS[noun])}"


def _wrong_tables(noun: str, body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for part in ("values", "constants"):
        table = body.get(part, {})
        if not isinstance(table, Mapping):
            yield part, "must be a table"
            continue
        for name, value in table.items():
            yield from _wrong_target(noun, f"{part}.{name[:60]}", name)
            if part == "constants" and not _plain(value):
                yield f"constants.{name[:60]}", "must be text or a number"
            elif part == "values" and not (isinstance(value, Mapping) and all(map(_plain, value.values()))):
                yield f"values.{name[:60]}", "must be a table: cell = value"


def _plain(value: Any) -> bool:
    """What a cell could hold, and a database can keep."""
    return storable(value) if isinstance(value, str) else isinstance(value, int | float)


def _wrong_forms(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, known in (("decimal", DECIMALS), ("dates", DATES)):
        if name in body and body[name] not in known:
            yield name, f"must be one of {' '.join(known)}"
    for name in ("encoding", "delimiter"):
        if name in body and not isinstance(body[name], str):
            yield name, "must be text"
    zone = body.get("time_zone", "UTC")
    if not isinstance(zone, str) or zone not in available_timezones():
        yield "time_zone", f"{str(zone)[:40]!r} is no time zone{_hint(str(zone), available_timezones())}"


def _hint(wrong: str, known: Any) -> str:
    near = nearest(wrong, known)
    return f"; did you mean {near}?" if near else ""


def _invalid(wrong: list[tuple[str, str]]) -> InvalidInput:
    errors = [{"path": path, "message": message} for path, message in wrong]
    text = "; ".join(f"{path}: {message}" for path, message in wrong[:20])
    return InvalidInput(text if text.endswith("?") else f"{text}.", code="mapping_invalid", errors=errors[:100])
