"""Who works in the example organisation, fitted to whatever queues there are. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from taskhub.calendars import BusinessCalendar, Opening
from taskhub.policy.policies import Policies

SPECIALISTS = (
    ("ana", "Ana Silva", 5, ("en", "fr", "de")), ("bruno", "Bruno Keller", 4, ("en", "de")),
    ("chloe", "Chloé Martin", 4, ("en", "fr")), ("dmitri", "Dmitri Novak", 3, ("en", "de")),
)  # fmt: skip
FRONT_LINE = (
    ("emma", "Emma Rossi", 4, ("en", "fr", "de")), ("farid", "Farid Haddad", 3, ("en", "fr")),
    ("greta", "Greta Lind", 4, ("en", "de")), ("hugo", "Hugo Lambert", 2, ("en", "fr")),
    ("ines", "Inès Moreau", 3, ("en", "fr", "de")), ("jonas", "Jonas Weber", 2, ("en", "de")),
    ("kim", "Kim Larsen", 3, ("en", "de")), ("lea", "Léa Dubois", 3, ("en", "fr")),
)  # fmt: skip
LEADERS = (("maya", "Maya Cohen"), ("noah", "Noah Petit"), ("olga", "Olga Maier"), ("paul", "Paul Roux"))
REPS = (("rita", "Rita Alves"), ("sam", "Sam Berger"), ("tess", "Tess Vidal"), ("ugo", "Ugo Conti"))
SALES_TEAM = "sales"
SHIFT = 8 * 60


def everybody() -> tuple[str, ...]:
    """The keys of the whole cast."""
    return tuple(who[0] for who in (*SPECIALISTS, *FRONT_LINE, *LEADERS, *REPS))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is told to the agents room: ``people`` as for POST /agents, ``leaders`` team → key, ``workers`` by key."""

    people: tuple[dict[str, Any], ...]
    leaders: dict[str, str]
    workers: tuple[str, ...]
    reps: tuple[str, ...]


def plan(policies: Policies, team_kinds: dict[str, str], language: str) -> Plan:
    """Fits the cast to the teams: specialists share the specialist teams, the front line the others."""
    workers: list[dict[str, Any]] = []
    leaders: dict[str, str] = {}
    people: list[dict[str, Any]] = []
    for number, (team, cast) in enumerate(_casts(team_kinds)):
        skills, calendar = _skills(policies, team), _calendar(policies, team)
        if calendar is None:
            continue
        workers += [_worker(who, team, skills, calendar, place) for place, who in enumerate(cast)]
        key, name = LEADERS[number % len(LEADERS)]
        leaders[team] = key
        people.append(_person(key, name, team, ["manager"], time_zone=calendar.tz))
    people += [_person(key, name, SALES_TEAM, ["rep"]) for key, name in REPS]
    told = tuple({**one, "language": language} for one in _once([*workers, *people]))
    return Plan(told, leaders, tuple(one["key"] for one in workers), tuple(key for key, _ in REPS))


def _casts(team_kinds: dict[str, str]) -> Iterator[tuple[str, Sequence[Any]]]:
    for kind, cast in (("specialist", SPECIALISTS), ("front_line", FRONT_LINE)):
        teams = sorted(team for team, its in team_kinds.items() if its == kind and team != SALES_TEAM)
        yield from ((team, cast[number :: len(teams)]) for number, team in enumerate(teams))


def _worker(who: Any, team: str, skills: Sequence[str], calendar: BusinessCalendar, place: int) -> dict[str, Any]:
    key, name, level, languages = who
    return _person(
        key, name, team, ["agent"], skills=dict.fromkeys(skills, level), capacity=4.0, time_zone=calendar.tz,
        shifts=_shifts(calendar, late=place % 2 == 1), attributes={"language": list(languages)},
    )  # fmt: skip


def _person(key: str, name: str, team: str, roles: list[str], **more: Any) -> dict[str, Any]:
    return {"key": key, "name": name, "team": team, "roles": roles, "email": f"{key}@example.org", **more}


def _skills(policies: Policies, team: str) -> list[str]:
    served = {key for key, queue in policies.queues.items() if team in queue.teams}
    return sorted({kind.skill_key for kind in policies.kinds.values() if kind.queue in served})


def _calendar(policies: Policies, team: str) -> BusinessCalendar | None:
    served = (key for key, queue in policies.queues.items() if team in queue.teams)
    return next((policies.calendar_of(key) for key in served), None)


def _shifts(calendar: BusinessCalendar, *, late: bool) -> dict[str, list[str]]:
    """Long days are split into an early and a late shift that overlap."""
    return {
        day: [str(_shift(one, late=late)) for one in openings] for day, openings in calendar.weekly.items() if openings
    }


def _shift(opening: Opening, *, late: bool) -> Opening:
    if opening.closes - opening.opens <= SHIFT:
        return opening
    return Opening(opening.closes - SHIFT, opening.closes) if late else Opening(opening.opens, opening.opens + SHIFT)


def _once(people: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Organisations with more teams than we have leaders share them."""
    return list({one["key"]: one for one in people}.values())
