"""How alike two values of one field are, in a few levels. Pure, and the same whichever comes first.

Distance is the least number of letters wrong, missing, too many, or two neighbours in the wrong order.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from rapidfuzz.distance import OSA

from taskhub.sales.duplicates.mail import FREE, SHARED, Mail

Words = Sequence[str]


class Level:
    """What is said about a field of two records; plain words, since millions of them are looked up."""

    SAME = "same"
    NEAR = "near"  # as one slip makes it
    FAR = "far"  # as two or three slips make it
    PART = "part"  # one says less than the other
    KIN = "kin"  # a name in common, another one not
    OTHER = "other"
    UNKNOWN = "unknown"  # one of the two does not say
    SHARED = "shared"  # the same mailbox of many
    DOMAIN = "domain"  # another address of the same house


def distance(one: str, two: str, most: int) -> int:
    """The distance; ``most`` + 1 where it is more than ``most``."""
    return OSA.distance(one, two, score_cutoff=most)


def names(one: Words, two: Words) -> str:
    """Names of people, in whatever order.

    >>> names(("john", "smith"), ("jonh", "smith")), names(("j", "smith"), ("john", "smith"))
    ('near', 'part')
    """
    if not one or not two:
        return Level.UNKNOWN
    if one == two:
        return Level.SAME
    if len(one) != len(two):
        return _uneven(one, two)
    slips = _slips(one, two)
    if slips is not None:
        return _slipped(slips, len("".join(one)) + len("".join(two)))
    if _initials(one, two):
        return Level.PART
    return Level.OTHER if set(one).isdisjoint(two) else Level.KIN


def _uneven(one: Words, two: Words) -> str:
    """Another number of words: written together, or a middle name that only one of them says."""
    few, many = sorted((one, two), key=len)
    joined = _joined(few, many)
    if joined <= 1:
        return Level.SAME if joined == 0 else Level.NEAR
    shared = set(few) & set(many)
    if len(few) > 1 and len(shared) == len(few):
        return Level.PART
    return Level.KIN if shared else Level.OTHER


def _joined(few: Words, many: Words) -> int:
    """The slips between the words written together; 2 for two or more."""
    whole = "".join(few)
    if len(many) > 3 or abs(len(whole) - sum(map(len, many))) > 1:
        return 2
    return min(distance(whole, "".join(order), 1) for order in permutations(many))


def _slips(one: Words, two: Words) -> int | None:
    """The slips between the words, each paired with the one it is likest to; None where a word is another one."""
    mine, theirs = [w for w in one if w not in two], [w for w in two if w not in one]
    if len(mine) != len(theirs) or len(mine) > 3:
        return None
    return min((found for order in permutations(theirs) if (found := _paired(mine, order)) is not None), default=None)


def _paired(mine: Words, theirs: Words) -> int | None:
    total = 0
    for word, other in zip(mine, theirs, strict=True):
        most = slips_of(min(len(word), len(other)))
        found = distance(word, other, most)
        if found > most:
            return None
        total += found
    return total


def slips_of(length: int) -> int:
    """How many slips leave a word of so many letters the same: none where each letter makes another name."""
    return 0 if length < 3 else 1 if length < 6 else 2 if length < 12 else 3


def _slipped(slips: int, letters: int) -> str:
    if slips <= 1 or (slips == 2 and letters > 30):
        return Level.NEAR
    return Level.FAR


def _initials(one: Words, two: Words) -> bool:
    """All words of one are among the other's, some of them only as a letter."""
    mine, theirs = [w for w in one if w not in two], [w for w in two if w not in one]
    if len(mine) == len(one) or len(mine) != len(theirs):
        return False
    return all(len(min(pair, key=len)) == 1 and pair[0][0] == pair[1][0] for pair in zip(mine, theirs, strict=True))


def companies(one: Words, two: Words) -> str:
    """Names of companies, without legal forms."""
    if not one or not two:
        return Level.UNKNOWN
    if one == two:
        return Level.SAME
    mine, theirs = "".join(one), "".join(two)
    most = 1 if min(len(mine), len(theirs)) < 8 else 3
    slips = distance(mine, theirs, most)
    if len(one) == len(two) and (paired := _slips(one, two)) is not None:
        slips = min(slips, paired)
    if slips <= most:
        return Level.SAME if slips == 0 else Level.NEAR if slips == 1 else Level.FAR
    few, many = sorted((set(one), set(two)), key=len)
    return Level.PART if few < many else Level.OTHER


def mails(one: Mail | None, two: Mail | None) -> str:
    """E-mail addresses as their providers take them."""
    if one is None or two is None:
        return Level.UNKNOWN
    if one == two:
        return Level.SHARED if one.local in SHARED else Level.SAME
    slips = distance(one.local, two.local, 2)
    if slips <= 2 and not SHARED & {one.local, two.local}:
        slips += distance(one.domain, two.domain, 2)
        if slips <= min(2, len(one.local) // 3):
            return Level.NEAR if slips == 1 else Level.FAR
    return Level.DOMAIN if one.domain == two.domain and one.domain not in FREE else Level.OTHER


def phones(one: str | None, two: str | None) -> str:
    """Telephone numbers from their country code on."""
    if one is None or two is None:
        return Level.UNKNOWN
    if one == two or one[-9:] == two[-9:]:
        return Level.SAME
    slips = distance(one, two, 3)
    return Level.NEAR if slips == 1 else Level.FAR if slips <= 3 else Level.OTHER
