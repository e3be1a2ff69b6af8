"""``/metrics/sales`` and ``/conversions``: how leads and deals get on, and which customers nobody has work for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Query

from taskhub.access import service as access
from taskhub.access.permissions import Caller, Object, reaches_all
from taskhub.agents import service as agents
from taskhub.api import queries, records, seen
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.http import paging
from taskhub.http.edge import look
from taskhub.http.inputs import Instant, KeyText
from taskhub.http.paging import Cursor, Limit
from taskhub.http.route import router
from taskhub.sales import queries as sales

routes = router("records")
Named = Annotated[KeyText | None, Query()]
Since = Annotated[Instant | None, Query(alias="from")]
MONTH = timedelta(days=30)


@routes.get("/metrics/sales")
@look("progress.read")
def of_sales(
    tx: Tx, agent: Named = None, team: Named = None, department: Named = None,
    since: Since = None, until: Instant | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Funnel, rates, amounts and time per stage of a person, a team or a department (default: 30 days, one's own)."""
    end = until or tx.now
    begin = since or end - MONTH
    _refuse_reversed(begin, end)
    owners, scope = _owners(tx, access.caller(tx), agent, team, department)
    items = sales.of_owners(tx, owners, begin, end, list(tx.policies.pipelines.values()))
    return {"from": begin, "until": end, "scope": scope, "items": items}


def _refuse_reversed(begin: datetime, end: datetime) -> None:
    if begin >= end:
        raise InvalidInput("from must lie before until.", errors=[{"path": "from", "message": "must lie before until"}])


def _owners(
    tx: Tx, who: Caller, agent: str | None, team: str | None, department: str | None
) -> tuple[list[str] | None, dict[str, Any]]:  # fmt: skip
    """Whose records count. Raises NotFound or Forbidden for those the caller does not answer for."""
    if sum(one is not None for one in (agent, team, department)) > 1:
        raise InvalidInput("Name one of agent, team and department.")
    if agent is not None:
        seen.agent(tx, agent, "progress.read")
        return [agent], {"agent": agent}
    if team is not None:
        found = [agents.get_team(tx, team).key]
    elif department is not None:
        found = agents.teams_of(tx, department)
    elif reaches_all(who, "progress.read"):
        return None, {}
    else:
        return _own(tx, who)
    for key in found:
        access.check(who, "progress.read", Object(teams=frozenset({key})))
    return queries.members(tx, found), {"team": team} if team else {"department": department}


def _own(tx: Tx, who: Caller) -> tuple[list[str], dict[str, Any]]:
    people = {*queries.members(tx, who.managed), *([who.by.agent] if who.by.agent else [])}
    return sorted(people), {"teams": sorted(who.managed)} if who.managed else {"agent": who.by.agent}


@routes.get("/conversions")
@look("record.read")
def list_conversions(
    tx: Tx, *, owing: bool = False, since: Since = None, until: Instant | None = None, limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Leads that became customers, newest first, each with its work; ``owing``: those nobody has any work for."""
    if since and until:
        _refuse_reversed(since, until)
    asked = records.narrowed(tx, access.caller(tx), {})
    rows = sales.conversions(
        tx, asked.get("owner"), paging.instant_after(cursor), limit + 1, owing=owing, since=since, until=until
    )
    page = rows[:limit]
    return paging.page(page, paging.encode(page[-1]["at"], page[-1]["lead"]) if len(rows) > limit else None)
