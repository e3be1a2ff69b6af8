"""What happens in sales: leads come, move, are converted or lost; deals are won or lost. Seeded and endless. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from taskhub.calendars import BusinessCalendar
from taskhub.demo.names import company, person

LEADS_AN_HOUR = 12.0
MOST_LIVES = 400
SOURCE = "demo/crm"
CONVERTED, WON = 0.24, 0.6
FIRST_POST, SIGNED = 12, 3

Told = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Scene:
    """Where it plays: stages, reasons to lose, who sells, when customers write and when reps work."""

    lead_stages: Sequence[str]
    deal_stages: Sequence[str]
    lead_reasons: Sequence[str]
    deal_reasons: Sequence[str]
    reps: Sequence[str]
    customers: BusinessCalendar
    office: BusinessCalendar
    currency: str = "EUR"


@dataclass(slots=True)
class Life:
    """One lead on its way; ``steps`` yields what happens next, and how many open minutes later."""

    number: int
    lead: dict[str, Any]
    steps: Iterator[tuple[float, Told]] = field(init=False)


class Story:
    """Events in the order of their time. ``run`` keeps the ids of one start of the demo apart from those of another."""

    def __init__(self, scene: Scene, rng: Random, run: str, begin: datetime) -> None:
        self._scene = scene
        self._rng = rng
        self._run = run
        self._count = self._events = 0
        self._due: list[tuple[datetime, int, Life, Told]] = []
        self._next_lead = begin
        for number in range(FIRST_POST):
            self._begin(begin, signed=number < SIGNED)

    def due(self, now: datetime, most: int, *, room: bool = True) -> list[dict[str, Any]]:
        """At most ``most`` events that happen by ``now``; no new leads where there is no ``room``."""
        while self._next_lead <= now:
            if room and len(self._due) < MOST_LIVES:
                self._begin(self._next_lead)
            # What was missed stays missed: a flood after a pause would teach nothing.
            later = timedelta(hours=self._rng.expovariate(LEADS_AN_HOUR))
            self._next_lead = self._scene.customers.add(max(self._next_lead, now - timedelta(minutes=10)), later)
        found: list[dict[str, Any]] = []
        while self._due and self._due[0][0] <= now and len(found) < most:
            _, _, life, told = heapq.heappop(self._due)
            found.append(self._event(told, now))
            self._push(life, now)
        return found

    def _begin(self, at: datetime, *, signed: bool = False) -> None:
        self._count += 1
        life = Life(self._count, self._lead(self._count))
        life.steps = self._signed(life) if signed else self._steps(life)
        self._push(life, at)

    def _push(self, life: Life, after: datetime) -> None:
        step = next(life.steps, None)
        if step is not None:
            minutes, told = step
            hours = self._scene.office if minutes else self._scene.customers
            heapq.heappush(self._due, (hours.add(after, timedelta(minutes=minutes)), life.number, life, told))

    def _lead(self, number: int) -> dict[str, Any]:
        name = person(self._rng)
        amount = round(min(self._rng.lognormvariate(9.3, 0.9), 400_000), -2)
        return {
            "id": f"{self._run}-{number}", "title": None, "name": name, "company": company(self._rng),
            "email": f"{name.split()[0].lower()}@example.com", "stage": self._scene.lead_stages[0], "pipeline": "leads",
            "owner": self._rng.choice(self._scene.reps), "amount": amount, "currency": self._scene.currency,
            "language": self._rng.choices(("en", "fr", "de"), (5, 3, 2))[0], "status": "open",
        }  # fmt: skip

    def _steps(self, life: Life) -> Iterator[tuple[float, Told]]:
        lead, chance = life.lead, self._rng
        yield 0, ("lead.created", {"lead": dict(lead)})
        goes_on = chance.random() < CONVERTED
        reached = self._scene.lead_stages[1:] if goes_on else self._scene.lead_stages[1 : chance.randint(1, 3)]
        for stage in reached:
            was, lead["stage"] = lead["stage"], stage
            yield self._pause(25), ("lead.stage_changed", {"lead": dict(lead), "previous": {"stage": was}})
        if not goes_on:
            lead |= {"status": "lost", "lost_reason": chance.choice(self._scene.lead_reasons)}
            yield 45 + self._pause(60), ("lead.lost", {"lead": dict(lead), "previous": {"status": "open"}})
            return
        yield from self._deal(life)

    def _signed(self, life: Life) -> Iterator[tuple[float, Told]]:
        """A deal from before the demo began, signed over the weekend."""
        deal = {**self._deal_of(life.lead), "stage": self._scene.deal_stages[-1], "status": "won"}
        yield 0, ("deal.won", {"deal": deal, "previous": {"status": "open"}})

    def _deal(self, life: Life) -> Iterator[tuple[float, Told]]:
        lead, chance, stages = life.lead, self._rng, self._scene.deal_stages
        deal = self._deal_of(lead)
        lead["status"] = "converted"
        yield self._pause(20), ("lead.converted", {"lead": dict(lead), "previous": {"status": "open"}})
        yield 1, ("deal.created", {"deal": dict(deal)})
        for stage in stages[1:]:
            was, deal["stage"] = deal["stage"], stage
            yield self._pause(40), ("deal.stage_changed", {"deal": dict(deal), "previous": {"stage": was}})
        won = chance.random() < WON
        end = {"status": "won"} if won else {"status": "lost", "lost_reason": chance.choice(self._scene.deal_reasons)}
        told = {"deal": {**deal, **end}, "previous": {"status": "open"}}
        yield self._pause(40), ("deal.won" if won else "deal.lost", told)

    def _deal_of(self, lead: dict[str, Any]) -> dict[str, Any]:
        names = ("name", "company", "owner", "amount", "currency", "language")
        deal = {"id": f"D{lead['id']}", "title": lead["company"], **{name: lead[name] for name in names}}
        return {**deal, "lead": lead["id"], "stage": self._scene.deal_stages[0], "pipeline": "sales", "status": "open"}

    def _pause(self, minutes: float) -> float:
        return max(1.0, self._rng.expovariate(1 / minutes))

    def _event(self, told: Told, now: datetime) -> dict[str, Any]:
        self._events += 1
        type_, data = told
        noun = type_.partition(".")[0]
        return {
            "specversion": "1.0", "id": f"{self._run}-e{self._events}", "source": SOURCE, "type": type_,
            "subject": data[noun]["id"], "time": now.isoformat(), "datacontenttype": "application/json", "data": data,
        }  # fmt: skip
