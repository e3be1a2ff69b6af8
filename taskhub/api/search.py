"""``/search``: leads, deals, accounts, contacts and tasks by their words; only what the caller may look at."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query

from taskhub.access import service as access
from taskhub.access.permissions import ALL, ASKED, MANAGED, OWN, SERVED, TEAM, Caller, granted
from taskhub.api import queries, seen
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.http import paging
from taskhub.http.edge import look
from taskhub.http.paging import Cursor
from taskhub.http.route import router
from taskhub.sales.search import service as search
from taskhub.sales.search.queries import NOUNS
from taskhub.sales.search.scope import Scope
from taskhub.sales.search.service import LONGEST_QUERY, Found, Place

routes = router("search")
Words = Annotated[str, Query(min_length=1, max_length=LONGEST_QUERY, description="Words in any order, or parts.")]
Noun = Annotated[Literal["lead", "deal", "account", "contact", "task"] | None, Query()]
Limit = Annotated[int, Query(ge=1, le=50, description="How many at most.")]
SHOWN = ("title", "name", "company", "status", "stage", "owner", "state", "queue", "agent", "kind", "deal", "lead")


@routes.get("/search")
@look("search.read")
def find(tx: Tx, q: Words, noun: Noun = None, limit: Limit = 20, cursor: Cursor = None) -> dict[str, Any]:
    """What answers to every word, the best first: words in any order, parts of words, addresses, numbers, ids."""
    nouns = (noun,) if noun else NOUNS
    page = search.find(tx, q, scope(tx, access.caller(tx)), _place(cursor), limit, nouns)
    following = None if page.next is None else paging.encode(*map(str, page.next))
    return {**paging.page([shown(one) for one in page.items], following), "complete": page.complete}


def shown(one: Found) -> dict[str, Any]:
    """One record or task as a line of what was found."""
    told = {name: one.fields[name] for name in SHOWN if one.fields.get(name) is not None}
    return {
        "noun": one.noun, "id": one.record.partition(":")[2], **told, "score": one.score,
        "matched": [match._asdict() for match in one.matched],
    }  # fmt: skip


def scope(tx: Tx, who: Caller) -> Scope:
    """What the permission table lets the caller look at, in the form in which a database can be asked for it."""
    records, tasks = granted(who, "record.read"), granted(who, "task.read")
    teams = [who.by.team] if TEAM in records and who.by.team else []
    teams += sorted(who.managed) if MANAGED in records else []
    owners = set(queries.members(tx, teams)) | ({who.by.agent} if OWN in records and who.by.agent else set())
    served = seen.queues(who, tx.policies)
    near = {who.by.team} if TEAM in tasks and who.by.team else set()
    near |= who.managed if MANAGED in tasks else set()
    return Scope(
        all_records=ALL in records,
        owners=tuple(sorted(owners)),
        queues=tuple(served or ()) if SERVED in records else None,
        all_tasks=ALL in tasks,
        task_queues=tuple(key for key, queue in tx.policies.queues.items() if not near.isdisjoint(queue.teams)),
        teams=tuple(sorted(near)),
        me=who.by.agent,
        label=who.by.label,
        mine=OWN in tasks,
        asked=ASKED in tasks,
    )


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    score, at, record = paging.decode(cursor, 3)
    try:
        return int(score), float(at), record
    except ValueError:
        raise InvalidInput("This cursor did not come from here. Start again without one.", code="bad_cursor") from None
