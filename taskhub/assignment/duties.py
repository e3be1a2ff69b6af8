"""The duty rota of a queue, planned ahead: who is on duty for which kinds, written down for the next AHEAD.

What has begun stays as it is; what is to come is planned anew whenever somebody's absence, team or skill changes. The
plan itself is a pure function (models/duty_plan.py); the same people and the same past give the same plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from taskhub.assignment import fairness, passes, store
from taskhub.assignment.model import AgentFacts, QueueFacts
from taskhub.assignment.models.duty_plan import Duty, Person, Rota, Span, plan
from taskhub.assignment.models.duty_slices import slices
from taskhub.assignment.queries import pools
from taskhub.calendars import BusinessCalendar
from taskhub.db.tx import Tx
from taskhub.ids import digest
from taskhub.policy.work import Kind

AHEAD = timedelta(days=14)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything a plan follows from but the past; ``name`` tells one from another."""

    people: tuple[AgentFacts, ...]
    kinds: tuple[Kind, ...]
    spans: tuple[Span, ...]
    name: str


def asked(tx: Tx, facts: QueueFacts) -> Asked:
    """What is to be planned now."""
    teams = facts.params.get("teams") or facts.teams
    people = tuple(one for one in store.people(tx, teams, passes.paused_queues(tx), None) if one.active)
    kinds, spans = tx.policies.kinds_of(facts.key), _coming(tx, facts)
    who = [[one.key, sorted(one.skills), [[str(a), str(b)] for a, b in one.absences]] for one in people]
    what = [sorted(kind.skill_key for kind in kinds), str(sorted(facts.params.items())), [str(span) for span in spans]]
    return Asked(people, kinds, spans, digest("duty", str(who), str(what)))


def planned(tx: Tx, facts: QueueFacts, wanted: Asked) -> Rota:
    """Plans what is to come and writes it where it differs; the queue's pool is locked by the caller."""
    done = pools.duties_done(tx, facts.key, tx.now - fairness.QUARTER)
    rota = plan(
        [_person(one, wanted.kinds, done) for one in wanted.people], wanted.spans, [kind.key for kind in wanted.kinds],
        kinds_per_slice=facts.params.get("kinds_per_slice", 1),
        people_per_kind=facts.params.get("people_per_kind", 1), last=pools.last_duties(tx, facts.key),
    )  # fmt: skip
    since = min((begin for begin, _ in wanted.spans), default=tx.now)
    if _rows(rota.duties) != _rows(pools.duties(tx, facts.key, since)):
        store.save_duties(tx, facts.key, since, _rows(rota.duties))
        told = {"duties": len(rota.duties), "uncovered": len(rota.uncovered), "from": since.isoformat()}
        tx.record("queue", facts.key, "duty_planned", told)
    return rota


def _person(one: AgentFacts, kinds: tuple[Kind, ...], done: Mapping[str, int]) -> Person:
    able = frozenset(kind.key for kind in kinds if kind.skill_key in one.skills)
    return Person(one.key, able, one.absences, done.get(one.key))


def _coming(tx: Tx, facts: QueueFacts) -> tuple[Span, ...]:
    """The slices to plan: those that have not begun, and the one under way where nobody is on duty yet."""
    calendar, size = tx.policies.calendar_of(facts.key), facts.params.get("slice", "day")
    today = calendar.local_date(tx.now)
    first = today - timedelta(days=today.weekday()) if size == "week" else today
    last = today + (AHEAD + WEEK if size == "week" else AHEAD)
    spans = slices(size, first, last, calendar.tz, calendar.working_day)
    begun = bool(pools.on_duty(tx, facts.key))
    under_way = [span for span in spans if span[0] <= tx.now < span[1] and not begun and _open(calendar, span)]
    return (*under_way, *(span for span in spans if span[0] > tx.now))


def _open(calendar: BusinessCalendar, span: Span) -> bool:
    return bool(calendar.open_spans(*span))


def _rows(duties: Sequence[Duty]) -> list[tuple[str, datetime, datetime, list[str]]]:
    return sorted((duty.agent, duty.from_at, duty.until_at, list(duty.kinds)) for duty in duties)
