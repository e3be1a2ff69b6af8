"""The webhooks at Pipedrive that send to us: which there are, which are missing, made again."""

from __future__ import annotations

from collections.abc import Mapping

from taskhub.connectors.calling import Caller
from taskhub.connectors.outbound import Hook

WANTED = (
    *(("lead", action) for action in ("create", "change", "delete")),
    *(("deal", action) for action in ("create", "change", "delete")),
    *(("activity", action) for action in ("change", "delete")),
    ("person", "change"),
    ("organization", "change"),
)


class Webhooks:
    """Implements ``Subscriber``."""

    def __init__(self, caller: Caller) -> None:
        self._calls = caller

    def hooks(self) -> list[Hook]:
        """All of the company that the key may see. They list what is deleted for want of success no more."""
        rows = self._calls.json("GET", "/api/v1/webhooks")["data"] or []
        return [
            Hook(
                id=str(row["id"]),
                what=f"{row['event_action']}.{row['event_object']}",
                url=str(row["subscription_url"]),
                live=bool(row.get("is_active", row.get("active_flag", True))),
            )
            for row in rows
        ]

    def missing(self, url: str) -> list[str]:
        """What nothing that is live sends to ``url``, as ``action.object``."""
        there = {hook.what for hook in self.hooks() if hook.live and hook.url == url}
        return [
            f"{action}.{entity}"
            for entity, action in WANTED
            if not there & {f"{action}.{entity}", f"*.{entity}", f"{action}.*", "*.*"}
        ]

    def subscribe(self, url: str, secrets: Mapping[str, str]) -> list[str]:
        """One webhook for each thing that is missing. ``secrets``: ``user`` and ``password`` of HTTP Basic."""
        missing = self.missing(url)
        for what in missing:
            action, _, entity = what.partition(".")
            body = {"subscription_url": url, "event_action": action, "event_object": entity, "version": "2.0"}
            if secrets.get("password"):
                body |= {"http_auth_user": secrets.get("user", ""), "http_auth_password": secrets["password"]}
            self._calls.call("POST", "/api/v1/webhooks", json={**body, "name": f"taskhub {what}"})
        return missing
