"""Originals: people at companies, with names as often as the recorded data have them, e-mail and telephone made up."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

T = TypeVar("T")

FREE = ("gmail.com", "outlook.com", "yahoo.com", "gmx.de", "orange.fr", "bluewin.ch")
TLDS = ("com", "com", "com", "net", "fr", "de", "co.uk", "ch", "in", "com.tr")
ROLES = ("info", "sales", "office", "contact")
# country code, trunk prefix of the national form, area or mobile codes, digits that follow
COUNTRIES = (
    ("1", "", ("212", "310", "415", "617", "312", "404", "206", "713"), 7),
    ("33", "0", ("1", "2", "3", "4", "6"), 8),
    ("44", "0", ("20", "161"), 8),
    ("49", "0", ("30", "40", "89"), 7),
    ("41", "0", ("44", "22", "79"), 7),
    ("90", "0", ("212", "312"), 7),
    ("91", "0", ("98", "99"), 8),
)


@dataclass(frozen=True)
class Lead:
    """One record as it may stand in a CRM."""

    id: str
    name: str | None
    company: str | None
    email: str | None
    phone: str | None


@dataclass(frozen=True)
class Pools:
    """First names, family names and companies, each as often as the data have it."""

    first: Sequence[str]
    last: Sequence[str]
    companies: Sequence[str]


class DataMissing(Exception):
    """The recorded data are not here; the text says which."""


def pools(data: Path) -> Pools:
    """The names in ``data``. Raises DataMissing."""
    zoho, maven = data / "zoho-crm-sample", data / "crm-maven"
    for file in (zoho / "Leads.csv", zoho / "Potentials.csv", maven / "accounts.csv"):
        if not file.is_file():
            raise DataMissing(f"the data sets are not here: {file} is missing")
    leads = _rows(zoho / "Leads.csv")
    deals = [row["Potential Name"].split(", ", 1) for row in _rows(zoho / "Potentials.csv")]
    companies = [row["Company"] for row in leads] + [row["account"] for row in _rows(maven / "accounts.csv")]
    return Pools(
        first=[deal[1].strip() for deal in deals],
        last=[row["Last Name"].strip() for row in leads] + [deal[0].strip() for deal in deals],
        companies=[name.strip() for name in companies],
    )


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.DictReader(text))


def pick(rng: Random, among: Sequence[T]) -> T:
    """One of them, the same on every Python."""
    return among[int(rng.random() * len(among))]


class People:
    """Makes people: no two of the same name at one company, no two with one personal address."""

    def __init__(self, rng: Random, found: Pools) -> None:
        self.rng = rng
        self.pools = found
        self._names: set[tuple[str, str]] = set()
        self._mails: set[str] = set()
        self._switchboards: dict[str, tuple[int, str]] = {}
        self._domains: dict[str, str] = {}

    def original(self, id_: str) -> Lead:
        """A person who is nobody else."""
        while True:
            first, last = pick(self.rng, self.pools.first), pick(self.rng, self.pools.last)
            company = pick(self.rng, self.pools.companies)
            if self.is_new(f"{first} {last}", company):
                return self.person(id_, first, last, company)

    def is_new(self, name: str, company: str) -> bool:
        """Takes the name at this company, if nobody has it."""
        taken = (name.lower(), company.lower())
        if taken in self._names:
            return False
        self._names.add(taken)
        return True

    def person(self, id_: str, first: str, last: str, company: str, *, phone: str | None = None) -> Lead:
        """Somebody of that name at that company, with an address of their own and perhaps gaps."""
        roll = self.rng.random
        mail = self.role(company) if roll() < 0.05 else self._own_mail(first, last, company)
        number = phone or (self.switchboard(company) if roll() < 0.3 else self.number())
        return Lead(
            id_, f"{first} {last}", None if roll() < 0.03 else company, None if roll() < 0.05 else mail,
            None if roll() < 0.1 else number,
        )  # fmt: skip

    def role(self, company: str) -> str:
        """A mailbox that many of the company share."""
        return f"{ROLES[len(company) % len(ROLES)]}@{self._domain(company)}"

    def switchboard(self, company: str) -> str:
        """The number of the company, in one form or another."""
        if company not in self._switchboards:
            self._switchboards[company] = _digits(self.rng)
        return _written(self.rng, *self._switchboards[company])

    def number(self) -> str:
        """A number of somebody's own."""
        return _written(self.rng, *_digits(self.rng))

    def _domain(self, company: str) -> str:
        if company not in self._domains:
            plain = re.sub(r"[^a-z0-9]", "", company.lower()) or "firm"
            self._domains[company] = f"{plain[:24]}.{pick(self.rng, TLDS)}"
        return self._domains[company]

    def _own_mail(self, first: str, last: str, company: str) -> str:
        one, two = (re.sub(r"[^a-z]", "", part.lower()) for part in (first, last))
        local = pick(self.rng, (f"{one}.{two}", f"{one[:1]}{two}", f"{one}{two}", f"{one}_{two}", f"{one}.{two[:1]}"))
        domain = pick(self.rng, FREE) if self.rng.random() < 0.25 else self._domain(company)
        mail, number = f"{local}@{domain}", 1
        while mail in self._mails:
            number += 1
            mail = f"{local}{number}@{domain}"
        self._mails.add(mail)
        return mail


def _digits(rng: Random) -> tuple[int, str]:
    country = int(rng.random() * len(COUNTRIES))
    _code, _trunk, areas, count = COUNTRIES[country]
    rest = str(2 + int(rng.random() * 8)) + "".join(str(int(rng.random() * 10)) for _ in range(count - 1))
    return country, f"{pick(rng, areas)} {rest}"


def _written(rng: Random, country: int, digits: str) -> str:
    """The number with its country, in groups or in one go; an American one perhaps without."""
    code, trunk, _areas, _count = COUNTRIES[country]
    area, rest = digits.split(" ")
    if code == "1":
        forms = (f"+1 {area} {rest[:3]} {rest[3:]}", f"({area}) {rest[:3]}-{rest[3:]}", f"{area}-{rest[:3]}-{rest[3:]}")
    else:
        pairs = " ".join(rest[at : at + 2] for at in range(0, len(rest), 2))
        forms = (f"+{code} {area} {pairs}", f"+{code}{area}{rest}", f"00{code} {area} {rest}")
        if trunk:
            forms = (*forms, f"+{code} ({trunk}){area} {pairs}")
    return pick(rng, forms)


def rewritten(rng: Random, phone: str) -> str:
    """The same number with other separators."""
    return pick(rng, (phone, phone.replace(" ", "-"), phone.replace("-", ".").replace(" ", ".")))
