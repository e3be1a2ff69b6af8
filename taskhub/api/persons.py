"""Figures of people: one's own at any time; for a manager from the next day on, and the person sees who looked."""

from __future__ import annotations

from typing import Any, Literal

from taskhub.access import service as access
from taskhub.access.permissions import Object
from taskhub.agents import service as agents
from taskhub.api import seen
from taskhub.db.tx import Tx
from taskhub.http.edge import act, look
from taskhub.http.inputs import Key
from taskhub.http.route import router
from taskhub.metrics.definitions import Metric
from taskhub.metrics.persons import figures, queries
from taskhub.metrics.persons.queries import Span
from taskhub.metrics.quality import figures as quality_figures
from taskhub.metrics.quality import queries as quality

routes = router("metrics")
Period = Literal["today", "week", "month", "quarter"]
MEANING = {metric.name: metric for metric in (*quality_figures.METRICS, *figures.METRICS)}


@routes.get("/agents/{key}/metrics")
@act("agent.figures", "figures.look")
def of_person(tx: Tx, key: Key, period: Period = "week") -> dict[str, Any]:
    """One person's figures. Others than themselves see whole days only, not today's, and stand in ``looked``."""
    person, _ = seen.agent(tx, key, "agent.figures")
    own = tx.by.agent == key
    today = queries.midnight(tx, person.time_zone)
    since, until = queries.begin(tx, period, person.time_zone), tx.now if own else today
    span = Span(since, until, today, person.time_zone)
    found = queries.works(tx, queries.team(tx, person.team), span)
    mine = found if key in found else {**found, **queries.works(tx, [key], span)}
    told = figures.of_person(key, mine)
    if own:
        told |= {"looked": queries.looks(tx, key), "missed_in_a_row": queries.missed_in_a_row(tx, key)}
    else:
        told = {**told, "share_today": None, "overdue": None, "missed_in_a_row": None}
        tx.record("figures", key, "look", {"period": period})
    quality_ = quality.of_people(tx, [key], since, until) if since < until else quality_figures.figures([], 0)
    facts = {"agent": key, "period": period, "from": since, "until": until, **told, "quality": quality_}
    return {**facts, "metrics": _meaning(MEANING)}


@routes.get("/metrics/teams/{key}")
@look("metric.read")
def of_team(tx: Tx, key: Key, period: Period = "week") -> dict[str, Any]:
    """A team's figures, without anybody's name; how they spread only where nobody can be made out."""
    team = agents.get_team(tx, key)
    access.check(access.caller(tx), "metric.read", Object(teams=frozenset({team.key})))
    since, today = queries.begin(tx, period, "UTC"), queries.midnight(tx, "UTC")
    people = queries.team(tx, key)
    found = queries.works(tx, people, Span(since, tx.now, today, "UTC"))
    told = {**figures.of_team(list(found.values())), "quality": quality.of_people(tx, people, since, tx.now)}
    return {"team": key, "period": period, "from": since, "until": tx.now, **told, "metrics": _meaning(MEANING)}


def _meaning(known: dict[str, Metric]) -> dict[str, Any]:
    return {name: {"unit": metric.unit, "formula": metric.formula} for name, metric in known.items()}
