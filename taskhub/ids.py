"""Identifiers: UUIDv7 as 32 hex characters, so that order of making is order of sorting."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime

NewId = Callable[[], str]


def _wall_millis() -> int:
    return time.time_ns() // 1_000_000


def _urandom() -> int:
    return int.from_bytes(os.urandom(10), "big")


_line = threading.Lock()
_last = 0
_millis = _wall_millis
_noise = _urandom


def draw_from(millis: Callable[[], int] | None, noise: Callable[[], int] | None) -> None:
    """For simulations: the ids of this process come of ``millis`` since 1970 and 80 bits of ``noise``. None: as usual.

    Begins anew: the same sources give the same ids.
    """
    global _last, _millis, _noise
    _last, _millis, _noise = 0, millis or _wall_millis, noise or _urandom


def new_id() -> str:
    """A fresh identifier (RFC 9562 version 7), 32 hex characters; those of one process sort in order of making."""
    global _last  # noqa: PLW0603  order needs a memory
    millis, noise = _millis(), _noise()
    low = 0b10 << 62 | noise & (1 << 62) - 1
    value = (millis & (1 << 48) - 1) << 80 | 0x7 << 76 | (noise >> 68 & 0xFFF) << 64 | low
    with _line:
        if value <= _last:
            value = _last + 1
        _last = value
    return f"{value:032x}"


def floor(at: datetime) -> str:
    """What sorts before every identifier made at ``at`` or later, and behind every earlier one.

    >>> floor(datetime(2026, 3, 2, 9, tzinfo=UTC))
    '019cadff4800'
    """
    return f"{int(at.timestamp() * 1000):012x}"


def digest(*parts: str) -> str:
    """A stable 32-character name for ``parts``; the separator cannot be forged because lengths are hashed too."""
    sha = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        sha.update(len(raw).to_bytes(8, "big"))
        sha.update(raw)
    return sha.hexdigest()[:32]
