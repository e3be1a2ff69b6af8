"""Takes notices out of the house: mail to a person, a channel through Apprise, always the log.

| variable | means |
|---|---|
| TASKHUB_SMTP_URL | `smtp://`, `starttls://` or `smtps://user:password@host:port?from=address`: mail to people |
| TASKHUB_NOTIFY_URL | Apprise addresses, separated by spaces: what cannot be mailed |

Either may come from a file (`…_FILE`). Without them a notice stands in the log and in the table.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from taskhub import settings
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput, Unavailable
from taskhub.escalation import service
from taskhub.escalation.service import Letter

logger = logging.getLogger("taskhub.notifications")

SMTP, CHANNELS = "TASKHUB_SMTP_URL", "TASKHUB_NOTIFY_URL"
SECURITY = {"smtp": "insecure", "starttls": "starttls", "smtps": "ssl"}
HEADER = "X-Taskhub-Notification"


class Deliver:
    """Delivers one notification at least once; one delivered already is not sent again."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = environ

    def prepare(self, tx: Tx, row: Taken) -> functools.partial[None] | None:
        """What is to be sent; None when it has been."""
        letter = service.letter(tx, row.key)
        return functools.partial(send, letter, self._environ) if letter else None

    def finish(self, tx: Tx, row: Taken, result: Any) -> None:
        """It has left the house."""
        service.delivered(tx, row.key)


def send(letter: Letter, environ: Mapping[str, str] | None = None) -> None:
    """Sends the notice where it should go. Raises Unavailable when the other side does not take it."""
    where = destination(letter, environ)
    if where is not None:
        _send(letter, where)
    logger.info("notification %s to %s: %s", letter.id, letter.agent or "the log", letter.subject)


def destination(letter: Letter, environ: Mapping[str, str] | None = None) -> str | dict[str, Any] | None:
    """What Apprise is given: an address, or the parts of one for mail; None: the log alone.

    ``url:`` addresses without ``://`` name an environment variable, so that secrets stay out of the files.
    """
    kind, _, address = letter.address.partition(":")
    if kind == "url":
        return address if "://" in address else _needed(address, environ)
    server = settings.secret(SMTP, environ)
    if kind == "mailto" and server:
        return mail(server, address, letter.id)
    return settings.secret(CHANNELS, environ)


def mail(server: str, to: str, notice_id: str) -> dict[str, Any]:
    """The parts of a mail through ``server``. Raises InvalidInput for an address that is none."""
    url = urlsplit(server)
    if url.scheme not in SECURITY or not url.hostname:
        raise InvalidInput(f"{SMTP} must look like smtp://user:password@host:port?from=address.")
    sender = parse_qs(url.query).get("from", [f"taskhub@{url.hostname}"])[0]
    return {
        "schema": "mailto", "host": url.hostname, "smtp_host": url.hostname, "port": url.port,
        "user": unquote(url.username) if url.username else None,
        "password": unquote(url.password) if url.password else None,
        "from_addr": sender, "targets": [to], "secure_mode": SECURITY[url.scheme], "headers": {HEADER: notice_id},
    }  # fmt: skip


def _send(letter: Letter, where: str | dict[str, Any]) -> None:
    # Imported here: it takes half a second, and most processes never send anything.
    import apprise  # noqa: PLC0415

    hub = apprise.Apprise(asset=apprise.AppriseAsset(app_id="taskhub", async_mode=False))
    # Neither message may show the address: it holds passwords.
    if not hub.add(where):
        raise InvalidInput(f"The address of notification {letter.id} cannot be read; see {SMTP} and {CHANNELS}.")
    if not hub.notify(title=letter.subject, body=letter.body, body_format="text"):
        raise Unavailable(f"Notification {letter.id} was not taken by the other side.", retry_after=5)


def _needed(name: str, environ: Mapping[str, str] | None) -> str:
    found = settings.secret(name, environ)
    if found is None:
        raise InvalidInput(f"A step notifies url:{name}, but {name} is not set.")
    return found
