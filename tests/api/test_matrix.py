"""Every route × every role × own, team's, somebody else's: generated from the OpenAPI page, compared with one table.

A cell is `y` (let in), `f` (403: may know, may not) or `n` (404: may not even know). A route without a row fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from taskhub.db.database import Database
from taskhub.db.tx import Tx
from taskhub.events import service as events
from taskhub.http.edge import OPEN
from taskhub.http.route import PERMISSION
from taskhub.sales import service as sales
from tests.api.house import House, open_house
from tests.databases import SqliteDatabases

ROLES = ("agent", "rep", "manager", "director", "admin", "integration", "auditor")
PERSONA = {"agent": "zoe", "rep": "rob", "manager": "lea", "director": "dora"}
NOBODY = dict.fromkeys(ROLES, "fff")
ALL = dict.fromkeys(ROLES, "yyy")
PEOPLE = ALL | {"integration": "fff"}
ADMIN = NOBODY | {"admin": "yyy"}
READ_ALL = {"admin": "yyy", "auditor": "yyy"}

# Whether the task's state lets them stands in tasks/lifecycle.py: a colleague's hand on a held task is answered 409 or
# 403 with its holder, never 404, so that a late finisher learns who has it now.
# task: own / held by a colleague or in a managed team / of a queue out of reach; the rep's own is one they asked for
SEE_TASK = {"agent": "yyn", "rep": "ynn", "manager": "yyn", "director": "yyn", "integration": "yyy", **READ_ALL}
WORK_TASK = {"agent": "yyn", "rep": "fff", "manager": "yyn", "director": "yyn", "admin": "yyy", "integration": "fff",
             "auditor": "fff"}  # fmt: skip
LEAD_TASK = {"agent": "fff", "rep": "fff", "manager": "yyn", "director": "yyn", "admin": "yyy", "integration": "fff",
             "auditor": "fff"}  # fmt: skip
# person: self / in the same or a managed team / elsewhere
SEE_AGENT = {"agent": "yyn", "rep": "yyn", "manager": "yyn", "director": "yyn", "integration": "fff", **READ_ALL}
SELF = {"agent": "yfn", "rep": "yfn", "manager": "yyn", "director": "yyn", "admin": "yyy", "integration": "fff",
        "auditor": "fff"}  # fmt: skip
OWN_ALONE = SELF | {"manager": "yfn", "director": "yfn"}
LEAD_AGENT = {"agent": "fff", "rep": "fff", "manager": "yyn", "director": "yyn", "admin": "yyy", "integration": "fff",
              "auditor": "fff"}  # fmt: skip
# queue: of a team of theirs / managed / out of reach
SEE_QUEUE = {"agent": "yyn", "rep": "fff", "manager": "yyn", "director": "yyn", "integration": "fff", **READ_ALL}
LEAD_QUEUE = {"agent": "fff", "rep": "fff", "manager": "yyn", "director": "yyn", "admin": "yyy", "integration": "fff",
              "auditor": "fff"}  # fmt: skip
SELLERS = NOBODY | dict.fromkeys(("rep", "manager", "director", "admin"), "yyy")
SEE_RECORD = {"agent": "ynn", "rep": "yyn", "manager": "ynn", "director": "ynn", "integration": "fff", **READ_ALL}
CHANGE_RECORD = NOBODY | {"rep": "yfn", "manager": "ynn", "director": "ynn", "admin": "yyy"}
MANAGERS = NOBODY | dict.fromkeys(("manager", "director", "admin"), "yyy")
OWN_KEYS = {"agent": "ynn", "rep": "ynn", "manager": "ynn", "director": "ynn", "integration": "fff", **READ_ALL}

TABLE: dict[str, dict[str, str]] = {
    "GET /api/v1/tasks": PEOPLE | {"integration": "yyy"},
    "GET /api/v1/tasks/{id}": SEE_TASK,
    "GET /api/v1/tasks/{id}/history": SEE_TASK,
    "GET /api/v1/tasks/{id}/decision": SEE_TASK,
    "GET /api/v1/tasks/{id}/sla": SEE_TASK,
    "POST /api/v1/tasks": PEOPLE | {"auditor": "fff"},
    "PATCH /api/v1/tasks/{id}": WORK_TASK,
    "POST /api/v1/tasks/claim": NOBODY | {"agent": "yyy"},
    "POST /api/v1/tasks/{id}/claim": NOBODY | {"agent": "yyn"},
    **{
        f"POST /api/v1/tasks/{{id}}/{verb}": WORK_TASK
        for verb in ("start", "renew", "release", "skip", "pause", "resume", "complete", "hand-over", "kind",
                     "acknowledge", "ask", "withdraw-question")
    },
    "POST /api/v1/tasks/{id}/cancel": LEAD_TASK,
    "POST /api/v1/tasks/{id}/reopen": LEAD_TASK | {"agent": "yfn"},
    "POST /api/v1/tasks/{id}/assign": LEAD_TASK,
    "POST /api/v1/events": NOBODY | {"integration": "yyy", "admin": "yyy"},
    "GET /api/v1/events": NOBODY | {"integration": "yyy", **READ_ALL},
    "GET /api/v1/events/{event_id}": NOBODY | {"integration": "yyy", **READ_ALL},
    "POST /api/v1/events/{event_id}/replay": ADMIN,
    "GET /api/v1/messages/dead": NOBODY | READ_ALL,
    "POST /api/v1/messages/{number}/replay": ADMIN,
    "POST /api/v1/messages/{number}/discard": ADMIN,
    "GET /api/v1/teams": PEOPLE,
    "GET /api/v1/teams/{key}": PEOPLE,
    "POST /api/v1/teams": ADMIN,
    "PATCH /api/v1/teams/{key}": ADMIN,
    "GET /api/v1/agents": PEOPLE,
    "GET /api/v1/agents/{key}": SEE_AGENT,
    "POST /api/v1/agents": ADMIN,
    "PATCH /api/v1/agents/{key}": LEAD_AGENT,
    "GET /api/v1/agents/{key}/lend": SEE_AGENT,
    "POST /api/v1/agents/{key}/lend": LEAD_AGENT,
    "POST /api/v1/agents/{key}/lend/preview": LEAD_AGENT,
    "DELETE /api/v1/agents/{key}/lend/{id}": LEAD_AGENT,
    "PUT /api/v1/agents/{key}/presence": SELF,
    "GET /api/v1/agents/{key}/absences": SELF,
    "POST /api/v1/agents/{key}/absences": SELF,
    "DELETE /api/v1/agents/{key}/absences/{absence_id}": SELF,
    "GET /api/v1/agents/{key}/keys": OWN_KEYS,
    "POST /api/v1/agents/{key}/keys": ADMIN,
    "DELETE /api/v1/agents/{key}/keys/{key_id}": OWN_KEYS | {"auditor": "fff"},
    "GET /api/v1/keys": PEOPLE,
    "DELETE /api/v1/keys/{id}": OWN_KEYS | {"auditor": "fff"},
    "GET /api/v1/queues": PEOPLE | {"rep": "fff"},
    "GET /api/v1/queues/{key}": SEE_QUEUE,
    **{f"{verb} /api/v1/queues/{{key}}/staffing/shadow": LEAD_QUEUE for verb in ("GET", "POST")},
    "GET /api/v1/queues/{key}/staffing/shadow/{id}": LEAD_QUEUE,
    "GET /api/v1/queues/{key}/staffing": SEE_QUEUE,
    "PUT /api/v1/queues/{key}/staffing": LEAD_QUEUE,
    "DELETE /api/v1/queues/{key}/staffing/{id}": LEAD_QUEUE,
    "POST /api/v1/queues/{key}/staffing/preview": LEAD_QUEUE,
    "GET /api/v1/queues/{key}/periods": SEE_QUEUE,
    "POST /api/v1/queues/{key}/periods": LEAD_QUEUE,
    "POST /api/v1/queues/{key}/periods/preview": LEAD_QUEUE,
    "DELETE /api/v1/queues/{key}/periods/{id}": LEAD_QUEUE,
    **{f"POST /api/v1/queues/{{key}}/{verb}": LEAD_QUEUE for verb in ("close", "open", "pause", "resume", "move")},
    "POST /api/v1/queues/{key}/move/preview": LEAD_QUEUE,
    **{
        f"GET /api/v1/metrics/{what}": NOBODY | {"manager": "yyy", "director": "yyy", **READ_ALL}
        for what in ("tasks", "coverage", "quality", "teams/{key}")
    },
    "GET /api/v1/agents/{key}/metrics": SELF,
    "POST /api/v1/agents/{key}/leave/preview": LEAD_TASK,
    "POST /api/v1/agents/{key}/leave": LEAD_TASK,
    "GET /api/v1/tasks/{id}/escalations": SEE_TASK,
    "GET /api/v1/escalations/rehearsal": NOBODY | {"manager": "yyy", "director": "yyy", **READ_ALL},
    "GET /api/v1/me/notifications": PEOPLE,
    "POST /api/v1/me/notifications/read": PEOPLE,
    "GET /api/v1/agents/{key}/notification-settings": OWN_ALONE,
    "PUT /api/v1/agents/{key}/notification-settings": OWN_ALONE,
    "GET /api/v1/notifications/dead": NOBODY | {"manager": "yyy", "director": "yyy", **READ_ALL},
    "POST /api/v1/notifications/replay": NOBODY | {"manager": "yyy", "director": "yyy", "admin": "yyy"},
    "POST /api/v1/notifications/{id}/discard": NOBODY | {"manager": "yyy", "director": "yyy", "admin": "yyy"},
    "POST /api/v1/notifications/{id}/replay": NOBODY | {"manager": "yyy", "director": "yyy", "admin": "yyy"},
    "POST /api/v1/calendars/preview": ALL,
    "POST /api/v1/calendars/elapsed": ALL,
    "GET /api/v1/acts": PEOPLE,
    "POST /api/v1/acts/{id}/undo": {role: ("fff" if role == "integration" else "nnn") for role in ROLES},
    "GET /api/v1/live": PEOPLE,
    **{f"GET /api/v1/{noun}": PEOPLE for noun in ("leads", "deals", "accounts", "contacts")},
    **{f"POST /api/v1/{noun}": SELLERS for noun in ("leads", "deals", "accounts", "contacts")},
    "GET /api/v1/pipelines": PEOPLE,
    "GET /api/v1/conversions": PEOPLE,
    "GET /api/v1/metrics/sales": SELLERS | {"auditor": "yyy"},
    # record: of one's own or about a task one sees / of the team's / of others
    **{f"PATCH /api/v1/{noun}/{{id}}": CHANGE_RECORD for noun in ("leads", "deals", "accounts", "contacts")},
    **{
        f"POST /api/v1/{noun}/{{id}}/{verb}": CHANGE_RECORD
        for noun in ("leads", "deals") for verb in ("stage", "status", "lose", "reopen", "withdraw")
    },
    "POST /api/v1/deals/{id}/win": CHANGE_RECORD,
    "POST /api/v1/leads/{id}/convert": CHANGE_RECORD,
    "POST /api/v1/leads/{id}/undo-conversion": CHANGE_RECORD,
    **{
        f"POST /api/v1/{noun}/{{id}}/{verb}": CHANGE_RECORD | {"rep": "yyn"}
        for noun in ("leads", "deals") for verb in ("take-over", "follow-up")
    },
    **{f"GET /api/v1/{noun}/{{id}}/history": SEE_RECORD for noun in ("leads", "deals")},
    "GET /api/v1/leads/{id}/readiness": SEE_RECORD,
    **{f"GET /api/v1/{noun}/{{id}}/file": SEE_RECORD for noun in ("leads", "deals")},
    **{
        f"GET /api/v1/{noun}/{{id}}": SEE_RECORD
        for noun in ("leads", "deals", "accounts", "contacts")
    },
    **{
        f"{verb} /api/v1/{noun}/{{id}}/duplicates": {"agent": "ynn", "rep": "yyn", "manager": "ynn", "director": "ynn",
                                                     "integration": "fff", **READ_ALL}
        for noun in ("leads", "accounts", "contacts") for verb in ("GET", "POST")
    },
    **{f"GET /api/v1/{noun}/{{id}}/notes": SEE_RECORD for noun in ("leads", "deals", "accounts", "contacts")},
    **{
        f"POST /api/v1/{noun}/{{id}}/{what}": SEE_RECORD | {"auditor": "fff"}
        for noun in ("leads", "deals", "accounts", "contacts") for what in ("notes", "links")
    },
    "GET /api/v1/tasks/{id}/notes": SEE_TASK,
    **{f"POST /api/v1/tasks/{{id}}/{what}": SEE_TASK | {"integration": "fff", "auditor": "fff"}
       for what in ("notes", "links")},
    "GET /api/v1/search": PEOPLE,
    "GET /api/v1/questions": PEOPLE,
    # nobody knows a note or a question that there is none of
    "GET /api/v1/questions/{id}": dict.fromkeys(ROLES, "nnn") | {"integration": "fff"},
    **{f"POST /api/v1/questions/{{id}}/{verb}": dict.fromkeys(ROLES, "nnn") | {"integration": "fff", "auditor": "fff"}
       for verb in ("answer", "pass")},
    **{f"GET /api/v1/notes/{{id}}{tail}": dict.fromkeys(ROLES, "nnn") | {"integration": "fff"}
       for tail in ("", "/history")},
    **{f"{verb} /api/v1/notes/{{id}}": dict.fromkeys(ROLES, "nnn") | {"integration": "fff", "auditor": "fff"}
       for verb in ("PATCH", "DELETE")},
    "POST /api/v1/duplicates/check": PEOPLE,
    "GET /api/v1/duplicates": NOBODY | READ_ALL,
    "POST /api/v1/duplicates/runs": ADMIN,
    "GET /api/v1/duplicates/runs/{id}": NOBODY | READ_ALL,
    # one of the rep's own would go into it
    **{
        f"POST /api/v1/{noun}/{{id}}/merge{tail}":
            NOBODY | {"rep": "yfn", "manager": "nnn", "director": "nnn", "admin": "yyy"}
        for noun in ("leads", "deals", "accounts", "contacts") for tail in ("", "/preview")
    },
    "GET /api/v1/merges": NOBODY | READ_ALL,
    "GET /api/v1/merges/{id}": {role: ("fff" if role == "integration" else "nnn") for role in ROLES},
    "POST /api/v1/merges/{id}/undo": {
        role: ("nnn" if role in ("rep", "manager", "director", "admin") else "fff") for role in ROLES
    },
    # import: of one's own / of others
    **{f"POST /api/v1/imports{tail}": MANAGERS for tail in ("", "/proposal")},
    "PUT /api/v1/imports/mappings/{noun}/{name}": MANAGERS,
    **{f"GET /api/v1/imports{tail}": MANAGERS | {"auditor": "yyy"} for tail in ("", "/mappings")},
    **{
        f"GET /api/v1/imports/{{id}}{tail}": NOBODY | {"manager": "ynn", "director": "ynn", **READ_ALL}
        for tail in ("", "/refused")
    },
    **{
        f"POST /api/v1/imports/{{id}}/{verb}": NOBODY | {"manager": "ynn", "director": "ynn", "admin": "yyy"}
        for verb in ("start", "undo")
    },
    **{f"GET /api/v1/exports{tail}": NOBODY | READ_ALL for tail in ("", "/{noun}")},
    # of the rep's own lead and one of their team's
    "PUT /api/v1/duplicates/denials": {"agent": "nnn", "rep": "yyy", "manager": "nnn", "director": "nnn",
                                       "admin": "yyy", "integration": "fff", "auditor": "fff"},
}  # fmt: skip
OPEN_ROUTES = {
    "OPTIONS /api/v1/events", "POST /hooks/{connection}", "POST /hooks/{connection}/{path_secret}",
    "GET /healthz", "GET /readyz", "GET /metrics",
}  # fmt: skip
BODIES: dict[str, Any] = {
    "POST /api/v1/queues/{key}/staffing/shadow": {"since": "1d"},
    "POST /api/v1/tasks": {"kind": "contract", "title": "x"},
    "PATCH /api/v1/tasks/{id}": {"version": 1, "note": "x"},
    "POST /api/v1/tasks/{id}/claim": {"reason": "x"},
    "POST /api/v1/tasks/{id}/renew": {"lease_token": 1},
    "POST /api/v1/tasks/{id}/hand-over": {"to": {"agent": "abe"}},
    "POST /api/v1/tasks/{id}/kind": {"kind": "billing", "reason": "x"},
    "POST /api/v1/tasks/{id}/assign": {"agent": "abe"},
    "POST /api/v1/tasks/{id}/complete": {},
    **{f"POST /api/v1/tasks/{{id}}/{verb}": {"reason": "set_aside"} for verb in ("release", "skip", "pause", "cancel")},
    **{f"POST /api/v1/{noun}": {"name": "x"} for noun in ("leads", "deals", "accounts", "contacts")},
    **{f"PATCH /api/v1/{noun}s/{{id}}": {"version": 1, "name": "y"} for noun in ("lead", "deal", "account", "contact")},
    **{
        f"POST /api/v1/{noun}/{{id}}/{verb}": body
        for noun in ("leads", "deals")
        for verb, body in (
            ("stage", {"stage": "known"}), ("lose", {"reason": "price"}), ("follow-up", {"kind": "customs"}),
            ("status", {"status": "lost", "reason": "price"}),
        )
    },
    "POST /api/v1/leads/{id}/convert": {"account": {"name": "x"}, "deal": {}},
    "POST /api/v1/events": {"specversion": "1.0", "id": "m", "source": "m", "type": "x"},
    "POST /api/v1/teams": {"key": "new", "name": "New", "kind": "specialist"},
    "PATCH /api/v1/teams/{key}": {"name": "New"},
    "POST /api/v1/agents": {"key": "new", "name": "New", "team": "sales"},
    "PATCH /api/v1/agents/{key}": {"capacity": 4},
    "PUT /api/v1/agents/{key}/presence": {"status": "busy"},
    "POST /api/v1/agents/{key}/absences": {"from": "2199-01-01T00:00:00Z", "until": "2199-01-02T00:00:00Z"},
    "POST /api/v1/agents/{key}/keys": {},
    "PUT /api/v1/agents/{key}/notification-settings": {"language": "fr"},
    **{
        f"{method} /api/v1/queues/{{key}}/staffing{tail}": {"model": None}
        for method, tail in (("PUT", ""), ("POST", "/preview"))
    },
    **{
        f"POST /api/v1/queues/{{key}}/periods{tail}": {"until": "2199-01-01T00:00:00Z", "ahead_by": "1h"}
        for tail in ("", "/preview")
    },
    **{f"POST /api/v1/queues/{{key}}/{verb}": {"reason": "x"} for verb in ("close", "open", "pause", "resume")},
    "POST /api/v1/queues/{key}/move": {"kind": "contract", "to": "billing", "reason": "x"},
    "POST /api/v1/queues/{key}/move/preview": {"kind": "contract", "to": "billing"},
    **{
        f"POST /api/v1/agents/{{key}}/lend{tail}": {"queue": "front", "until": "2199-01-01T00:00:00Z"}
        for tail in ("", "/preview")
    },
    **{
        f"POST /api/v1/{noun}s/{{id}}/merge{tail}": {"gone": [f"{noun}-rob"], **more}
        for noun in ("lead", "deal", "account", "contact")
        for tail, more in (("", {"versions": {f"{noun}-rob": 1}}), ("/preview", {}))
    },
    "POST /api/v1/imports/{id}/start": {},
    "PUT /api/v1/imports/mappings/{noun}/{name}": {"columns": {"A": "name"}},
    **{
        f"POST /api/v1/{noun}/{{id}}/{what}": body
        for noun in ("leads", "deals", "accounts", "contacts", "tasks")
        for what, body in (("notes", {"text": "x"}), ("links", {"title": "x", "url": "https://x.example/"}))
    },
    "PATCH /api/v1/notes/{id}": {"version": 1, "text": "y"},
    "POST /api/v1/tasks/{id}/ask": {"question": "x"},
    "POST /api/v1/questions/{id}/answer": {"answer": "x"},
    "POST /api/v1/questions/{id}/pass": {"to": {"agent": "ria"}},
    "POST /api/v1/duplicates/check": {"name": "x"},
    "PUT /api/v1/duplicates/denials": {"records": ["lead:lead-rob", "lead:lead-ria"], "denied": True},
    "POST /api/v1/calendars/preview": {"calendar": "office", "start": "2026-01-05T00:00:00Z", "budget_s": 60},
    "POST /api/v1/calendars/elapsed": {"calendar": "office", "from": "2026-01-05T00:00:00Z",
                                       "to": "2026-01-06T00:00:00Z"},
}  # fmt: skip
PERSON = {"agent": ("zoe", "abe", "yan"), "rep": ("rob", "ria", "yan"), "manager": ("lea", "zoe", "yan"),
          "director": ("dora", "zoe", "far")}  # fmt: skip


class Undone(Exception):
    pass


class DryDatabase(Database):
    """Everything happens and nothing stays, so that each cell finds the same house."""

    dry = False

    def take_back(self) -> None:
        if self.dry:
            raise Undone

    @contextmanager
    def begin(self, *args: Any, **options: Any) -> Iterator[Tx]:
        try:
            with super().begin(*args, **options) as tx:
                yield tx
                tx.flush()
                self.take_back()
        except Undone:
            pass


@pytest.fixture(scope="module")
def furnished(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    url = sqlite_databases.create(tmp_path_factory.mktemp("matrix"))
    with open_house(url, DryDatabase) as house:
        furnish(house)
        DryDatabase.dry = True
        yield house
        DryDatabase.dry = False


THINGS: dict[str, str] = {}


def furnish(house: House) -> None:
    """A task in everybody's hands, records of different owners, an event, an absence and a key for each."""
    admin = house.of("admin")
    for kind, holder in (("contract", "zoe"), ("contract", "abe"), ("billing", "yan"), ("customs", "far")):
        THINGS[f"task:{holder}"] = house.task(kind, lead=f"lead-{holder}", deal=f"deal-{holder}")
        given = house.of(holder).ok("POST", "/api/v1/tasks/claim")["task"]
        assert given["id"] == THINGS[f"task:{holder}"]
    THINGS["task:rob"] = house.of("rob").ok("POST", "/api/v1/tasks", {"kind": "customs", "title": "x"})["task"]["id"]
    for noun in ("lead", "deal", "account", "contact"):
        for owner in ("rob", "ria", "zoe", "abe", "yan", "far"):
            data = {noun: {"id": f"{noun}-{owner}", "owner": owner, "name": "x"}}
            sent = {
                "specversion": "1.0",
                "id": f"{noun}-{owner}",
                "source": "s",
                "type": f"{noun}.updated",
                "data": data,
            }
            THINGS["event"] = admin.ok("POST", "/api/v1/events", sent)["events"][0]["event_id"]
    with house.db.begin() as tx:
        for one in events.find(tx, {}, None, 100)[0]:
            assert one.event
            sales.apply(tx, one.event)
    for person in ("zoe", "abe", "yan", "far", "rob", "ria", "lea", "dora"):
        THINGS[f"key:{person}"] = admin.ok("POST", f"/api/v1/agents/{person}/keys", {})["id"]
    hand_in(house)


