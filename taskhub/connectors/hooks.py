"""Which of a system's webhooks send to us: they are found by their path, /hooks/NAME. Pure but for what it asks."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

from taskhub.connectors.outbound import Hook, Subscriber


def is_ours(hook: Hook, connection: str, path: str = "") -> bool:
    """Whether it sends to this connection; ``path`` is the secret part of its address, where it has one."""
    parts = [unquote(part) for part in urlsplit(hook.url).path.split("/") if part]
    return parts[-2:] == ["hooks", connection] or (
        parts[-3:-1] == ["hooks", connection] and (not path or parts[-1] == path)
    )


def address_of(home: str, connection: str, path: str = "") -> str:
    """Where a system sends to. A secret may hold what means something in an address."""
    return f"{home.rstrip('/')}/hooks/{connection}" + (f"/{quote(path, safe='')}" if path else "")


def missing(client: Subscriber, ours: list[Hook]) -> list[str]:
    """What nothing that is live sends to where most is sent. ``ours`` are live, and at least one."""
    return min((client.missing(url) for url in dict.fromkeys(hook.url for hook in ours)), key=len)
