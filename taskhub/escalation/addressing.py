"""Who is told, and who instead of whom: the stand-in first, then up to leader and managers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Person:
    """What matters here of a person at one instant. ``absent``: a planned absence, or away."""

    key: str
    name: str
    email: str | None
    language: str
    time_zone: str
    team: str
    stand_in: str | None
    roles: tuple[str, ...]
    active: bool = True
    absent: bool = False
    on_shift: bool = True


@dataclass(frozen=True, slots=True)
class Directory:
    """The people and teams one task may concern."""

    people: Mapping[str, Person] = field(default_factory=dict)
    leaders: Mapping[str, str | None] = field(default_factory=dict)
    managers: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Concern:
    """Whose task it is: its holder, and the teams that answer for it."""

    holder: str | None
    teams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """One addressee resolved: ``instead_of`` was meant and is not there ``because``. Neither agent nor url: the log."""

    asked: str
    agent: str | None = None
    url: str | None = None
    instead_of: str | None = None
    because: str | None = None


def tell(notify: Sequence[str], concern: Concern, directory: Directory) -> list[Told]:
    """Everybody the addressees of a step come to; an addressee that comes to nobody goes to the log."""
    return [told for asked in notify for told in _told(asked, concern, directory)]


def handed(keys: Sequence[str | None], told: Sequence[Told], directory: Directory) -> list[Told]:
    """Those between whom work was handed on: themselves, also where they are away, unless they are told already."""
    there = {key: directory.people[key] for key in _once(keys) if key in directory.people}
    known = {one.agent for one in told}
    return [Told(f"agent:{key}", key) for key, person in there.items() if person.active and key not in known]


def leader_at_work(concern: Concern, directory: Directory) -> Told:
    """The one person the work goes up to: at work now, or the next one up who is."""
    return _first(_reach("leader", key, why, directory, at_work=True) for key, why in _leaders(concern, directory))


def _told(asked: str, concern: Concern, directory: Directory) -> list[Told]:
    kind, _, name = asked.partition(":")
    if kind == "url":
        return [Told(asked, url=name)]
    if kind == "team":
        return _team(asked, name, directory)
    found = [_reach(asked, key, why, directory) for key, why in _wanted(kind, name, concern, directory)]
    return found or [Told(asked, because="nobody_there")]


def _team(asked: str, team: str, directory: Directory) -> list[Told]:
    mates = [one.key for one in directory.people.values() if one.team == team and _missing(one, at_work=False) is None]
    if mates:
        return [Told(asked, key) for key in sorted(mates)]
    answering = _leaders(Concern(None, (team,)), directory)
    return [_first(_reach(asked, key, "nobody_there", directory) for key, _ in answering)]


def _wanted(kind: str, name: str, concern: Concern, directory: Directory) -> list[tuple[str, str | None]]:
    """The people meant, each with why it is not who was asked for."""
    if kind == "agent" and name:
        return [(name, None)]
    if kind == "agent":
        if concern.holder:
            return [(concern.holder, None)]
        return [(key, "nobody_holds_it") for key, _ in _leaders(concern, directory)]
    if kind == "leader":
        return _leaders(concern, directory)
    if kind == "manager":
        return [(key, None) for key in _managers(concern.teams, directory)]
    return [(key, None) for key in _with_role(name, concern, directory)]


def _leaders(concern: Concern, directory: Directory) -> list[tuple[str, str | None]]:
    leaders = _once(directory.leaders.get(team) for team in concern.teams)
    if leaders:
        return [(key, None) for key in leaders]
    return [(key, "no_leader") for key in _managers(concern.teams, directory)]


def _managers(teams: Iterable[str], directory: Directory) -> list[str]:
    return _once(key for team in teams for key in directory.managers.get(team, ()))


def _with_role(role: str, concern: Concern, directory: Directory) -> list[str]:
    """People with the role who belong to, lead or manage the task's teams; where there are none, all who have it."""
    having = [one for one in directory.people.values() if role in one.roles and one.active]
    ruling = {key for key, _ in _leaders(concern, directory)} | set(_managers(concern.teams, directory))
    near = [one.key for one in having if one.team in concern.teams or one.key in ruling]
    return sorted(near or (one.key for one in having))


def _reach(asked: str, key: str, why: str | None, directory: Directory, *, at_work: bool = False) -> Told:
    """The person, or who takes their place."""
    away = _gone(directory.people.get(key), at_work=at_work)
    if away is None:
        return Told(asked, key, instead_of=None, because=why)
    there = (other for other in _line(key, directory) if _gone(directory.people.get(other), at_work=at_work) is None)
    return Told(asked, next(there, None), instead_of=key, because=away)


def _line(key: str, directory: Directory) -> Iterator[str]:
    """Who takes a person's place: stand-ins, then the leader and the managers of their team, each with stand-ins."""
    level, seen = [key], {key}
    while level:
        for one in level:
            yield one
            yield from _stand_ins(one, directory, seen)
        level = _once(up for one in level for up in _above(one, directory) if up not in seen)
        seen.update(level)


def _stand_ins(key: str, directory: Directory, seen: set[str]) -> Iterator[str]:
    person = directory.people.get(key)
    while person is not None and person.stand_in and person.stand_in not in seen:
        seen.add(person.stand_in)
        yield person.stand_in
        person = directory.people.get(person.stand_in)


def _above(key: str, directory: Directory) -> list[str | None]:
    person = directory.people.get(key)
    return [directory.leaders.get(person.team), *directory.managers.get(person.team, ())] if person else []


def _gone(person: Person | None, *, at_work: bool) -> str | None:
    return "unknown" if person is None else _missing(person, at_work=at_work)


def _missing(person: Person, *, at_work: bool) -> str | None:
    if not person.active:
        return "inactive"
    if person.absent:
        return "absent"
    return "off_shift" if at_work and not person.on_shift else None


def _first(tries: Iterable[Told]) -> Told:
    """The first try that found somebody, else the first try."""
    all_tries = list(tries)
    reached = [told for told in all_tries if told.agent is not None]
    return next(iter(reached + all_tries), Told("leader", because="no_leader"))


def _once(keys: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(key for key in keys if key))
