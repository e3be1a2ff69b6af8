"""One function says who may do what: ``can``. Pure; the table is the whole truth, tests and docs read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from taskhub.access.roles import ADMIN, AGENT, AUDITOR, DIRECTOR, INTEGRATION, MANAGER, REP
from taskhub.db.tx import By

OWN, ASKED, TEAM, MANAGED, SERVED, ALL = "own", "asked", "team", "managed", "served", "all"
RELATIONS = (OWN, ASKED, TEAM, MANAGED, SERVED, ALL)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``managed`` are the teams they lead or manage; a director's are those of the whole department."""

    by: By
    managed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Object:
    """What is asked about, as plain facts; the default belongs to nobody.

    ``agent`` is the person it belongs to, ``teams`` the teams it concerns (a task: those its queue admits),
    ``asked_by`` who ordered it, ``served`` whether a task the caller sees is about it.
    """

    agent: str | None = None
    teams: frozenset[str] = frozenset()
    asked_by: str | None = None
    served: bool = False


@dataclass(frozen=True, slots=True)
class Denial:
    """Why not. False in a condition. ``seen``: the caller may know that the object exists."""

    act: str
    seen: bool
    roles: tuple[str, ...] = field(default=())

    def __bool__(self) -> Literal[False]:
        return False


Rule = Mapping[str, tuple[str, ...]]

_ANYBODY: Rule = dict.fromkeys((AGENT, REP, MANAGER, ADMIN, INTEGRATION, AUDITOR), (ALL,))
_PEOPLE: Rule = dict.fromkeys((AGENT, REP, MANAGER, ADMIN, AUDITOR), (ALL,))
_SELLERS: Rule = dict.fromkeys((REP, MANAGER, ADMIN), (ALL,))
_SEE_ALL: Rule = {ADMIN: (ALL,), AUDITOR: (ALL,)}
# Who holds a task is for its life cycle to judge: it tells a late finisher who has it now.
_WORK: Rule = {AGENT: (OWN, TEAM), MANAGER: (MANAGED, OWN), ADMIN: (ALL,)}
_LEAD: Rule = {MANAGER: (MANAGED,), ADMIN: (ALL,)}
_SELF: Rule = {AGENT: (OWN,), REP: (OWN,), MANAGER: (OWN, MANAGED), ADMIN: (ALL,)}

