"""Service promises: when work is due, what its clock shows, and the ledger that explains it. Pure."""

from taskhub.calendars import Target, parse_target
from taskhub.sla.clock import (
    DEFAULT_WARN,
    Fall,
    Name,
    Pause,
    SlaClock,
    meet,
    pause,
    record,
    resume,
    retarget,
    stopping,
)
from taskhub.sla.ledger import Entry, counted_time, ledger
from taskhub.sla.targets import due, postpone, promised
from taskhub.sla.times import (
    State,
    at_fraction,
    counted,
    due_at,
    falls_due,
    next_look,
    remaining,
    state,
    waited,
    warn_at,
    warn_times,
)

__all__ = [
    "DEFAULT_WARN",
    "Entry",
    "Fall",
    "Name",
    "Pause",
    "SlaClock",
    "State",
    "Target",
    "at_fraction",
    "counted",
    "counted_time",
    "due",
    "due_at",
    "falls_due",
    "ledger",
    "meet",
    "next_look",
    "parse_target",
    "pause",
    "postpone",
    "promised",
    "record",
    "remaining",
    "resume",
    "retarget",
    "state",
    "stopping",
    "waited",
    "warn_at",
    "warn_times",
]
