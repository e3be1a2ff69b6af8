"""Keys under which a print is looked for: two prints of one person nearly always have one of them in common. Pure.

A key is a number of 64 bits made of its text, the same in every process and release: an index over them is small, and
holds no names. Keys that too many records have (a switchboard, a very common name) say little and are passed over;
whoever makes new keys here lets the index be made anew (``taskhub duplicates rebuild``).
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from taskhub.sales.duplicates.mail import SHARED
from taskhub.sales.duplicates.prints import PERSON, Print

TOO_COMMON = 250
"""Records under one key from which on it is passed over: 250 make 31,000 pairs."""
HEAD = 3
WORDS = 4
"""Words of a name or company that make keys: a page of text in a field must not make thousands."""


def keys_of(one: Print, family: str) -> tuple[int, ...]:
    """The keys of a print in ascending order; ``family`` keeps people and companies apart."""
    texts = _of_person(one) if family == PERSON else _of_company(one)
    return tuple(sorted({_number(f"{family}:{text}") for text in texts}))


def _of_person(one: Print) -> Iterator[str]:
    yield from _ways(one)
    name, firm = " ".join(one.name), " ".join(one.company)
    if name:
        yield f"n:{name}"
    if name and firm:
        # The two in each other's place are the same key.
        yield "x:" + "|".join(sorted((name, firm)))
    if firm:
        yield from (f"i:{firm}|{word[0]}" for word in one.name[:WORDS] or (" ",))
    # The family name survives where the first name does not, at a company of which one word still begins alike.
    yield from (
        f"w:{word}|{other[:HEAD]}" for word in one.name[:WORDS] if len(word) > 1 for other in one.company[:WORDS]
    )
    if one.mail and one.mail.local not in SHARED:
        letters = "".join(char for char in one.mail.local if char.isalnum())
        yield from (f"l:{letters}",) if len(letters) > HEAD else ()


def _of_company(one: Print) -> Iterator[str]:
    yield from _ways(one)
    if one.company:
        yield f"c:{''.join(one.company)}"
        yield from (f"w:{word}" for word in one.company[:WORDS] if len(word) > HEAD)
        yield f"h:{''.join(one.company)[:6]}"
    if one.mail:
        yield f"d:{one.mail.domain}"


def _ways(one: Print) -> Iterator[str]:
    if one.mail:
        yield f"m:{one.mail}"
    if one.phone:
        # From the right: a wrong or missing country code does not hide the rest.
        yield f"p:{one.phone[-8:]}"


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)
