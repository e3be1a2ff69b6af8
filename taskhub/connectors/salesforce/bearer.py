"""The log-in with a key of one's own: OAuth 2.0 JWT bearer. A signature proves who we are; the key stays here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from taskhub.connectors.login import Fetched, Grant, Login
from taskhub.errors import InvalidInput
from taskhub.policy.policies import Connection

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LOGIN = "https://login.salesforce.com"
HOUSES = ("salesforce.com",)
REMEDY = (
    "look at client_id and username, at the audience, whether that user may use the app and log in from this address, "
    "whether the app has the certificate of this key, and whether the clock of this machine is right"
)
_FRAME = re.compile(r"-----[^-]*-----")


def login(connection: Connection, secrets: Mapping[str, str], clock: Callable[[], datetime]) -> Login:
    """Where ``login_url`` says, else at ``base_url``, else at ``LOGIN``; calls go to ``base_url`` or where it answers.

    Raises ``InvalidInput`` (``connection_incomplete``) naming what is not set. What is wrong with the key itself is
    told by the log-in, as ``Unauthenticated``.
    """
    settings = connection.settings
    missing = [name for name in ("client_id", "private_key") if not secrets.get(name)]
    if missing or not settings.get("username"):
        lacks = [f"the variables of its secrets {', '.join(missing)}"] if missing else []
        lacks += [] if settings.get("username") else ["username in its settings"]
        said = f"The connection {connection.key} cannot log in: set {' and '.join(lacks)}."
        raise InvalidInput(said, code="connection_incomplete")
    base = _address(settings.get("base_url"))
    home = _address(settings.get("login_url")) or base or LOGIN
    # Of the general addresses apps made since 2026 take none for an audience, but the organisation's own.
    audience = _address(settings.get("audience")) or home
    claims = {"iss": secrets["client_id"], "sub": str(settings["username"]), "aud": audience}
    key, named = unfolded(secrets["private_key"]), connection.secrets.get("private_key", "private_key")

    def anew(now: datetime) -> Mapping[str, str]:
        # It loads OpenSSL, and most connections have no key of their own.
        from taskhub.connectors.salesforce import signing  # noqa: PLC0415

        return {"assertion": signing.assertion(key, named, claims, now)}

    hidden = (secrets["client_id"], secrets["private_key"], key, *pieces(key))
    grant = Grant(
        f"{home}/services/oauth2/token", {"grant_type": GRANT},
        base_from="instance_url", houses=HOUSES, anew=anew, hidden=hidden, remedy=REMEDY,
    )  # fmt: skip
    return Fetched(base, grant, follow_base=not base, clock=clock)


def unfolded(text: str) -> str:
    r"""A PEM whose line ends may be written as ``\n``, as variables of many systems hold one line only."""
    return text.replace("\\r", "").replace("\\n", "\n").replace("\r", "").strip()


def pieces(pem: str) -> list[str]:
    """What of a PEM must not be said: its lines, each alone and all together."""
    lines = _FRAME.sub(" ", pem).split()
    return ["".join(lines), *lines]


def _address(value: object) -> str:
    return str(value or "").rstrip("/")
