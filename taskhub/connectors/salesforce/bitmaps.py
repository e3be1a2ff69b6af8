"""Which fields a change event says have changed: by name, or as bits over the fields of a schema we do not have. Pure.

Bit *i* of "0x…" is the *i*-th field, the header being field 0; "4-0x…" are bits over the parts of field 4. A relay that
keeps the order of members gives us that schema with the event itself. Whether it did is checked: the changed fields
that are null must be just the ones said to be nulled. Where that fails, the count of bits may still explain the event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

HEADER = "ChangeEventHeader"
_BITS = re.compile(r"(?:([0-9]{1,4})-)?0[xX]([0-9A-Fa-f]{1,512})", re.ASCII)
_META = frozenset({HEADER, "Id"})
_MOST = 1_000  # an object has up to 800 fields, of which few are compound
_MOST_BITS = 4 * 512


class UnknownFields(Exception):
    """The bits cannot be told to fields."""


@dataclass(frozen=True, slots=True)
class Moves:
    """What an event says of its fields: resolved once, however many records it tells of.

    ``changed`` is None where the bits cannot be told to fields; ``differences`` came only as what they differ in.
    """

    changed: frozenset[str] | None
    differences: frozenset[str]


def moves_in(payload: Mapping[str, Any], header: Mapping[str, Any]) -> Moves:
    """The moves that ``header`` lists."""
    differences = named(payload, header, "diffFields")
    try:
        return Moves(changed_fields(payload, header), differences)
    except UnknownFields:
        return Moves(None, differences)


def changed_fields(payload: Mapping[str, Any], header: Mapping[str, Any]) -> frozenset[str]:
    """Names ("Status", "Name.LastName") of what changed, fields that were emptied included.

    Raises ``UnknownFields`` when bits cannot be resolved.
    """
    changed, nulled = _listed(header, "changedFields"), _listed(header, "nulledFields")
    if not changed:  # a relay left the list out; null means "not changed", so what is told is what changed
        emptied_by_name = (one for one in nulled if not _BITS.fullmatch(one))
        return frozenset((*emptied_by_name, *(name for name, value in leaves(payload) if value is not None)))
    if not any(_BITS.fullmatch(one) for one in (*changed, *nulled)):
        return frozenset((*changed, *nulled))
    try:
        names, emptied = frozenset(_resolved(changed, payload)), frozenset(_resolved(nulled, payload))
    except UnknownFields:
        return _by_count(payload, changed)
    if {name for name in names if value_at(payload, name) is None} == emptied:
        return names
    return _by_count(payload, changed)


def named(payload: Mapping[str, Any], header: Mapping[str, Any], list_: str) -> frozenset[str]:
    """The fields in another list of the header; none where they cannot be resolved."""
    try:
        return frozenset(_resolved(_listed(header, list_), payload))
    except UnknownFields:
        return frozenset()


def value_at(payload: Mapping[str, Any], name: str) -> Any:
    """The value of "Field" or "Compound.Part"; None where there is none."""
    if name in payload:
        return payload[name]
    whole, _, part = name.partition(".")
    inside = payload.get(whole)
    return inside.get(part) if part and isinstance(inside, Mapping) else None


def leaves(payload: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every field with its value, parts of compound fields by themselves ("Name.LastName")."""
    for name, value in payload.items():
        if isinstance(value, Mapping) and name not in _META:
            yield from ((f"{name}.{part}", inner) for part, inner in value.items())
        elif name not in _META:
            yield name, value


def _by_count(payload: Mapping[str, Any], changed: Sequence[str]) -> frozenset[str]:
    """As many bits as values: what is told is what changed, and nothing was emptied."""
    told = frozenset(name for name, value in leaves(payload) if value is not None)
    bits = [_BITS.fullmatch(one) for one in changed]
    if told and sum(int(found[2], 16).bit_count() if found else 1 for found in bits) == len(told):
        return told
    raise UnknownFields


def _resolved(listed: Sequence[str], payload: Mapping[str, Any]) -> Iterator[str]:
    if sum(1 for one in listed if _BITS.fullmatch(one)) > _MOST:
        raise UnknownFields
    fields = list(payload)
    for one in listed:
        found = _BITS.fullmatch(one)
        if found is None:
            yield one
        elif fields[:1] != [HEADER]:
            raise UnknownFields
        elif found[1] is None:
            yield from _at(int(found[2], 16), fields)
        else:
            [whole] = _at(1 << int(found[1]), fields)
            yield from _parts(whole, payload[whole], int(found[2], 16))


def _parts(whole: str, inside: Any, bits: int) -> list[str]:
    """A compound that was emptied as a whole has no parts to name."""
    if not isinstance(inside, Mapping):
        return [whole]
    return [f"{whole}.{part}" for part in _at(bits, list(islice(inside, _MOST_BITS)))]


def _at(bits: int, names: Sequence[str]) -> list[str]:
    if bits.bit_length() > len(names):
        raise UnknownFields
    found = []
    while bits:
        lowest = bits & -bits
        found.append(names[lowest.bit_length() - 1])
        bits ^= lowest
    return found


def _listed(header: Mapping[str, Any], name: str) -> list[str]:
    value = header.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
