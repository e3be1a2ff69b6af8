"""Where a letter goes: mail through the house's server, an Apprise address, or the log. Addresses are never said.

| variable | means |
|---|---|
| TASKHUB_SMTP_URL | `smtp://`, `starttls://` or `smtps://user:password@host:port?from=address`: mail to people |
| TASKHUB_NOTIFY_URL | Apprise addresses, separated by spaces: what cannot be mailed |

Either may come from a file (`…_FILE`). Without them a notice stands in the log and in the table.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from taskhub import settings
from taskhub.errors import InvalidInput, Unavailable
from taskhub.policy.reading.nearest import nearest

SMTP, CHANNELS = "TASKHUB_SMTP_URL", "TASKHUB_NOTIFY_URL"
SECURITY = {"smtp": "insecure", "starttls": "starttls", "smtps": "ssl"}
HEADER = "X-Taskhub-Notification"
WEBHOOKS = ("json", "jsons", "xml", "xmls", "form", "forms")
SHORTEST = 4  # shorter parts of an address give nothing away
LONGEST = 300
PATIENCE = 10.0  # seconds
EXAMPLE = "somebody@example.org"
# The only part of a mail that Apprise itself refuses.
NO_SENDER = f"The from of {SMTP} (without one: taskhub@ and its host) is no mail address; add ?from=hub@example.org."

log = logging.getLogger(__name__)

Where = str | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one channel; ``id`` is what a receiver may deduplicate by.

    ``address``: ``mailto:``, ``url:`` (a variable's name), ``own:`` (a person's own Apprise address) or ``log:``.
    """

    id: str
    agent: str | None
    address: str = field(repr=False)
    subject: str
    body: str


def destination(letter: Letter, environ: Mapping[str, str] | None = None) -> Where | None:
    """What Apprise is given: an address, or the parts of one for mail; None: the log alone.

    ``url:`` addresses without ``://`` name an environment variable, so that secrets stay out of the files.
    """
    kind, _, address = letter.address.partition(":")
    if kind == "own":
        return address
    if kind == "url":
        return address if "://" in address else _needed(address, environ)
    server = settings.secret(SMTP, environ)
    if kind == "mailto" and server:
        return mail(server, address, letter.id)
    return settings.secret(CHANNELS, environ)


def mail(server: str, to: str, notice_id: str) -> dict[str, Any]:
    """The parts of a mail through ``server``. Raises InvalidInput for an address that is none."""
    try:
        url = urlsplit(server)
        port = url.port
    except ValueError:
        raise _unlike("has a host or port that cannot be read") from None
    if url.scheme not in SECURITY:
        raise _unlike(f"begins with none of {', '.join(f'{one}://' for one in SECURITY)}")
    if not url.hostname:
        raise _unlike("names no host")
    sender = parse_qs(url.query).get("from", [f"taskhub@{url.hostname}"])[0]
    return {
        "schema": "mailto", "host": url.hostname, "smtp_host": url.hostname, "port": port,
        "user": unquote(url.username) if url.username else None,
        "password": unquote(url.password) if url.password else None,
        "from_addr": sender, "targets": [to], "secure_mode": SECURITY[url.scheme], "headers": {HEADER: notice_id},
    }  # fmt: skip


def faults(environ: Mapping[str, str] | None = None) -> list[str]:
    """What keeps letters from leaving, in words that show no address: settings that cannot be used."""
    return [said for look in (_mail_fault, _channels_fault) if (said := look(environ)) is not None]


def warn() -> None:
    """Says them in the log when a process begins that sends."""
    for fault in faults():
        log.warning("letters cannot leave: %s", fault)


def _mail_fault(environ: Mapping[str, str] | None) -> str | None:
    try:
        server = settings.secret(SMTP, environ)
        parts = mail(server, EXAMPLE, "none") if server else None
    except InvalidInput as error:
        return error.message
    return None if parts is None or _can_be_read(parts) else NO_SENDER


def _channels_fault(environ: Mapping[str, str] | None) -> str | None:
    try:
        found = settings.secret(CHANNELS, environ)
    except InvalidInput as error:
        return error.message
    return None if found is None or _can_be_read(found) else _unreadable(CHANNELS)


