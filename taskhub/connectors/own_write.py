"""The loop guard: what we wrote to a CRM comes back as an event, and must not make new work."""

from __future__ import annotations

from taskhub.events.model import Event
from taskhub.policy.policies import Connection


def is_own_write(event: Event, connection: Connection) -> bool:
    """Whether the event was caused by the user taskhub writes as (setting ``own_user``: their id of that user)."""
    own = connection.settings.get("own_user")
    return own is not None and event.by == f"{connection.key}:{own}"
