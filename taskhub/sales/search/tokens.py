"""The words by which a record or task is found, and those that somebody looks for: folded alike. Pure.

An entry keeps its words in groups, the telling ones first: " #1 atelier roux #2 ann roux example 33612345678 #3 rf17 ".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from taskhub.errors import InvalidInput
from taskhub.sales.duplicates.letters import words
from taskhub.sales.duplicates.phones import phone

NAMES = ("title", "name", "company")
WAYS = ("email", "phone")
TASK = "task"
# What everybody knows by other means, or nobody looks for.
_UNSAID = frozenset(
    {"id", "status", "status_label", "deleted", "owner", "pipeline", "stage", "currency", "amount", "language", "type",
     "converted_at", "converted_by", "customer_since", "lost_reason", "expected_close_on", "due_on", "done", "lead",
     "deal", "account", "contact", "activity", "labels", *NAMES, *WAYS}
)  # fmt: skip
LONGEST_WORD, MOST_WORDS, MOST_IN_TEXT = 48, 200, 80
MOST_TERMS = 10
LONGEST_CODE, LONGEST_PHONE, MOST_PARTS = 12, 15, 2_000
FEWEST_DIGITS = 6
_NUMBER = re.compile(r"(?<![^\W_])\+?\(?[0-9](?:[ ().\-/\u00a0\u202f]{0,3}[0-9])+(?![^\W_])")
_DIGIT = re.compile(r"[0-9]")


class Entry(NamedTuple):
    """What is kept of a record: whose it is, and its words in groups."""

    owner: str | None
    text: str


class Term(NamedTuple):
    """One thing looked for: any of these words, in whole or in part; ``apart``: the words of a number as written."""

    any: tuple[str, ...]
    apart: tuple[str, ...] = ()


def entry(noun: str, fields: Mapping[str, Any], region: str | None) -> Entry | None:
    """The entry of a record or task from its native fields (a task: title and data); None where it is not found."""
    if fields.get("deleted") is True:
        return None
    groups: list[list[str]] = [
        _spoken(fields.get(name) for name in NAMES), [*_ways(fields, region)],
        _spoken(_own(noun, fields)),
    ]  # fmt: skip
    seen: set[str] = set()
    told = []
    for number, group in enumerate(groups, 1):
        fresh = [word for word in dict.fromkeys(group) if word not in seen][: MOST_WORDS - len(seen)]
        seen.update(fresh)
        told += [f"#{number}", *fresh] if fresh else []
    owner = fields.get("owner")
    return Entry(owner if isinstance(owner, str) else None, f" {' '.join(told)} ")


def words_of(text: str) -> set[str]:
    """The words of an entry."""
    return {word for word in text.split() if not word.startswith("#")}


def groups_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """The words of an entry by the number of their group."""
    for group in text.split("#")[1:]:
        number, *found = group.split()
        yield int(number), found


def spoken(text: str) -> list[str]:
    """The folded words of a text in their order, and its longer numbers without what stands between the digits."""
    pieces = [word[:LONGEST_WORD] for piece in text.split() for word in words(piece.lstrip("+"))][:MOST_IN_TEXT]
    return [*pieces, *(number[:LONGEST_WORD] for number in _numbers(text) if number not in pieces)]


def terms(q: str, region: str | None) -> list[Term]:
    """What ``q`` asks for, each to be met by what is found. Raises InvalidInput where it asks for nothing or too much.

    >>> terms("Roux 06 12 34 56 78", "FR")
    [Term(any=('0612345678', '612345678', '33612345678'), apart=('06', '12', '34', '56', '78')), Term(any=('roux',), \
apart=())]
    """
    numbers = list(_runs(q))
    rest = q
    for run in numbers:
        rest = rest.replace(run, " ", 1)
    found = [Term(_ways_to_say(run, region), tuple(_apart(run))) for run in numbers]
    found += [Term((word,)) for word in dict.fromkeys(spoken(rest))]
    if not found:
        raise _wrong("names no letters or digits to look for")
    if len(found) > MOST_TERMS:
        raise _wrong(f"asks for {len(found)} words; {MOST_TERMS} are the most")
    return found


def is_partly(word: str) -> bool:
    """Whether a word is looked for inside of others, too; very short ones only where others begin."""
    return len(word) >= (3 if word.isascii() else 2)


def parts(word: str) -> Iterator[str]:
    """Every end of a word from which on a part of it is found, the whole of it first.

    A long word with digits that is no telephone is known by its beginning alone.
    """
    yield word
    if len(word) > (LONGEST_PHONE if word.isdecimal() else LONGEST_CODE) and _DIGIT.search(word):
        return
    least = 4 if word.isdecimal() else 3 if word.isascii() else 2
    yield from (word[at:] for at in range(1, len(word) - least + 1))


def with_parts(fresh: Iterable[str]) -> set[str]:
    """Which new words of one record get their parts, the short ones first: MOST_PARTS in all, the others are whole."""
    room, found = MOST_PARTS, set()
    for word in sorted(fresh, key=lambda one: (len(one), one)):
        room -= len(word)
        if room < 0:
            break
        found.add(word)
    return found


def _ways(fields: Mapping[str, Any], region: str | None) -> Iterator[str]:
    yield from _spoken(fields.get(name) for name in WAYS)
    told = fields.get("phone")
    if isinstance(told, str):
        yield from called(told, region)


def called(text: str, region: str | None) -> list[str]:
    """A telephone number as it is found however it is written; empty where it is none."""
    number = phone(text, region)
    return [number] if number else []


def _own(noun: str, fields: Mapping[str, Any]) -> Iterator[Any]:
    own = fields.get("data", {}) if noun == TASK else {k: v for k, v in fields.items() if k not in _UNSAID}
    yield from own.values() if isinstance(own, Mapping) else ()


def _spoken(values: Iterable[Any]) -> list[str]:
    texts = [str(one) for one in values if isinstance(one, str | int) and not isinstance(one, bool)]
    return [word for text in texts for word in spoken(text)]


def _numbers(text: str) -> Iterator[str]:
    yield from ("".join(_DIGIT.findall(run)) for run in _runs(text))


def _runs(text: str) -> Iterator[str]:
    for found in _NUMBER.finditer(text):
        if len(_DIGIT.findall(found[0])) >= FEWEST_DIGITS:
            yield found[0]


def _apart(run: str) -> list[str]:
    pieces = [word for piece in run.split() for word in words(piece)]
    return pieces if len(pieces) > 1 else []


def _ways_to_say(run: str, region: str | None) -> tuple[str, ...]:
    digits = "".join(_DIGIT.findall(run))
    ways = (digits, digits.lstrip("0"), phone(run, region))
    return tuple(dict.fromkeys(way[:LONGEST_WORD] for way in ways if way and len(way) >= 4))


def _wrong(said: str) -> InvalidInput:
    return InvalidInput(f"q {said}.", errors=[{"path": "q", "message": said}])
