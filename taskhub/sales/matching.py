"""Which account or contact a conversion means: exactly the same e-mail address, else the same name. Pure.

``key_of`` is the one seam: whoever knows better ways to find the same customer again replaces how ``find`` of the
service asks. Nothing here guesses: what is merely alike is shown to people as a possible duplicate.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from typing import Any

LONGEST = 800
"""Bytes of a key that is kept as it is."""


def key_of(noun: str, fields: Mapping[str, Any]) -> str | None:
    """What an account or contact is found by; None where nothing of it would do.

    >>> key_of("account", {"name": " ACME  Ltd "}), key_of("contact", {"name": "Ann", "email": "Ann@ACME.example"})
    ('n:acme ltd', 'e:ann@acme.example')
    """
    email, name, company = (_plain(fields.get(one)) for one in ("email", "name", "company"))
    if noun == "account":
        return _short(f"n:{name or company}") if name or company else None
    if noun != "contact":
        return None
    return _short(f"e:{email}") if email else _short(f"n:{name}|{company}") if name else None


def _short(key: str) -> str:
    """A long key as its digest: an entry of an index of PostgreSQL has at most 2,704 bytes."""
    raw = key.encode("utf-8", "surrogatepass")
    return key if len(raw) <= LONGEST else f"{key[:2]}#{hashlib.blake2b(raw, digest_size=20).hexdigest()}"


def _plain(value: Any) -> str:
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split()) if isinstance(value, str) else ""
