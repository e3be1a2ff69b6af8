"""Which of what was found stands first, in which field it was found, and how that reads. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from taskhub.sales.search.tokens import NAMES, TASK, WAYS, Term, called, groups_of, is_partly, spoken

EXACT, BEGINS, INSIDE = 3, 2, 1
WEIGHTS = {1: 4, 2: 3, 3: 1}
WHOLE = 6
AROUND, LONGEST = 60, 160


class Match(NamedTuple):
    """A field that answers to the search, and the part of it that does."""

    field: str
    snippet: str


def score(terms: Sequence[Term], text: str) -> int:
    """How well an entry answers to ``terms``: names before addresses before the rest, whole words before parts."""
    groups = list(groups_of(text))
    found = sum(
        max((WEIGHTS[number] * _best(term, words) for number, words in groups), default=0) for term in terms
    )  # fmt: skip
    names = {word for number, words in groups if number == 1 for word in words}
    return found + (WHOLE if names and names == {term.any[0] for term in terms} else 0)


def meets(term: Term, words: Sequence[str]) -> bool:
    """Whether a text of these words answers to a term."""
    return _best(term, words) > 0


def matched(terms: Sequence[Term], noun: str, fields: Mapping[str, Any], region: str | None = None) -> list[Match]:
    """The fields that answer to at least one term, those that tell most first, each with what of it does.

    ``region``: where telephone numbers without a country code are at home.
    """
    found = []
    for name, text in _texts(noun, fields):
        words = [*spoken(text), *called(text, region)] if name == "phone" and noun != TASK else spoken(text)
        hit = next((term for term in terms if meets(term, words)), None)
        if hit is not None:
            found.append(Match(name, snippet(text, hit)))
    return found


def snippet(text: str, term: Term) -> str:
    """The stretch of a text in which a term is met, as it was written, at most LONGEST characters."""
    if len(text) <= LONGEST:
        return text
    at = _place(text, term)
    begin = max(0, min(at - AROUND, len(text) - LONGEST))
    cut = text[begin : begin + LONGEST]
    return f"{'…' if begin else ''}{cut}{'…' if begin + LONGEST < len(text) else ''}"


def _best(term: Term, words: Sequence[str]) -> int:
    return max((_how(wanted, word) for wanted in term.any for word in words), default=0)


def _how(wanted: str, word: str) -> int:
    if word == wanted:
        return EXACT
    if word.startswith(wanted):
        return BEGINS
    return INSIDE if is_partly(wanted) and wanted in word else 0


def _texts(noun: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    first = [name for name in (*NAMES, *WAYS) if isinstance(fields.get(name), str)]
    yield from ((name, fields[name]) for name in first)
    own = fields.get("data") or {} if noun == TASK else {k: v for k, v in fields.items() if k not in first}
    for name, value in own.items() if isinstance(own, Mapping) else ():
        if isinstance(value, str | int) and not isinstance(value, bool):
            yield name, str(value)


def _place(text: str, term: Term) -> int:
    """Where the first piece of the text stands that answers to the term."""
    at = 0
    for piece in text.split():
        at = text.index(piece, at)
        if meets(term, spoken(piece)):
            return at
        at += len(piece)
    return 0