def hand_in(house: House) -> None:
    """A file of everybody who may hand one in."""
    for persona in ("lea", "dora", "admin"):
        sent = {"content": b"Name\nx\n", "headers": {"content-type": "text/csv"}}
        THINGS[f"import:{persona}"] = house.of(persona).ok("POST", "/api/v1/imports?noun=leads", **sent)["id"]


def cells() -> list[tuple[str, str, int]]:
    return [(route, role, number) for route in TABLE for role in ROLES for number in range(3)]


def address(route: str, role: str, number: int) -> str:
    """The route's address with the object that stands in that relation to the role's persona."""
    path = route.partition(" ")[2]
    people = PERSON.get(role, ("zoe", "abe", "far"))
    person = people[number]
    holders = {"agent": ("zoe", "abe", "yan"), "rep": ("rob", "abe", "yan"), "manager": ("zoe", "abe", "yan"),
               "director": ("zoe", "yan", "far")}.get(role, ("zoe", "abe", "far"))  # fmt: skip
    owners = {"rep": ("rob", "ria", "far"), "agent": ("zoe", "rob", "far"), "manager": ("zoe", "rob", "far"),
              "director": ("zoe", "rob", "far")}.get(role, ("rob", "ria", "far"))  # fmt: skip
    queues = {"director": ("desk", "front", "far")}.get(role, ("desk", "desk", "far"))
    noun = path.split("/")[3] if path.startswith("/api") else ""
    for_noun = {
        "tasks": THINGS[f"task:{holders[number]}"], "agents": person, "teams": "specialists", "queues": queues[number],
        "events": THINGS["event"], "acts": "0" * 32, "metrics": "specialists",
        "keys": THINGS[f"key:{person}"],
        "imports": THINGS.get(f"import:{person}", THINGS["import:admin"]),
    }  # fmt: skip
    thing = for_noun.get(noun, f"{noun.removesuffix('s')}-{owners[number]}")
    if noun == "search":
        return f"{path}?q=x"
    filled = path.replace("{absence_id}", "none").replace("{number}", "1").replace("{key_id}", "none")
    filled = filled.replace("/exports/{noun}", "/exports/people").replace("{noun}/{name}", "leads/mine")
    filled += "?noun=leads" if filled.endswith(("/imports", "/imports/proposal")) and route.startswith("POST") else ""
    return filled.replace("{id}", thing).replace("{key}", thing).replace("{event_id}", thing)


