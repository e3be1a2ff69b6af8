"""Whether two prints stand for the same person or company: a score from 0 to 100, and the reasons for it. Pure.

Each field speaks for or against with a weight; the sum of weights, in bits, becomes the score. It is the same whichever
record comes first, and nothing of any other record goes into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from taskhub.sales.duplicates import likeness
from taskhub.sales.duplicates.companies import telling
from taskhub.sales.duplicates.likeness import Level
from taskhub.sales.duplicates.prints import PERSON, Print

NAME, COMPANY, MAIL, PHONE = "name", "company", "email", "phone"
SWAPPED, OWN_ADDRESS, OWN_WAYS, NAMELESS = "swapped", "own_address", "own_ways", "nameless"
START = -6.0
"""Bits before anything is compared: two records that came under one key are mostly two people."""

S, N, F, P, O, U = Level.SAME, Level.NEAR, Level.FAR, Level.PART, Level.OTHER, Level.UNKNOWN  # noqa: E741
Levels = tuple[str, str, str, str]
Weights = tuple[Mapping[str, float], ...]
OF_PERSON: Weights = (
    {S: 5, N: 4, F: 1.5, P: 2, Level.KIN: -7, O: -9, U: 0},
    {S: 3, N: 2.5, F: 1.5, P: 0, O: -3, U: 0},
    {S: 8, N: 5, F: 2, Level.SHARED: 1, Level.DOMAIN: -2.5, O: -2.5, U: 0},
    {S: 4, N: 3, F: 1.5, O: -3, U: 0},
)
OF_COMPANY: Weights = (
    dict.fromkeys((S, N, F, P, Level.KIN, O, U), 0.0),
    {S: 8, N: 5, F: 1.5, P: 1, O: -6, U: 0},
    {S: 4, N: 3, F: 2, Level.SHARED: 5, Level.DOMAIN: 3, O: -1.5, U: 0},
    {S: 4, N: 2, F: 0, O: -1.5, U: 0},
)
FIELDS = (NAME, COMPANY, MAIL, PHONE)
_LIKE, _SILENT = frozenset({S, N, F}), frozenset({O, U})
STRANGERS = 20.0
"""The most that people of other names come to, who have neither an address nor a number in common."""
CROSSED, HALF_CROSSED = 6.0, 2.0
AGAINST = {OWN_ADDRESS: -6.0, OWN_WAYS: -2.0, NAMELESS: -3.0}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``score`` from 0 to 100. ``reasons``: (what, bits), the weightiest first; such as ("email_same", 8.0).

    A reason is a field and its level joined by _, or one of SWAPPED, OWN_ADDRESS, OWN_WAYS, NAMELESS.
    """

    score: float
    reasons: tuple[tuple[str, float], ...]


def judge(one: Print, two: Print, family: str = PERSON) -> Verdict:
    """The verdict on two prints of a family."""
    found = judged(one, two, family, least=0.0)
    return found or Verdict(0.0, ())


def judged(one: Print, two: Print, family: str = PERSON, *, least: float) -> Verdict | None:
    """The verdict, or None where the score is below ``least``: most pairs are, and cost no more than that."""
    name = likeness.names(one.name, two.name)
    if family == PERSON and least > STRANGERS and _strangers(one, two, name):
        return None
    levels = (
        name, likeness.companies(one.company, two.company), likeness.mails(one.mail, two.mail),
        likeness.phones(one.phone, two.phone),
    )  # fmt: skip
    weights = OF_PERSON if family == PERSON else OF_COMPANY
    bits = [weight[level] for weight, level in zip(weights, levels, strict=True)]
    more: tuple[str, ...] = ()
    if family == PERSON:
        if levels[0] in _SILENT and levels[1] in _SILENT and (crossed := _crossed(one, two)):
            bits[:2], more = [crossed, 0.0], (SWAPPED,)
        more += _against(one, two, levels)
    total = START + sum(bits) + sum(AGAINST.get(reason, 0.0) for reason in more)
    score = round(100 / (1 + 2.0**-total), 1)
    return Verdict(score, _reasons(levels, bits, more)) if score >= least else None


def _strangers(one: Print, two: Print, name: str) -> bool:
    """Other names, nothing the same, nor a name where the other's company stands: most pairs, told without more ado."""
    if name != Level.KIN and (name != O or one.company != two.company):
        return False
    return (one.mail is None or one.mail != two.mail) and likeness.phones(one.phone, two.phone) != S


def _reasons(levels: Levels, bits: list[float], more: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    told = [(f"{field}_{level}", bit) for field, level, bit in zip(FIELDS, levels, bits, strict=True) if bit]
    told = [(SWAPPED, bits[0]), *told[1:]] if SWAPPED in more else told
    told += [(reason, AGAINST[reason]) for reason in more if reason in AGAINST]
    return tuple(sorted(told, key=lambda reason: (-abs(reason[1]), reason[0])))


def _crossed(one: Print, two: Print) -> float:
    """Bits for the name of one being the company of the other: less where only one of the two ways can be seen."""
    ways = (_across(one, two), _across(two, one))
    if not any(way in _LIKE for way in ways) or not all(way in _LIKE or way == U for way in ways):
        return 0.0
    return HALF_CROSSED if U in ways else CROSSED


def _across(one: Print, two: Print) -> str:
    return likeness.companies(telling(one.name), telling(two.company))


def _against(one: Print, two: Print, levels: Levels) -> tuple[str, ...]:
    """What slips would not explain: people who are alike, and have a name, an address or a number each."""
    name, _company, mail, phone = levels
    found: tuple[str, ...] = ()
    if name in (N, F) and _each_their_own(one, two):
        found += (OWN_ADDRESS,)
    if mail in (O, Level.DOMAIN) and phone == O:
        found += (OWN_WAYS,)
    if name == U and mail not in (S, N, F):
        found += (NAMELESS,)
    return found


def _each_their_own(one: Print, two: Print) -> bool:
    """The names differ, and each address has its own owner's: that is no slip of the hand."""
    if one.mail is None or two.mail is None or one.mail == two.mail:
        return False
    mine, theirs = set(one.name) - set(two.name), set(two.name) - set(one.name)
    return any(word in one.mail.local for word in mine) and any(word in two.mail.local for word in theirs)
