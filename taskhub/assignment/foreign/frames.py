"""How parent and child speak: a length of four bytes, then so many bytes. Asks are pickled, answers are JSON.

The child may trust its parent. The parent trusts nothing the child says: JSON can only be wrong, never run.
"""

from __future__ import annotations

import struct

LENGTH = struct.Struct(">I")
LONGEST = 16 * 1024 * 1024


def framed(body: bytes) -> bytes:
    """``body`` with its length before it."""
    return LENGTH.pack(len(body)) + body


def body_of(got: bytes | bytearray) -> bytes | None:
    """The body, once all of it is there. Raises ValueError for one that is too long.

    >>> body_of(framed(b"so")[:-1]), body_of(framed(b"so"))
    (None, b'so')
    """
    if len(got) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack_from(got)
    if length > LONGEST:
        raise ValueError(f"an answer of {length} bytes is too long")
    end = LENGTH.size + length
    return bytes(got[LENGTH.size : end]) if len(got) >= end else None
