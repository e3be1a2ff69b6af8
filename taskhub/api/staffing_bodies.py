"""What clients send about how queues are served, as the OpenAPI page shows it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from taskhub.calendars import parse_duration
from taskhub.http.inputs import Body, Instant, KeyText, Line

Params = Annotated[dict[str, Any], Field(max_length=50, default_factory=dict)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


def _effective(value: Any) -> Any:
    if value in ("now", "next_shift"):
        return value
    if isinstance(value, str) and not value[:1].isdigit():
        raise ValueError('must be "now", "next_shift" or an instant such as 2026-01-31T09:00:00Z')
    return value


def _duration(value: Any) -> timedelta:
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError("must be text such as 4h or 1h30m")
    return parse_duration(value)


EffectiveAt = Annotated[Literal["now", "next_shift"] | Instant, BeforeValidator(_effective)]
Duration = Annotated[timedelta, BeforeValidator(_duration), WithJsonSchema({"type": "string", "example": "8h"})]


class Staffing(Body):
    """A model with its parameters; null returns to the file. What is left out is the file's."""

    model: Name | None
    params: Params
    strategy: Name | None = None
    strategy_params: Params

    def asked(self) -> dict[str, Any]:
        """The same as the acts want it."""
        names = ("model", "params", "strategy", "strategy_params")
        return {name: getattr(self, name) for name in names}


class Switch(Staffing):
    """``effective_at``: now, next_shift (the next opening of the queue's calendar) or an instant to come."""

    effective_at: EffectiveAt = "now"

    @property
    def at(self) -> str | datetime:
        """When it starts."""
        return self.effective_at


class SwitchPreview(Switch):
    """``since``: also ask the decisions since then what they would have been, ``7d``, ``36h`` or an instant."""

    since: Annotated[str, Field(max_length=40)] | None = None


class Shadow(Body):
    """Another staffing to ask about; what is left out is the file's, parameters only where the model is the same."""

    model: Name | None = None
    params: Annotated[dict[str, Any], Field(max_length=50)] | None = None
    strategy: Name | None = None
    strategy_params: Annotated[dict[str, Any], Field(max_length=50)] | None = None
    since: Annotated[str, Field(max_length=40)] | None = None


class Span(Body):
    """From when (now where it is left out) up to, not including, ``until``."""

    from_: Annotated[Instant | None, Field(alias="from")] = None
    until: Instant


class Period(Span):
    """``ahead_by``: open time of the queue's calendar, such as 8h."""

    ahead_by: Duration


class Lend(Span):
    """Which queue."""

    queue: KeyText


class Why(Body):
    """A reason people will read."""

    reason: Line


class Resume(Body):
    """A reason, where there is one."""

    reason: Line | None = None


class MovePreview(Body):
    """From a kind of this queue to a kind of another one."""

    kind: KeyText
    to: KeyText


class Move(MovePreview):
    """And why."""

    reason: Line
