"""What leaves the house as signed events: the words for them, and what one connection wants. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

TASK_EVENTS = (
    *("task.created", "task.assigned", "task.unassigned", "task.started", "task.paused", "task.resumed"),
    *("task.completed", "task.cancelled", "task.reopened", "sla.warned", "sla.breached"),
)
SALES_EVENTS = (
    *(f"{noun}.{verb}" for noun in ("lead", "deal") for verb in ("created", "updated", "stage_changed")),
    *("lead.taken_over", "lead.converted", "lead.lost", "lead.reopened", "lead.deleted"),
    *("deal.won", "deal.lost", "deal.reopened", "deal.deleted"),
)
SENT = (*TASK_EVENTS, *SALES_EVENTS)


@dataclass(frozen=True, slots=True)
class Sending:
    """``[connection.send]``: where to, and what.

    ``events`` may end in ``.*``; of tasks only those of ``kinds`` and ``queues`` are told, each empty for all.
    """

    address: str
    events: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()

    def wants(self, type_: str) -> bool:
        """Whether events of that type are sent.

        >>> Sending("https://a.example", ("task.*", "deal.won")).wants("task.completed")
        True
        """
        return any(fnmatchcase(type_, one) for one in self.events)

    def of(self, kind: str, queue: str) -> bool:
        """Whether tasks of that kind in that queue are told."""
        return (not self.kinds or kind in self.kinds) and (not self.queues or queue in self.queues)
