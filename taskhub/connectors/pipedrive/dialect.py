"""How Pipedrive says "too much", and what is wrong; how one logs in there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx

from taskhub.clock import real_now
from taskhub.connectors.calling import Dialect, asked_wait
from taskhub.connectors.login import Fetched, Grant, Login, Standing
from taskhub.errors import InvalidInput
from taskhub.policy.policies import Connection

HEADER = "x-api-token"
TOKENS = "https://oauth.pipedrive.com/oauth/token"
BANNED = 600.0  # seconds; their page names none
SPENT = 3600.0


def limit(answer: httpx.Response) -> float | None:
    """Seconds to wait: the burst's own, an hour when the day's are spent, ten minutes once an HTML page refuses us."""
    if answer.status_code == 429:
        spent = answer.headers.get("x-daily-requests-left", "").strip() in ("0", "-1")
        return max(SPENT if spent else 0.0, asked_wait(answer, "retry-after", "x-ratelimit-reset"))
    html = answer.headers.get("content-type", "").startswith("text/html")
    return BANNED if answer.status_code == 403 and html else None


def words(answer: httpx.Response) -> str:
    """Their sentence, and what it is about."""
    body: Any = answer.json()
    errors = body.get("errors")
    if isinstance(errors, Mapping):
        return "; ".join(f"{name} {', '.join(map(str, said))}" for name, said in errors.items())
    return str(body.get("error") or "")


DIALECT = Dialect(limit, words)


def login(connection: Connection, secrets: Mapping[str, str], clock: Callable[[], datetime] = real_now) -> Login:
    """By API token, else by refresh token. Raises ``InvalidInput`` naming what is not set."""
    settings = connection.settings
    base = str(settings.get("base_url") or "")
    if not base and settings.get("company_domain"):
        base = f"https://{settings['company_domain']}.pipedrive.com"
    if secrets.get("token"):
        if not base:
            said = f"The connection {connection.key} has no address to call: set company_domain in its settings."
            raise InvalidInput(said, code="connection_incomplete")
        return Standing(base, HEADER, secrets["token"])
    missing = [name for name in ("client_id", "client_secret", "refresh_token") if not secrets.get(name)]
    if missing:
        named = f"token, or {', '.join(missing)}"
        said = f"The connection {connection.key} cannot log in: set the variables of its secrets {named}."
        raise InvalidInput(said, code="connection_incomplete")
    grant = Grant(
        url=str(settings.get("token_url") or TOKENS),
        form={"grant_type": "refresh_token", "refresh_token": secrets["refresh_token"]},
        basic=(secrets["client_id"], secrets["client_secret"]),
        base_from="api_domain",
        lasting="refresh_token",
        houses=("pipedrive.com",),
    )
    return Fetched(base, grant, follow_base=not base, clock=clock)
