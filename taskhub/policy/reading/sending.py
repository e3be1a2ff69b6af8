"""``[connection.send]``: where events leave to, which, and that they can be signed."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.table import Table, shown
from taskhub.policy.reading.vocabulary import SEND_KEY
from taskhub.policy.sending import SENT, Sending

SENDS = "standard_webhooks"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
FAMILIES = tuple(dict.fromkeys(one.partition(".")[0] + ".*" for one in SENT))


def read(entry: Table, system: str, secrets: Mapping[str, str]) -> Sending | None:
    """What the section wants; None where it is missing."""
    table = entry.table("send")
    if table is None:
        return None
    address, events = _address(table), _events(table)
    kinds, queues = table.refs("kinds", "kind"), table.refs("queues", "queue")
    table.done()
    if system and system != SENDS:
        entry.problem("send", f"signed events leave through connections of the system {SENDS}, not of {system}.")
    elif system:
        _check_key(entry, secrets)
    return Sending(address, events, kinds, queues)


def _check_key(entry: Table, secrets: Mapping[str, str]) -> None:
    """With the key of what comes in, everything that left could be posted back as if the sender had said it."""
    if SEND_KEY not in secrets:
        message = f'What leaves is signed: add secrets = {{ {SEND_KEY} = "…" }}, the variable of its whsec_… key.'
        entry.problem("secrets", message)
    elif secrets[SEND_KEY] == secrets.get("signing_key"):
        message = f"{SEND_KEY} must be another key than signing_key: else what leaves could be sent back as their own."
        entry.problem("secrets", message)


def _address(table: Table) -> str:
    address = table.opt_text("address", required=True)
    if address is None:
        return ""
    try:
        parts = urlsplit(address)
        host, plain = parts.hostname or "", not (parts.username or parts.password or parts.fragment)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        host, plain, port_is_one = "", False, False
    # Reading an address drops tabs and line breaks, and lets blanks pass: what is then called is another one.
    if any(map(str.isspace, address)) or not (host and plain and port_is_one and parts.scheme in ("http", "https")):
        table.problem(
            "address",
            "address must be one such as https://example.com/hook, without user, password, fragment or blanks.",
        )
    elif parts.scheme == "http" and host not in LOOPBACK:
        table.problem("address", "address must begin with https://: what is sent names customers.")
    return address


def _events(table: Table) -> tuple[str, ...]:
    found = table.words("events", required=True)
    for index, one in enumerate(found):
        if one not in SENT and one not in FAMILIES and one != "*":
            families = ", ".join(FAMILIES)
            message = f"{shown(one)} is no event that is sent; see the list in docs/reference/config.md, or {families}."
            table.problem(("events", index), message, nearest(one, (*SENT, *FAMILIES)))
    return found
