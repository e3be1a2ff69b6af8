"""How Dataverse says "too much", and what is wrong; how one logs in there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import httpx

from taskhub.clock import real_now
from taskhub.connectors.calling import Dialect, asked_wait
from taskhub.connectors.login import Fetched, Grant, Login
from taskhub.errors import InvalidInput
from taskhub.policy.policies import Connection

TOKENS = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
FIVE_MINUTES = 300.0  # the window of its limits


def limit(answer: httpx.Response) -> float | None:
    """Seconds to wait: what Retry-After says, which it asks to be obeyed."""
    return asked_wait(answer, "retry-after", otherwise=FIVE_MINUTES) if answer.status_code == 429 else None


def words(answer: httpx.Response) -> str:
    """Code and sentence."""
    error = answer.json()["error"]
    return f"{error['message']} ({error['code']})"


DIALECT = Dialect(limit, words)


def login(connection: Connection, secrets: Mapping[str, str], clock: Callable[[], datetime] = real_now) -> Login:
    """By client credentials of an application user. Raises ``InvalidInput`` naming what is not set."""
    settings = connection.settings
    base, tenant = str(settings.get("base_url") or "").rstrip("/"), str(settings.get("tenant") or "")
    if not base or not (tenant or settings.get("token_url")):
        said = f"The connection {connection.key} has no address to call: set base_url and tenant in its settings."
        raise InvalidInput(said, code="connection_incomplete")
    missing = [name for name in ("client_id", "client_secret") if not secrets.get(name)]
    if missing:
        said = f"The connection {connection.key} cannot log in: set the variables of its secrets {', '.join(missing)}."
        raise InvalidInput(said, code="connection_incomplete")
    form = {name: secrets[name] for name in ("client_id", "client_secret")}
    url = str(settings.get("token_url") or TOKENS.format(tenant=tenant))
    grant = Grant(url, {"grant_type": "client_credentials", "scope": f"{base}/.default", **form})
    return Fetched(base, grant, clock=clock)
