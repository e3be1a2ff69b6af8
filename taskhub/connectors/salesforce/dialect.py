"""How Salesforce says "too much", "log in again", and what is wrong; how one logs in there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx

from taskhub.clock import real_now
from taskhub.connectors.calling import Dialect
from taskhub.connectors.login import Fetched, Grant, Login
from taskhub.connectors.salesforce import bearer
from taskhub.errors import InvalidInput
from taskhub.policy.policies import Connection

CALLER = "taskhub"  # what changeOrigin says of our own writes
SPENT = 900.0  # seconds: the day's calls come back over a rolling day, and no header says when
LOCKED = 5.0
_FAULT = re.compile(rb"<faultcode>(?:\w+:)?(\w+)</faultcode>\s*<faultstring>([^<]*)</faultstring>")


def limit(answer: httpx.Response) -> float | None:
    """Seconds to wait when the calls are used up, or another user holds the record."""
    if answer.status_code < 400:
        return None
    codes = _codes(answer)
    if "REQUEST_LIMIT_EXCEEDED" in codes or answer.status_code == 429:
        return SPENT
    return LOCKED if {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE"} & codes else None


def expired(answer: httpx.Response) -> bool:
    """SOAP says it with a fault and status 500."""
    return answer.status_code == 401 or (answer.status_code == 500 and "INVALID_SESSION_ID" in _codes(answer))


def words(answer: httpx.Response) -> str:
    """Code and sentence of each error."""
    fault = _FAULT.search(answer.content)
    if fault:
        return fault[2].decode("utf-8", "replace")
    return "; ".join(f"{one['errorCode']}: {one['message']}" for one in answer.json())


DIALECT = Dialect(limit, words, expired)


def login(connection: Connection, secrets: Mapping[str, str], clock: Callable[[], datetime] = real_now) -> Login:
    """With a key of one's own where ``private_key`` is named, else by client credentials at the organisation's domain.

    Raises ``InvalidInput`` (``connection_incomplete``) naming what is not set.
    """
    if "private_key" in secrets:
        return bearer.login(connection, secrets, clock)
    base = str(connection.settings.get("base_url") or "").rstrip("/")
    if not base:
        said = f"The connection {connection.key} has no address to call: set base_url in its settings to"
        raise InvalidInput(f"{said} https://YOURS.my.salesforce.com.", code="connection_incomplete")
    missing = [name for name in ("client_id", "client_secret") if not secrets.get(name)]
    if missing:
        said = f"The connection {connection.key} cannot log in: set the variables of its secrets {', '.join(missing)}."
        raise InvalidInput(said, code="connection_incomplete")
    form = {name: secrets[name] for name in ("client_id", "client_secret")}
    grant = Grant(f"{base}/services/oauth2/token", {"grant_type": "client_credentials", **form})
    return Fetched(base, grant, clock=clock)


def _codes(answer: httpx.Response) -> set[str]:
    fault = _FAULT.search(answer.content)
    if fault:
        return {fault[1].decode("ascii", "replace")}
    try:
        body: Any = answer.json()
        return {str(one["errorCode"]) for one in body}
    except (ValueError, TypeError, KeyError):
        return set()
