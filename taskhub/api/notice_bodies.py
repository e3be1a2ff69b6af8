"""What clients send about notices."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from taskhub.http.inputs import Body, Instant

Openings = Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=20)]


class NoticeSettings(Body):
    """How a person wants to be told; what is left out or null is as the house does.

    ``own_address`` (a secret) stays as it is when it is left out, and is taken away by null.
    """

    channels: Annotated[list[str], Field(max_length=10)] | None = None
    own_address: Annotated[str, Field(max_length=2000)] | None = None
    language: Annotated[str, Field(max_length=10)] | None = None
    ways: Annotated[dict[str, str], Field(max_length=10)] | None = None
    digest_every: Annotated[str, Field(max_length=40)] | None = None
    quiet_hours: Annotated[dict[str, Openings], Field(max_length=10)] | None = None


class ReadIn(Body):
    """Which notices have been read: ``ids``, or without them everything up to ``until`` (now)."""

    ids: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=500)] | None = None
    until: Instant | None = None
