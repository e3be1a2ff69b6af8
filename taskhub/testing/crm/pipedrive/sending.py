"""Pipedrive's webhooks, version 2: what they carry, four tries in about three minutes, and the ban."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson

from taskhub.testing.crm.faults import Faults
from taskhub.testing.crm.pipedrive.state import SPACE, Fact, State
from taskhub.testing.crm.sender import Answer, Parcel, Post, Sender, later

WAITS = (3, 30, 150)  # seconds
STRIKES, BANNED = 10, timedelta(minutes=30)
PATIENCE = 10.0


class Webhooks:
    """Listens to the state and sends what its subscriptions ask for."""

    def __init__(self, state: State, faults: Faults, post: Post) -> None:
        self._state = state
        self.sender = Sender(state.clock, faults, post, self._after)
        self.lost: list[Fact] = []
        state.heard.append(self._heard)

    def _heard(self, fact: Fact) -> None:
        for hook in list(self._state.hooks.values()):
            if not _wants(hook, fact):
                continue
            if hook["banned_until"] and hook["banned_until"] > self._state.clock.now:
                # Events of a ban are lost; nobody tells them later.
                self.lost.append(fact)
                continue
            body = body_of(fact, hook, self._state)
            headers = {"content-type": "application/json", "user-agent": "Pipedrive Webhooks", **_basic(hook)}
            url = hook["subscription_url"]
            self.sender.put(Parcel(url, orjson.dumps(body), headers, self._state.clock.now, tag=(hook["id"], body)))

    def _after(self, parcel: Parcel, answer: Answer) -> list[Parcel]:
        id, body = parcel.tag
        hook, now = self._state.hooks.get(id), self._state.clock.now
        if hook is None or (answer.status is not None and 200 <= answer.status < 300):
            return []
        if parcel.attempt == 1:
            hook["strikes"] += 1
            if hook["strikes"] >= STRIKES:
                hook["banned_until"], hook["strikes"] = now + BANNED, 0
        if parcel.attempt > len(WAITS):
            return []
        again = {**body, "meta": {**body["meta"], "attempt": parcel.attempt + 1}}
        wait = timedelta(seconds=WAITS[parcel.attempt - 1])
        return [later(parcel, now + wait, body=orjson.dumps(again), tag=(id, again))]


def body_of(fact: Fact, hook: Mapping[str, Any], state: State) -> dict[str, Any]:
    """A body of version 2. Ids in ``meta`` are texts, those in ``data`` what they are, own fields typed."""
    meta = {
        "action": fact.action, "company_id": str(state.company),
        "correlation_id": str(uuid.uuid5(SPACE, f"correlation {fact.number}")), "entity_id": fact.id,
        "entity": fact.entity, "id": str(uuid.uuid5(SPACE, f"event {fact.number}")), "is_bulk_edit": False,
        "timestamp": fact.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "type": "general",
        "user_id": str(fact.by), "version": "2.0", "webhook_id": str(hook["id"]),
        "webhook_owner_id": str(hook["user_id"]), "change_source": fact.source, "permitted_user_ids": [str(fact.by)],
        "attempt": 1, "host": "fake.pipedrive.com", **fact.merged,
    }  # fmt: skip
    told = (_typed(values, state.definitions(fact.entity)) for values in (fact.data, fact.previous))
    return {**dict(zip(("data", "previous"), told, strict=True)), "meta": meta}


def _typed(values: Mapping[str, Any] | None, kinds: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The API tells bare ids of options, a webhook wraps them."""
    own = (values or {}).get("custom_fields")
    if values is None or not own:
        return values
    return {**values, "custom_fields": {key: _wrapped(value, kinds.get(key, "varchar")) for key, value in own.items()}}


def _wrapped(value: Any, kind: str) -> Any:
    if value is None or isinstance(value, Mapping):
        return value
    if kind == "set":
        return {"type": kind, "values": [{"id": one} for one in value]}
    return {"type": kind, "id" if kind == "enum" else "value": value}


def _wants(hook: Mapping[str, Any], fact: Fact) -> bool:
    return hook["event_action"] in ("*", fact.action) and hook["event_object"] in ("*", fact.entity)


def _basic(hook: Mapping[str, Any]) -> dict[str, str]:
    if not hook["http_auth_user"]:
        return {}
    pair = f"{hook['http_auth_user']}:{hook['http_auth_password']}".encode()
    return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
