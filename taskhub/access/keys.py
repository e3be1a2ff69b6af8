"""API keys ``th_live_<id>_<secret>``: how they are made, read and compared. Pure but for the random source."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

_FORM = re.compile(r"th_live_([a-z0-9]{12,32})_([0-9a-f]{64})", re.ASCII)
_NOBODY = "0" * 64


@dataclass(frozen=True, slots=True)
class Presented:
    """A key as it was sent, split; nothing of it is checked yet."""

    id: str
    secret: str


def new_key() -> tuple[str, str, str]:
    """A fresh key: its public id, the whole key (shown once), the hash to store."""
    id_, secret = secrets.token_hex(8), secrets.token_hex(32)
    return id_, f"th_live_{id_}_{secret}", hash_of(secret)


def hash_of(secret: str) -> str:
    """What is stored. The secret is 32 random bytes, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def parse(authorization: str | None) -> Presented | None:
    """The key in an ``Authorization: Bearer …`` header; None when there is none or it has another form.

    >>> parse("Basic abc") is None
    True
    """
    scheme, _, token = (authorization or "").partition(" ")
    found = _FORM.fullmatch(token.strip()) if scheme.lower() == "bearer" else None
    return Presented(found[1], found[2]) if found else None


def matches(secret: str, stored: str | None) -> bool:
    """Whether ``secret`` is the one whose hash is stored; takes as long when nothing is stored."""
    return hmac.compare_digest(hash_of(secret), stored or _NOBODY) and stored is not None