def push(letter: Letter, where: Where) -> None:
    """Hands the letter to the other side. Raises InvalidInput or Unavailable, with what it said and no secret."""
    apprise = _apprise()
    hub = apprise.Apprise(asset=apprise.AppriseAsset(app_id="taskhub", async_mode=False))
    if not hub.add(_named(where, letter.id)):
        raise InvalidInput(f"Notification {letter.id} cannot be sent. {_why_not(letter, where)}")
    ear = _Ear()
    for server in hub:
        # Each complains to a log of its own: letters leave side by side, in threads of Apprise's choice.
        server.logger = ear.log
        # An address may ask for patience of its own; the ledger's is enough, and others wait for this thread.
        server.retry = 0
        server.socket_connect_timeout = min(server.socket_connect_timeout, PATIENCE)
        server.socket_read_timeout = min(server.socket_read_timeout, PATIENCE)
    if not hub.notify(title=letter.subject, body=letter.body, body_format="text"):
        why = scrubbed(" ".join(ear.lines), where)
        raise Unavailable(
            f"Notification {letter.id} was not taken by the other side{': ' if why else '.'}{why}", retry_after=5
        )


def personal(address: str, allowed: Collection[str]) -> str:
    """The service behind a person's own address. Raises InvalidInput, which does not show the address."""
    apprise = _apprise()
    found = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if found is None:
        raise _wrong("cannot be read as an Apprise address; see the page of your service in Apprise's documentation")
    kinds = [kind for one in (found.secure_protocol, found.protocol) for kind in _names(one)]
    kind = next((one for one in kinds if one in allowed), None)
    if kind is None:
        near = nearest(kinds[0], allowed) if kinds else None
        hint = f"; did you mean {near}?" if near else ""
        raise _wrong(
            f"is of a service that is not allowed here; ask your administrator, or use one of: "
            f"{', '.join(sorted(allowed))}{hint}"
        )
    return kind


def scrubbed(text: str, where: Where) -> str:
    """What the other side said, without any part of the address it was said at.

    >>> scrubbed("http://h/s3cretpath refused", "json://user:pa55word@h/s3cretpath")
    'http://h/*** refused'
    """
    address = where if isinstance(where, str) else " ".join(str(value) for value in where.values())
    kind = "" if isinstance(where, dict) else address.partition("://")[0]
    parts = {part for part in re.split(r"[\s/:?&=@,;#]+", address) if len(part) >= SHORTEST and part != kind}
    for part in sorted(parts | {unquote(part) for part in parts}, key=len, reverse=True):
        text = text.replace(part, "***")
    return " ".join(text.split())[:LONGEST]


def _can_be_read(where: Where) -> bool:
    return bool(_apprise().Apprise().add(where))


def _why_not(letter: Letter, where: Where) -> str:
    kind, _, name = letter.address.partition(":")
    if isinstance(where, dict):
        return NO_SENDER
    if kind == "own":
        return "Apprise cannot read the address its person has given: they give another one."
    return _unreadable(name if kind == "url" and "://" not in name else CHANNELS)


def _unreadable(variable: str) -> str:
    return f"{variable} holds an address Apprise cannot read."


def _unlike(why: str) -> InvalidInput:
    return InvalidInput(f"{SMTP} {why}; it must look like smtp://user:password@host:port?from=address.")


def _wrong(message: str) -> InvalidInput:
    return InvalidInput(f"own_address {message}.", errors=[{"path": "own_address", "message": message}])


def _names(protocol: Any) -> tuple[str, ...]:
    return (protocol,) if isinstance(protocol, str) else tuple(protocol or ())


def _named(where: Where, id_: str) -> Where:
    """Webhooks get the id of the letter as a header, as mails do."""
    if not isinstance(where, str) or where.partition("://")[0].lower() not in WEBHOOKS or " " in where.strip():
        return where
    return f"{where}{'&' if '?' in where else '?'}%2B{HEADER}={id_}"


def _needed(name: str, environ: Mapping[str, str] | None) -> str:
    found = settings.secret(name, environ)
    if found is None:
        raise InvalidInput(f"A step notifies url:{name}, but {name} is not set.")
    return found


def _apprise() -> Any:
    # Imported here: it takes half a second, and most processes never send anything.
    import apprise  # noqa: PLC0415

    # Its log shows addresses, and they hold passwords.
    logging.getLogger("apprise").propagate = False
    return apprise


class _Ear(logging.Handler):
    """What is complained of in one log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        # Not a registered one: those are shared, and letters leave side by side.
        self.log = logging.Logger("apprise.letter")  # noqa: LOG001
        self.log.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
