"""Near misses: other people who look like somebody, where colleagues share a telephone or a family shares a firm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.twins.people import Lead, People, pick

MORE = ("Travel", "Logistics", "Foods", "Consulting", "West", "Properties", "Energy", "Medical")

Near = Callable[[People, Lead, str], Lead | None]


def _named(people: People, lead: Lead, id_: str, *, like: Callable[[str, str], bool], last: str | None) -> Lead | None:
    """Another person at the same company; ``like``: whether the first names may stand side by side."""
    if not lead.name or not lead.company:
        return None
    first = lead.name.split(" ", 1)[0]
    for _ in range(40):
        other, family = pick(people.rng, people.pools.first), last or pick(people.rng, people.pools.last)
        if other != first and like(first, other) and people.is_new(f"{other} {family}", lead.company):
            return people.person(id_, other, family, lead.company)
    return None


def _family(lead: Lead) -> str:
    return lead.name.split(" ", 1)[1] if lead.name and " " in lead.name else ""


def _anybody(_one: str, _two: str) -> bool:
    return True


def colleague(people: People, lead: Lead, id_: str) -> Lead | None:
    """Somebody else of the company, with the telephone of the first."""
    found = _named(people, lead, id_, like=_anybody, last=None)
    return replace(found, phone=lead.phone) if found and lead.phone else None


def relative(people: People, lead: Lead, id_: str) -> Lead | None:
    """Of the same family, company and telephone."""
    found = _named(people, lead, id_, like=_anybody, last=_family(lead))
    return replace(found, phone=lead.phone) if found and lead.phone else None


def namesake(people: People, lead: Lead, id_: str) -> Lead | None:
    """The same name at another company."""
    company = pick(people.rng, people.pools.companies)
    if not lead.name or " " not in lead.name or company == lead.company or not people.is_new(lead.name, company):
        return None
    return people.person(id_, lead.name.split(" ", 1)[0], _family(lead), company)


def same_initial(people: People, lead: Lead, id_: str) -> Lead | None:
    """The same family name and initial at the same company."""
    return _named(people, lead, id_, like=lambda one, two: one[:1] == two[:1], last=_family(lead))


def shared_mailbox(people: People, lead: Lead, id_: str) -> Lead | None:
    """Somebody else of the company, with the mailbox both share."""
    if not lead.company or lead.email != people.role(lead.company):
        return None
    found = _named(people, lead, id_, like=_anybody, last=None)
    return replace(found, email=lead.email) if found else None


def sister_company(people: People, lead: Lead, id_: str) -> Lead | None:
    """The same family name at a company whose name goes on."""
    if not lead.company or not lead.name:
        return None
    return _named(people, replace(lead, company=f"{lead.company} {pick(people.rng, MORE)}"), id_, like=_anybody,
                  last=_family(lead))  # fmt: skip


NEAR: Mapping[str, Near] = {
    "colleague": colleague,
    "relative": relative,
    "namesake": namesake,
    "same_initial": same_initial,
    "shared_mailbox": shared_mailbox,
    "sister_company": sister_company,
}
