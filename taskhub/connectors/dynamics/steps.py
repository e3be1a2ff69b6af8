"""The webhook steps at Dataverse that send to us: which there are, which are missing, made again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from taskhub.connectors.calling import Caller
from taskhub.connectors.dynamics.identity import SPACE
from taskhub.connectors.dynamics.wanted import PROCESSES, Wanted, wanted
from taskhub.connectors.outbound import Hook
from taskhub.errors import InvalidInput
from taskhub.policy.policies import Connection

API = "/api/data/v9.2"
HEADERS = {"OData-Version": "4.0", "OData-MaxVersion": "4.0", "Accept": "application/json"}
WEBHOOK, KEY, HEADER, QUERY = 8, 4, 5, 6
AFTER, ASYNC = 40, 1
BEFORE, BOTH = 0, 2  # images of a row as it was; there is one of it as it is, too
ALIAS = "taskhub"


@dataclass(frozen=True, slots=True)
class _Made:
    """A step that is there, and what it is filtered by. ``image``: the columns of its pre-images, None: all."""

    hook: Hook
    endpoint: str
    fires: frozenset[str]
    image: frozenset[str] | None


class Steps:
    """Implements ``Subscriber``. Settings ``header_name`` and ``query_name`` name what a secret is shown under."""

    def __init__(self, caller: Caller, connection: Connection) -> None:
        self._calls, self._connection = caller, connection

    def hooks(self) -> list[Hook]:
        """Every step that ends at an endpoint, with its address."""
        return [one.hook for one in self._made()]

    def missing(self, url: str) -> list[str]:
        """What nothing that is live sends to ``url``, as ``Message.table``, and what is not sent along with it."""
        return [said for said, _, _ in self._lacking(url)]

    def subscribe(self, url: str, secrets: Mapping[str, str]) -> list[str]:
        """Asynchronous steps after the operation. ``secrets``: ``code``, ``header`` or ``query``, else ``path``.

        A step that was there before gets what it lacks.
        """
        missing = self._lacking(url)
        if not missing:
            return []
        endpoint = self._id("endpoint")
        body = {"name": f"taskhub {self._connection.key}", "url": url, "contract": WEBHOOK, **self._shown(secrets)}
        if any(there is None for _, _, there in missing):
            self._calls.call("PATCH", f"{API}/serviceendpoints({endpoint})", json=body, headers=HEADERS)
        for _, step, there in missing:
            if there is None or there.hook.id == self._id(f"{step.message} {step.table}"):
                there_now = self._step(endpoint if there is None else there.endpoint, step)
            else:
                there_now = there.hook.id
            if step.image:
                self._image(there_now, step)
        return [said for said, _, _ in missing]

    def _lacking(self, url: str) -> list[tuple[str, Wanted, _Made | None]]:
        """What is to be said of it, what is wanted, and the step that is there and lacks something."""
        live = [one for one in self._made() if one.hook.live and one.hook.url == url]
        found: list[tuple[str, Wanted, _Made | None]] = []
        for step in wanted(self._connection):
            there = [one for one in live if one.hook.what == step.what]
            if not there:
                found += [(step.what, step, None)] if self._can_be_told(step) else []
                continue
            lacks = [self._lacks(step, one) for one in there]
            if all(lacks):
                found.append((f"{step.what} ({lacks[0]})", step, there[0]))
        return found

    def _lacks(self, step: Wanted, made: _Made) -> str:
        """A step of somebody else's fires on what they chose; ours on what we use, and not on everything."""
        lacks = []
        if made.image is not None and (absent := [name for name in step.image if name not in made.image]):
            lacks.append(f"pre-image of {', '.join(absent)}")
        mine = made.hook.id == self._id(f"{step.message} {step.table}")
        if mine and (absent := [name for name in step.fires if name not in made.fires]):
            lacks.append(f"filtering attributes {', '.join(absent)}")
        return ", ".join(lacks)

    def _made(self) -> list[_Made]:
        urls = {row["serviceendpointid"]: str(row.get("url") or "") for row in self._all("serviceendpoints", {})}
        query = {
            "$select": "name,statecode,filteringattributes,_eventhandler_value",
            "$expand": "sdkmessageid($select=name),sdkmessagefilterid($select=primaryobjecttypecode)",
        }
        rows = [
            row for row in self._all("sdkmessageprocessingsteps", query)
            if row.get("_eventhandler_value") in urls and row.get("sdkmessageid") and row.get("sdkmessagefilterid")
        ]  # fmt: skip
        images = self._images() if rows else {}
        return [
            _Made(
                Hook(
                    id=str(row["sdkmessageprocessingstepid"]),
                    what=f"{row['sdkmessageid']['name']}.{row['sdkmessagefilterid']['primaryobjecttypecode']}",
                    url=urls[row["_eventhandler_value"]],
                    live=row["statecode"] == 0,
                ),
                str(row["_eventhandler_value"]),
                _names(row.get("filteringattributes")),
                images.get(str(row["sdkmessageprocessingstepid"]), frozenset()),
            )
            for row in rows
        ]

    def _images(self) -> dict[str, frozenset[str] | None]:
        """Step → the columns of the images it sends of a row as it was; None: all of them."""
        query = {"$select": "entityalias,imagetype,attributes,_sdkmessageprocessingstepid_value"}
        found: dict[str, frozenset[str] | None] = {}
        for row in self._all("sdkmessageprocessingstepimages", query):
            if row.get("imagetype") not in (BEFORE, BOTH):
                continue
            step, names = str(row["_sdkmessageprocessingstepid_value"]), _names(row.get("attributes"))
            known = found.get(step, frozenset())
            found[step] = known | names if known is not None and names else None
        return found

    def _can_be_told(self, step: Wanted) -> bool:
        """Not every organisation has the processes of sales: what is not there is not missing."""
        return step.table not in PROCESSES or bool(self._filters(step)[1])

    def _step(self, endpoint: str, step: Wanted) -> str:
        of_message, [of_table] = self._filters(step)
        body = {
            "name": f"taskhub: {step.message} of {step.table}", "mode": ASYNC, "stage": AFTER, "rank": 1,
            "sdkmessageid@odata.bind": f"/sdkmessages({of_message})",
            "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({of_table['sdkmessagefilterid']})",
            "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({endpoint})",
            **({"filteringattributes": ",".join(step.fires)} if step.fires else {}),
        }  # fmt: skip
        id_ = self._id(f"{step.message} {step.table}")
        self._calls.call("PATCH", f"{API}/sdkmessageprocessingsteps({id_})", json=body, headers=HEADERS)
        return id_

    def _image(self, step: str, wanted: Wanted) -> None:
        body = {
            "name": ALIAS, "entityalias": ALIAS, "imagetype": BEFORE, "messagepropertyname": "Target",
            "attributes": ",".join(wanted.image),
            "sdkmessageprocessingstepid@odata.bind": f"/sdkmessageprocessingsteps({step})",
        }  # fmt: skip
        path = f"{API}/sdkmessageprocessingstepimages({self._id(f'image {step}')})"
        self._calls.call("PATCH", path, json=body, headers=HEADERS)

    def _filters(self, step: Wanted) -> tuple[str, list[dict[str, Any]]]:
        named = {"$select": "name", "$filter": f"name eq '{step.message}'"}
        [of_message] = self._all("sdkmessages", named)
        id_ = str(of_message["sdkmessageid"])
        of = f"_sdkmessageid_value eq {id_} and primaryobjecttypecode eq '{step.table}'"
        return id_, self._all("sdkmessagefilters", {"$select": "primaryobjecttypecode", "$filter": of})

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
        return self._all_of(f"{API}/{plural}", query)

    def _all_of(self, path: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        body = self._calls.json("GET", path, params=query, headers=HEADERS)
        rows: list[dict[str, Any]] = list(body["value"])
        while "@odata.nextLink" in body:
            body = self._calls.json("GET", body["@odata.nextLink"], headers=HEADERS)
            rows.extend(body["value"])
        return rows

    def _id(self, what: str) -> str:
        return str(uuid.uuid5(SPACE, f"{self._connection.key}:{what}"))


def _names(value: Any) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in str(value or "").split(",") if name.strip())
