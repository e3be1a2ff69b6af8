"""People whose office is open, by their own clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from taskhub.assignment.reasons import NOT_IN_POOL
from taskhub.assignment.seams import PoolAsk

DEFAULTS = {"opens_at": 9, "closes_at": 17}
SATURDAY = 5


class OfficeHours:
    """Monday to Friday from ``opens_at`` to ``closes_at`` o'clock."""

    name = "office_hours"
    version = "1.0"
    needs: tuple[str, ...] = ()

    def refused(self, ask: PoolAsk) -> Mapping[str, str]:
        """Whoever's office is shut at ``ask.now``."""
        hours = {**DEFAULTS, **ask.queue.params}
        out = {}
        for agent in ask.agents:
            local = ask.now.astimezone(ZoneInfo(agent.time_zone))
            if local.weekday() >= SATURDAY or not hours["opens_at"] <= local.hour < hours["closes_at"]:
                out[agent.key] = NOT_IN_POOL
        return out

    def check(self, params: Mapping[str, Any], teams: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Whole hours of one day."""
        yield from ((name, f"is not a parameter of {self.name}") for name in params if name not in DEFAULTS)
        hours = {**DEFAULTS, **params}
        wrong = [name for name in DEFAULTS if type(hours[name]) is not int or not 0 <= hours[name] <= 24]
        yield from ((name, "must be a whole hour from 0 to 24") for name in wrong)
        if not wrong and hours["opens_at"] >= hours["closes_at"]:
            yield "closes_at", "must come after opens_at"


office_hours = OfficeHours()
