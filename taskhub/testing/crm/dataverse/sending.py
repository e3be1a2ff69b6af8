"""Dataverse's webhooks: asynchronous steps, three ways to show who sends, one more try on three statuses only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import orjson

from taskhub.testing.crm.dataverse.contexts import body_of, stripped
from taskhub.testing.crm.dataverse.state import Change, State
from taskhub.testing.crm.faults import Faults
from taskhub.testing.crm.sender import Answer, Parcel, Post, Sender, later

AGAIN = (502, 503, 504)
WAIT = timedelta(seconds=5)  # the documents name none
LARGEST = 256 * 1024
KEY, HEADER, QUERY = 4, 5, 6
PATIENCE = 60.0
_SETTING = re.compile(r'name="([^"]*)" value="([^"]*)"')


class Steps:
    """``endpoints``, ``steps`` and ``images`` by id, as the API keeps them; ``failed``: jobs that wait for a hand."""

    def __init__(self, state: State, faults: Faults, post: Post) -> None:
        self._state, self._faults = state, faults
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.steps: dict[str, dict[str, Any]] = {}
        self.images: dict[str, dict[str, Any]] = {}
        self.failed: list[Parcel] = []
        self.sender = Sender(state.clock, faults, post, self._after)
        state.heard.append(self._heard)

    def _heard(self, change: Change) -> None:
        for step in self.steps.values():
            endpoint = self.endpoints.get(step["_eventhandler_value"])
            if endpoint and step["statecode"] == 0 and _wants(step, change):
                self.sender.put(self._parcel(change, step, endpoint))

    def _parcel(self, change: Change, step: Mapping[str, Any], endpoint: Mapping[str, Any]) -> Parcel:
        body = body_of(change, self._state, step)
        raw = orjson.dumps(body)
        headers = {
            "content-type": "application/json", "x-ms-dynamics-organization": "fake.crm.dynamics.com",
            "x-ms-dynamics-entity-name": change.table, "x-ms-dynamics-request-name": change.message,
            "x-ms-correlation-request-id": change.act.correlation,
        }  # fmt: skip
        if len(raw) > LARGEST or self._faults.stripped:
            self._faults.struck |= {"stripped"} if self._faults.stripped else set()
            headers["x-ms-dynamics-msg-size-exceeded"] = "true"
            raw = orjson.dumps(stripped(body))
        url, shown = _shown(endpoint)
        return Parcel(url, raw, {**headers, **shown}, self._state.clock.now, tag=step["name"])

    def _after(self, parcel: Parcel, answer: Answer) -> list[Parcel]:
        if answer.status is not None and 200 <= answer.status < 300:
            return []
        if answer.status in AGAIN and parcel.attempt == 1:
            return [later(parcel, self._state.clock.now + WAIT)]
        self.failed.append(parcel)
        return []


def _wants(step: Mapping[str, Any], change: Change) -> bool:
    named = step["sdkmessageid"]["name"] == change.message
    filtered = {one for one in (step.get("filteringattributes") or "").split(",") if one}
    plain = {name.removeprefix("_").removesuffix("_value") for name in change.values}
    return (
        named
        and step["sdkmessagefilterid"]["primaryobjecttypecode"] == change.table
        and (change.message != "Update" or not filtered or bool(filtered & plain))
    )


def _shown(endpoint: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Address and headers that show who sends."""
    url, kind, value = str(endpoint["url"]), endpoint.get("authtype"), str(endpoint.get("authvalue") or "")
    if kind == KEY:
        return f"{url}?{urlencode({'code': value})}", {}
    pairs = dict(_SETTING.findall(value))
    return (f"{url}?{urlencode(pairs)}", {}) if kind == QUERY else (url, pairs)
