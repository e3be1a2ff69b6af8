"""The chain over history: what a row comes to when it is sealed, and how one seal follows from the last. Pure.

An entry holds two digests of its row. The first covers who did what to which record, when. The second covers what was
changed, under a salt that is kept beside the chain and not in it: once value and salt are erased nobody can try out
what the value may have been, and the chain still follows.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

_ENTRY = struct.Struct(">q16s32s")
SALT = 16
ERASED_SALT = bytes(SALT)
ERASED = b'{"erased":true}'
START = bytes(32)
_EXPONENT = re.compile(rb"\d[eE][+-]?\d")


class Row(NamedTuple):
    """One history row as text: ``at`` as ``2026-03-02T09:00:00.000000Z``, ``change`` as JSON in any spelling."""

    row: int
    noun: str
    id: str
    seq: int
    act_id: str
    at: str
    by: str
    act: str
    change: str


class Entry(NamedTuple):
    """What a seal keeps of one row."""

    row: int
    facts: bytes
    change: bytes


def entry(row: Row, salt: bytes) -> Entry:
    """The entry of ``row``; the same whichever database the row was read from."""
    told = orjson.dumps([row.row, row.noun, row.id, row.seq, row.act_id, row.at, row.by, row.act])
    changed = hashlib.sha256(salt + canonical(row.change)).digest()
    return Entry(row.row, hashlib.sha256(told).digest()[:16], changed)


def canonical(text: str) -> bytes:
    """JSON in one spelling: sorted keys, no spaces. A number with an exponent is written out, as PostgreSQL does.

    >>> canonical('{"b": 1.0, "a": [1e16]}')
    b'{"a":[10000000000000000],"b":1.0}'
    """
    value = orjson.loads(text)
    raw = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return orjson.dumps(_written_out(value), option=orjson.OPT_SORT_KEYS) if _EXPONENT.search(raw) else raw


def _written_out(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _written_out(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_written_out(one) for one in value]
    # Below 1e16 a float has no exponent; above 64 bits both databases' texts are read as floats again.
    if isinstance(value, float) and abs(value) >= 1e16 and -(2**63) <= value < 2**64:
        return int(value)
    return value


def differs(row: Row, kept: Entry, salt: bytes) -> str | None:
    """What is wrong with ``row``, in words; None: it is as it was sealed."""
    found = entry(row, salt)
    if found.facts != kept.facts:
        return "says another record, time, person or act than when it was sealed"
    if salt == ERASED_SALT:
        return None if canonical(row.change) == ERASED else "is marked as erased, but holds values"
    return None if found.change == kept.change else "holds another change than when it was sealed"


def pack(entries: Sequence[Entry]) -> bytes:
    """Entries as a seal stores them."""
    return b"".join(_ENTRY.pack(one.row, one.facts, one.change) for one in entries)


def unpack(raw: bytes) -> Iterator[Entry]:
    """Inverse of ``pack``. Raises ValueError for what ``pack`` did not write."""
    if len(raw) % _ENTRY.size:
        raise ValueError("a part of the entries is missing")
    return (Entry(*fields) for fields in _ENTRY.iter_unpack(raw))


def split(salts: bytes) -> list[bytes]:
    """The salts of a seal, one an entry."""
    return [salts[at : at + SALT] for at in range(0, len(salts), SALT)]


def link(before: bytes, number: int, at: str, bounds: Iterable[int], entries: bytes) -> bytes:
    """The hash of a seal: it follows from the one before and from everything the seal says."""
    told = orjson.dumps([number, at, *bounds])
    return hashlib.sha256(before + len(told).to_bytes(8, "big") + told + entries).digest()