def verdict(house: House, route: str, role: str, number: int) -> str:
    method = route.partition(" ")[0]
    client = house.of(PERSONA.get(role, role))
    path = address(route, role, number)
    if route.endswith("/live"):
        return "y"  # streams for minutes: its door is tried in test_live
    body = BODIES.get(route)
    answer = client.request(method, path, **({"json": body} if body is not None else {}))
    said = answer.json() if answer.headers["content-type"].endswith("json") else {}  # exports are files
    assert answer.status_code < 500, said
    if answer.status_code == 401:
        return "401"
    if answer.status_code == 403 and said["code"] == "forbidden" and "holder" not in said:
        return "f"
    hidden = answer.status_code == 404 and ("may not see" in said["detail"] or "no such act" in said["detail"])
    return "n" if hidden else "y"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", TABLE)
def test_the_cell_is_as_the_table_says(furnished: House, route: str, role: str) -> None:
    if route.endswith("/live"):
        return
    found = "".join(verdict(furnished, route, role, number) for number in range(3))
    assert found == TABLE[route][role], f"{route} for {role}"


@pytest.mark.parametrize("route", [route for route, row in TABLE.items() if row is WORK_TASK])
def test_a_colleague_never_changes_what_somebody_else_holds(furnished: House, route: str) -> None:
    method = route.partition(" ")[0]
    body = BODIES.get(route, {})
    answer = furnished.of("zoe").request(method, address(route, "agent", 1), json=body)
    assert answer.status_code in (403, 409, 422), answer.text
    answer = furnished.of("zoe").request(method, address(route, "agent", 1), json={**body, "lease_token": 999})
    assert answer.status_code in (403, 409, 422), answer.text


@pytest.mark.parametrize("route", TABLE)
def test_strangers_get_the_same_401(furnished: House, route: str) -> None:
    method = route.partition(" ")[0]
    path = address(route, "agent", 0)
    wrong = "th_live_" + "0" * 16 + "_" + "0" * 64
    answers = [furnished.client.as_(key).request(method, path) for key in (None, "nonsense", wrong)]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].headers["www-authenticate"].startswith("Bearer")


def test_every_route_stands_in_the_table_and_declares_its_permission(furnished: House) -> None:
    paths = furnished.client.get("/openapi.json").json()["paths"]
    routes = {f"{method.upper()} {path}": one for path, methods in paths.items() for method, one in methods.items()}
    assert routes.keys() == TABLE.keys() | OPEN_ROUTES
    assert [name for name, one in routes.items() if PERMISSION not in one] == []
    assert {name for name, one in routes.items() if one[PERMISSION] == OPEN} == OPEN_ROUTES
    assert [name for name, one in routes.items() if one[PERMISSION] != OPEN and "security" not in one] == []