TABLE: Mapping[str, Rule] = {
    "event.ingest": {INTEGRATION: (ALL,), ADMIN: (ALL,)},
    "event.read": {INTEGRATION: (ALL,), **_SEE_ALL},
    "event.replay": {ADMIN: (ALL,)},
    "message.read": _SEE_ALL,
    "message.replay": {ADMIN: (ALL,)},
    "task.read": {
        AGENT: (OWN, TEAM), REP: (ASKED, OWN), MANAGER: (MANAGED, OWN, ASKED), INTEGRATION: (ALL,), **_SEE_ALL,
    },
    "task.create": {AGENT: (ALL,), REP: (ALL,), MANAGER: (ALL,), ADMIN: (ALL,)},
    "task.claim": {AGENT: (TEAM, OWN)},
    "task.work": _WORK,
    "task.change": _WORK,
    "task.cancel": _LEAD,
    "task.reopen": {AGENT: (OWN,), MANAGER: (MANAGED,), ADMIN: (ALL,)},
    "task.assign": _LEAD,
    "task.candidates": {MANAGER: (MANAGED,), **_SEE_ALL},
    "team.read": _PEOPLE,
    "team.write": {ADMIN: (ALL,)},
    "agent.read": {AGENT: (OWN, TEAM), REP: (OWN, TEAM), MANAGER: (OWN, TEAM, MANAGED), **_SEE_ALL},
    "agent.private": {AGENT: (OWN,), REP: (OWN,), MANAGER: (OWN, MANAGED), **_SEE_ALL},
    # The figures of one person are theirs first; an auditor reads what was done, not how well somebody does it.
    "agent.figures": {AGENT: (OWN,), REP: (OWN,), MANAGER: (OWN, MANAGED), ADMIN: (ALL,)},
    "agent.write": {ADMIN: (ALL,)},
    "agent.adjust": _LEAD,
    "agent.lend": _LEAD,
    "agent.leave": _LEAD,
    "agent.presence": _SELF,
    "agent.absence": _SELF,
    # Where somebody is told at night is theirs to say; an administrator helps.
    "agent.notices": {AGENT: (OWN,), REP: (OWN,), MANAGER: (OWN,), ADMIN: (ALL,)},
    "notification.read": _PEOPLE,
    "letter.read": {MANAGER: (MANAGED,), **_SEE_ALL},
    "notification.replay": _LEAD,
    "rehearsal.read": {MANAGER: (MANAGED,), **_SEE_ALL},
    "key.create": {ADMIN: (ALL,)},
    "key.read": {AGENT: (OWN,), REP: (OWN,), MANAGER: (OWN,), **_SEE_ALL},
    "key.revoke": {AGENT: (OWN,), REP: (OWN,), MANAGER: (OWN,), ADMIN: (ALL,)},
    "queue.read": {AGENT: (TEAM,), MANAGER: (MANAGED, TEAM), **_SEE_ALL},
    "queue.staff": _LEAD,
    "queue.shadow": _LEAD,
    "metric.read": {MANAGER: (MANAGED,), **_SEE_ALL},
    "record.read": {AGENT: (SERVED, OWN), REP: (OWN, TEAM), MANAGER: (OWN, TEAM, MANAGED, SERVED), **_SEE_ALL},
    "record.create": _SELLERS,
    "record.change": {REP: (OWN,), MANAGER: (OWN, MANAGED), ADMIN: (ALL,)},
    # A colleague's lead is there to be consulted, taken over and asked work for; only its owner changes it.
    "record.take_over": {REP: (OWN, TEAM), MANAGER: (OWN, TEAM, MANAGED), ADMIN: (ALL,)},
    "record.ask": {REP: (OWN, TEAM), MANAGER: (OWN, TEAM, MANAGED, SERVED), ADMIN: (ALL,)},
    # Who may look at a record or a task may write a note on it; a note is then its author's.
    "record.note": {AGENT: (SERVED, OWN), REP: (OWN, TEAM), MANAGER: (OWN, TEAM, MANAGED, SERVED), ADMIN: (ALL,)},
    "task.note": {AGENT: (OWN, TEAM), REP: (ASKED, OWN), MANAGER: (MANAGED, OWN, ASKED), ADMIN: (ALL,)},
    "note.read": _PEOPLE,
    "search.read": _PEOPLE,
    "note.change": {AGENT: (ALL,), REP: (ALL,), MANAGER: (ALL,), ADMIN: (ALL,)},
    # Own: asked of them; asked: they asked it; served: its task is one the caller sees. A colleague may read along.
    "question.read": {
        AGENT: (OWN, ASKED, SERVED), REP: (OWN, TEAM, ASKED), MANAGER: (OWN, TEAM, MANAGED, ASKED, SERVED), **_SEE_ALL,
    },
    "question.answer": {AGENT: (OWN,), REP: (OWN,), MANAGER: (OWN, MANAGED), ADMIN: (ALL,)},
    "pipeline.read": _PEOPLE,
    "progress.read": {REP: (OWN,), MANAGER: (OWN, MANAGED), **_SEE_ALL},
    # Names of everybody's customers stand in the list of all pairs. Who judges a pair must see both of it besides.
    "duplicate.read": _SEE_ALL,
    "duplicate.look": {ADMIN: (ALL,)},
    "duplicate.judge": {AGENT: (ALL,), REP: (ALL,), MANAGER: (ALL,), ADMIN: (ALL,)},
    # Rows that were refused hold what somebody's customers are called: they are for whoever handed the file in.
    "import.read": {MANAGER: (OWN,), **_SEE_ALL},
    "import.write": {MANAGER: (OWN,), ADMIN: (ALL,)},
    "export.read": _SEE_ALL,
    "calendar.try": _ANYBODY,
    "act.read": _PEOPLE,
    "act.undo": _PEOPLE,
    "live.read": _PEOPLE,
}  # fmt: skip
SYSTEM_ROLE = "system"


def can(caller: Caller, act: str, it: Object | None = None) -> Literal[True] | Denial:
    """Whether ``caller`` may do ``act`` (a key of TABLE) to ``it``; without ``it``: to any object at all."""
    if caller.by.role == SYSTEM_ROLE or _allowed(caller, act, it):
        return True
    read = f"{act.partition('.')[0]}.read"
    seen = it is None or (read in TABLE and _allowed(caller, read, it))
    return Denial(act, seen, tuple(TABLE[act]))


def relations(caller: Caller, it: Object) -> frozenset[str]:
    """How ``caller`` stands to ``it``."""
    by = caller.by
    found = {
        OWN: by.agent is not None and by.agent == it.agent,
        ASKED: it.asked_by is not None and it.asked_by in (by.agent, by.label),
        TEAM: by.team is not None and by.team in it.teams,
        MANAGED: not caller.managed.isdisjoint(it.teams),
        SERVED: it.served,
        ALL: True,
    }
    return frozenset(name for name, holds in found.items() if holds)


def granted(caller: Caller, act: str) -> frozenset[str]:
    """The relations by which ``caller`` may do ``act``, for lists that ask the database for them."""
    if caller.by.role == SYSTEM_ROLE:
        return frozenset(RELATIONS)
    return frozenset(relation for role in caller.by.roles for relation in TABLE[act].get(_column(role), ()))


def reaches_all(caller: Caller, act: str) -> bool:
    """Whether ``act`` is allowed on every object, whatever the relation."""
    return caller.by.role == SYSTEM_ROLE or any(ALL in TABLE[act].get(_column(role), ()) for role in caller.by.roles)


def may_work(roles: Iterable[str]) -> bool:
    """Whether somebody with these roles may work on tasks of their own."""
    return any(OWN in TABLE["task.work"].get(_column(role), ()) or role == ADMIN for role in roles)


def _allowed(caller: Caller, act: str, it: Object | None) -> bool:
    found = granted(caller, act)
    return bool(found) and (it is None or not found.isdisjoint(relations(caller, it)))


def _column(role: str) -> str:
    """A director may what a manager may; the department makes the difference, in ``Caller.managed``."""
    return MANAGER if role == DIRECTOR else role
