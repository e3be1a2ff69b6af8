"""Who is asked about a customer: the owner, else whoever answers for the owner's team, else for the asker's. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

NO_OWNER, UNKNOWN, INACTIVE, ASKS = "no_owner", "unknown", "inactive", "asks"


@dataclass(frozen=True, slots=True)
class House:
    """Of the people who matter here: who is ``active``, whose team is which, and who answers for a team, in order."""

    active: Collection[str]
    teams: Mapping[str, str]
    answering: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Whom:
    """``agent`` is asked, ``instead_of`` the owner ``because`` (one of the reasons above), where it is not they."""

    agent: str
    instead_of: str | None = None
    because: str | None = None


def whom(owner: str | None, asker: str | None, house: House) -> Whom | None:
    """None where there is nobody.

    >>> whom("rob", "zoe", House({"lea"}, {"rob": "sales"}, {"sales": ["lea"]}))
    Whom(agent='lea', instead_of='rob', because='inactive')
    """
    why = _why_not(owner, asker, house)
    if why is None and owner is not None:
        return Whom(owner)
    found = next((one for one in _answering(owner, asker, house) if one in house.active and one != asker), None)
    return Whom(found, owner, why) if found is not None else None


def successor(leaver: str, to: str | None, house: House) -> str | None:
    """Who has a leaver's questions from now on: the colleague named, else whoever answers for their team."""
    chosen = ([to] if to else []) + list(house.answering.get(house.teams.get(leaver, ""), ()))
    return next((one for one in chosen if one != leaver and one in house.active), None)


def _why_not(owner: str | None, asker: str | None, house: House) -> str | None:
    if owner is None:
        return NO_OWNER
    if owner == asker:
        return ASKS
    if owner not in house.teams:
        return UNKNOWN
    return None if owner in house.active else INACTIVE


def _answering(owner: str | None, asker: str | None, house: House) -> Iterator[str]:
    for one in (owner, asker):
        yield from house.answering.get(house.teams.get(one or "", ""), ())
