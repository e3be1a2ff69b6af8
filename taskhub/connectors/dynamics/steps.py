"""The webhook steps at Dataverse that send to us: which there are, which are missing, made again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

from taskhub.connectors.calling import Caller
from taskhub.connectors.dynamics.identity import SPACE
from taskhub.connectors.outbound import Hook
from taskhub.errors import InvalidInput
from taskhub.policy.policies import Connection

API = "/api/data/v9.2"
HEADERS = {"OData-Version": "4.0", "OData-MaxVersion": "4.0", "Accept": "application/json"}
WANTED = (
    *(("lead", message) for message in ("Create", "Update", "Delete")),
    *(("opportunity", message) for message in ("Create", "Update", "Delete")),
    *(("task", message) for message in ("Update", "Delete")),
    ("contact", "Update"),
    *((table, "Merge") for table in ("lead", "contact", "account")),
)
WEBHOOK, KEY, HEADER, QUERY = 8, 4, 5, 6
AFTER, ASYNC = 40, 1


class Steps:
    """Implements ``Subscriber``. Settings ``header_name`` and ``query_name`` name what a secret is shown under."""

    def __init__(self, caller: Caller, connection: Connection) -> None:
        self._calls, self._connection = caller, connection

    def hooks(self) -> list[Hook]:
        """Every step that ends at an endpoint, with its address."""
        urls = {row["serviceendpointid"]: str(row.get("url") or "") for row in self._all("serviceendpoints", {})}
        query = {
            "$select": "name,statecode,_eventhandler_value",
            "$expand": "sdkmessageid($select=name),sdkmessagefilterid($select=primaryobjecttypecode)",
        }
        return [
            Hook(
                id=str(row["sdkmessageprocessingstepid"]),
                what=f"{row['sdkmessageid']['name']}.{row['sdkmessagefilterid']['primaryobjecttypecode']}",
                url=urls[row["_eventhandler_value"]],
                live=row["statecode"] == 0,
            )
            for row in self._all("sdkmessageprocessingsteps", query)
            if row.get("_eventhandler_value") in urls and row.get("sdkmessageid") and row.get("sdkmessagefilterid")
        ]

    def missing(self, url: str) -> list[str]:
        """What nothing that is live sends to ``url``, as ``Message.table``."""
        there = {hook.what for hook in self.hooks() if hook.live and hook.url == url}
        return [f"{message}.{table}" for table, message in WANTED if f"{message}.{table}" not in there]

    def subscribe(self, url: str, secrets: Mapping[str, str]) -> list[str]:
        """Asynchronous steps after the operation. ``secrets``: ``code``, ``header`` or ``query``, else ``path``."""
        missing = self.missing(url)
        if not missing:
            return []
        endpoint = self._id("endpoint")
        body = {"name": f"taskhub {self._connection.key}", "url": url, "contract": WEBHOOK, **self._shown(secrets)}
        self._calls.call("PATCH", f"{API}/serviceendpoints({endpoint})", json=body, headers=HEADERS)
        for what in missing:
            message, _, table = what.partition(".")
            self._step(endpoint, message, table)
        return missing

    def _step(self, endpoint: str, message: str, table: str) -> None:
        [of_message] = self._all("sdkmessages", {"$select": "name", "$filter": f"name eq '{message}'"})
        of = f"_sdkmessageid_value eq {of_message['sdkmessageid']} and primaryobjecttypecode eq '{table}'"
        [of_table] = self._all("sdkmessagefilters", {"$select": "primaryobjecttypecode", "$filter": of})
        body = {
            "name": f"taskhub: {message} of {table}", "mode": ASYNC, "stage": AFTER, "rank": 1,
            "sdkmessageid@odata.bind": f"/sdkmessages({of_message['sdkmessageid']})",
            "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({of_table['sdkmessagefilterid']})",
            "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({endpoint})",
        }  # fmt: skip
        path = f"{API}/sdkmessageprocessingsteps({self._id(f'{message} {table}')})"
        self._calls.call("PATCH", path, json=body, headers=HEADERS)

    def _shown(self, secrets: Mapping[str, str]) -> dict[str, Any]:
        """How the endpoint shows who it is, in the first of the three ways that has a secret."""
        settings = self._connection.settings
        if secrets.get("code"):
            return {"authtype": KEY, "authvalue": secrets["code"]}
        for kind, name, named in ((HEADER, "header", "header_name"), (QUERY, "query", "query_name")):
            if secrets.get(name) and settings.get(named):
                pair = f"name={quoteattr(str(settings[named]))} value={quoteattr(secrets[name])}"
                return {"authtype": kind, "authvalue": f"<settings><setting {pair} /></settings>"}
        if secrets.get("path"):  # the address itself is the secret; the system wants something in its field
            return {"authtype": KEY, "authvalue": "taskhub"}
        raise InvalidInput(f"The connection {self._connection.key} has no secret that Dataverse could show.")

    def _all(self, plural: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        body = self._calls.json("GET", f"{API}/{plural}", params=query, headers=HEADERS)
        rows: list[dict[str, Any]] = list(body["value"])
        while "@odata.nextLink" in body:
            body = self._calls.json("GET", body["@odata.nextLink"], headers=HEADERS)
            rows.extend(body["value"])
        return rows

    def _id(self, what: str) -> str:
        return str(uuid.uuid5(SPACE, f"{self._connection.key}:{what}"))
