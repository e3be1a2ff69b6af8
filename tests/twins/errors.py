"""The errors of a copy: each changes one thing of a record as hands, imports and forms do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from random import Random

from tests.twins.people import Lead, pick

TEXTS = ("name", "company", "email", "phone")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ACCENTS = {"a": "áàâäã", "e": "éèêë", "i": "íîï", "o": "óòôöø", "u": "úùûü", "c": "ç", "n": "ñ", "s": "šş", "z": "žż"}
FORMS = (
    "Inc", "Inc.", "Incorporated", "Corp.", "Corporation", "LLC", "L.L.C.", "Ltd", "Ltd.", "Limited", "PLC", "Co.",
    "GmbH", "AG", "GmbH & Co. KG", "KG", "UG (haftungsbeschränkt)", "SA", "S.A.", "SARL", "S.à r.l.", "SAS", "S.A.S.",
    "B.V.", "N.V.", "BVBA", "S.p.A.", "S.r.l.", "S.L.", "Lda.", "Oy", "AB", "A/S", "ApS", "AS", "Sp. z o.o.", "s.r.o.",
    "Kft.", "d.o.o.", "A.Ş.", "Ltd. Şti.", "Pty Ltd", "Pvt. Ltd.", "K.K.", "Sdn. Bhd.", "OOO", "Ltda.", "S.A. de C.V.",
)  # fmt: skip

Error = Callable[[Random, Lead], Lead | None]


def _filled(rng: Random, lead: Lead, names: tuple[str, ...] = TEXTS, least: int = 2) -> str | None:
    there = [name for name in names if len(getattr(lead, name) or "") >= least]
    return pick(rng, there) if there else None


def _with(lead: Lead, name: str, text: str) -> Lead | None:
    return replace(lead, **{name: text}) if text != getattr(lead, name) else None


def typo(rng: Random, lead: Lead) -> Lead | None:
    """One letter or digit wrong, missing or too many, in any field."""
    name = _filled(rng, lead, least=4)
    if name is None:
        return None
    text = getattr(lead, name)
    places = [at for at, char in enumerate(text) if (char.isdigit() if name == "phone" else char.isalnum())]
    if not places:
        return None
    at = pick(rng, places)
    new = pick(rng, "0123456789" if name == "phone" else LETTERS)
    changed = pick(rng, (text[:at] + new + text[at + 1 :], text[:at] + text[at + 1 :], text[:at] + new + text[at:]))
    return _with(lead, name, changed)


def transposition(rng: Random, lead: Lead) -> Lead | None:
    """Two neighbours in the wrong order, in any field."""
    name = _filled(rng, lead, least=4)
    if name is None:
        return None
    text = getattr(lead, name)
    pairs = [at for at, (one, two) in enumerate(pairwise(text)) if one != two and (one + two).isalnum()]
    if not pairs:
        return None
    at = pick(rng, pairs)
    return _with(lead, name, text[:at] + text[at + 1] + text[at] + text[at + 2 :])


def accent(rng: Random, lead: Lead) -> Lead | None:
    """A letter with an accent that was without one, in the name or the company."""
    name = _filled(rng, lead, ("name", "company"))
    if name is None:
        return None
    text = getattr(lead, name)
    places = [at for at, char in enumerate(text) if char.lower() in ACCENTS]
    if not places:
        return None
    at = pick(rng, places)
    new = pick(rng, ACCENTS[text[at].lower()])
    return _with(lead, name, text[:at] + (new.upper() if text[at].isupper() else new) + text[at + 1 :])


def case(rng: Random, lead: Lead) -> Lead | None:
    """All large, all small, or the other way round."""
    name = _filled(rng, lead, ("name", "company", "email"))
    if name is None:
        return None
    text = getattr(lead, name)
    return _with(lead, name, pick(rng, (text.upper(), text.lower(), text.swapcase())))


def legal_form(rng: Random, lead: Lead) -> Lead | None:
    """A legal form more, another one, or none."""
    if not lead.company:
        return None
    bare = lead.company
    for form in sorted(FORMS, key=len, reverse=True):
        if bare.endswith(f" {form}"):
            bare = bare.removesuffix(f" {form}").rstrip(",")
            break
    between = pick(rng, (" ", ", "))
    return _with(lead, "company", pick(rng, (bare, bare + between + pick(rng, FORMS), bare + " " + pick(rng, FORMS))))


def swapped(rng: Random, lead: Lead) -> Lead | None:
    """First and family name, name and company, or e-mail and telephone in each other's place."""
    way = pick(rng, ("order", "company", "contact"))
    if way == "order" and lead.name and " " in lead.name:
        first, last = lead.name.split(" ", 1)
        return _with(lead, "name", pick(rng, (f"{last} {first}", f"{last}, {first}")))
    if way == "company" and lead.name and lead.company:
        return replace(lead, name=lead.company, company=lead.name)
    if way == "contact" and lead.email and lead.phone:
        return replace(lead, email=lead.phone, phone=lead.email)
    return None


def missing(rng: Random, lead: Lead) -> Lead | None:
    """A field left out; two are always left."""
    there = [name for name in TEXTS if getattr(lead, name)]
    return replace(lead, **{pick(rng, there): None}) if len(there) > 2 else None


ERRORS: Mapping[str, Error] = {
    "typo": typo,
    "transposition": transposition,
    "accent": accent,
    "case": case,
    "legal_form": legal_form,
    "swapped": swapped,
    "missing": missing,
}


def spoilt(rng: Random, lead: Lead) -> tuple[Lead, tuple[str, ...]]:
    """The record with 1 to 3 errors, and which ones those are; never errors that undo each other."""
    while True:
        copy, made = lead, []
        for _ in range(1 + int(rng.random() * 3)):
            kind, copy = _one_more(rng, copy)
            made.append(kind)
        if copy != lead:
            return copy, tuple(sorted(set(made)))


def _one_more(rng: Random, lead: Lead) -> tuple[str, Lead]:
    while True:
        kind = pick(rng, tuple(ERRORS))
        changed = ERRORS[kind](rng, lead)
        if changed is not None:
            return kind, changed
