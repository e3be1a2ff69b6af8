"""The story as a program tells it: batches of native events, sent again until they are taken."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from taskhub.demo.client import Api, Said
from taskhub.demo.story import Story

BATCH = 50


class Feed(Protocol):
    """Where events come from: ``step`` tells what has happened by ``now``; returns how many were sent."""

    def step(self, now: datetime, *, room: bool) -> int: ...


class NativeFeed:
    """Posts to /events with one key."""

    def __init__(self, story: Story, api: Api) -> None:
        self._story, self._api = story, api
        self._unsent: list[dict[str, Any]] = []

    def step(self, now: datetime, *, room: bool) -> int:
        """What could not be sent goes first at the next; the same ids then change nothing twice."""
        batch = self._unsent or self._story.due(now, BATCH, room=room)
        if not batch:
            return 0
        try:
            self._api.call("POST", "/events", batch, content_type="application/cloudevents-batch+json")
        except Said as said:
            self._unsent = batch if said.status in (429, 503) else []
            return 0
        self._unsent = []
        return len(batch)
