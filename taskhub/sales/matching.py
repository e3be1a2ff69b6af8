"""Which account or contact a conversion means: exactly the same e-mail address, else the same name. Pure.

``key_of`` is the one seam: whoever knows better ways to find the same customer again replaces how ``find`` of the
service asks. Nothing here guesses: what is merely alike is shown to people as a possible duplicate.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any


def key_of(noun: str, fields: Mapping[str, Any]) -> str | None:
    """What an account or contact is found by; None where nothing of it would do.

    >>> key_of("account", {"name": " ACME  Ltd "}), key_of("contact", {"name": "Ann", "email": "Ann@ACME.example"})
    ('n:acme ltd', 'e:ann@acme.example')
    """
    email, name, company = (_plain(fields.get(one)) for one in ("email", "name", "company"))
    if noun == "account":
        return f"n:{name or company}" if name or company else None
    if noun != "contact":
        return None
    return f"e:{email}" if email else f"n:{name}|{company}" if name else None


def _plain(value: Any) -> str:
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split()) if isinstance(value, str) else ""
