"""What a plug-in may answer. Everything else is nonsense, said in words and held against it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from taskhub.assignment.model import Score

MOST_PARTS = 20
LAST_TURN = 2**62
LONGEST_WORD = 64


class Nonsense(Exception):
    """An answer that is none."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a plug-in says of itself. ``favourites`` and ``turns``: it has its own idea of these."""

    value: str
    name: str
    version: str
    parts: tuple[str, ...]
    needs: tuple[str, ...] | None
    favourites: bool
    turns: bool


def said(value: str, raw: Any, name: str, verb: str) -> Said:
    """A description read. ``verb``: what such a plug-in must be able to do. Raises Nonsense."""
    if not isinstance(raw, dict) or raw.get("name") != name:
        raise Nonsense(f"calls itself {raw.get('name') if isinstance(raw, dict) else raw!r}")
    if not _word(raw.get("version")):
        raise Nonsense("has no version")
    if verb not in raw.get("can", ()):
        raise Nonsense(f"{verb} cannot be called")
    parts = raw.get("parts") or []
    if verb == "key" and not (isinstance(raw.get("parts"), list) and all(map(_word, parts))):
        raise Nonsense("parts must be a row of words")
    if len(parts) > MOST_PARTS:
        raise Nonsense(f"has {len(parts)} parts; at most {MOST_PARTS}")
    needs = raw.get("needs")
    told = tuple(str(one) for one in needs) if isinstance(needs, list) else None
    return Said(value, name, raw["version"], tuple(parts), told, bool(raw.get("favourites")), bool(raw.get("turns")))


def scores(raw: Any, people: int, parts: int) -> list[Score]:
    """One key a person, each of ``parts`` finite numbers."""
    if not isinstance(raw, list) or len(raw) != people:
        raise Nonsense(f"answered {len(raw) if isinstance(raw, list) else 'no'} keys for {people} people")
    for key in raw:
        if not isinstance(key, list) or len(key) != parts or not all(map(_number, key)):
            raise Nonsense(f"the key {str(key)[:80]} is not {parts} finite numbers")
    return [tuple(key) for key in raw]


def agent_key(raw: Any) -> str | None:
    """Somebody, or nobody."""
    if raw is None:
        return None
    if not _word(raw):
        raise Nonsense(f"the favourite {str(raw)[:80]!r} is no key of an agent")
    return str(raw)


def turn(raw: Any, own: int) -> int:
    """A turn further back."""
    if type(raw) is not int or not own < raw <= LAST_TURN:
        raise Nonsense(f"the next turn {str(raw)[:80]} is no whole number above {own}")
    return raw


def refusals(raw: Any, asked: Collection[str]) -> dict[str, str]:
    """Agent -> reason code, of people it was asked about."""
    if not isinstance(raw, dict) or not all(_word(reason) for reason in raw.values()):
        raise Nonsense("refused must map people to reason codes")
    strangers = sorted(raw.keys() - set(asked))
    if strangers:
        raise Nonsense(f"names people nobody asked about: {', '.join(strangers)[:80]}")
    return raw


def complaints(raw: Any) -> Iterator[tuple[str, str]]:
    """(parameter, message) pairs."""
    for pair in raw if isinstance(raw, list) else ():
        yield str(pair[0])[:LONGEST_WORD], str(pair[1])[:500]


def _word(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_WORD


def _number(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value)
