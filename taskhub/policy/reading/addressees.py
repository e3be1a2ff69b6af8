"""Whom a notice may name: plain words, or KIND:NAME."""

from __future__ import annotations

from collections.abc import Sequence

from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.table import Table, shown
from taskhub.policy.reading.vocabulary import ROLES

PLAIN = ("agent", "leader", "manager")
NAMED = ("agent", "team", "role", "url")


def check_addressees(table: Table, key: str, asked: Sequence[str], *, more: Sequence[str] = ()) -> None:
    """Notes every entry of the list under ``key`` that can be nobody; ``more``: plain words that are somebody here."""
    plain = (*PLAIN, *more)
    for index, one in enumerate(asked):
        kind, colon, name = one.partition(":")
        place = (key,) if isinstance(table.data.get(key), str) else (key, index)
        if not colon and one not in plain:
            message = f"{shown(one)} is nobody; write {', '.join(plain)}, or {', '.join(f'{k}:NAME' for k in NAMED)}."
            table.problem(place, message, nearest(one, plain))
        elif colon and (kind not in NAMED or not name):
            hint = nearest(kind, NAMED)
            message = f"{shown(one)} is nobody; write one of {', '.join(f'{k}:NAME' for k in NAMED)}."
            table.problem(place, message, f"{hint}:{name or 'NAME'}" if hint else None)
        elif kind == "role" and name not in ROLES:
            hint = nearest(name, ROLES)
            message = f"there is no role {shown(name)}; roles: {', '.join(ROLES)}."
            table.problem(place, message, f"role:{hint}" if hint else None)
