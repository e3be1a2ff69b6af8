"""What clients send about questions; how long each may be is for the room to say."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from taskhub.api.bodies import Call, Held, To
from taskhub.http.inputs import Instant, kept

Text = Annotated[str, AfterValidator(kept)]


class Ask(Held):
    """``until``: how long the task waits at most; without it as long as the reason allows."""

    question: Text
    until: Instant | None = None


class Answer(Call):
    """At most 20,000 characters, kept exactly as typed."""

    answer: Text


class PassOn(Call):
    """Who knows better, and why."""

    to: To
    note: Text | None = None
