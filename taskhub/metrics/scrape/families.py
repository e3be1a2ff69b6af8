"""Every metric that is shown to Prometheus: its name, kind, labels and meaning, once. The reference page is this table.

Figures of the house are read from the database: every API process shows the same ones, so take ``max`` over them.
Figures of a process are its own since it started: take ``sum`` over them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["gauge", "counter", "histogram"]


class Family(NamedTuple):
    """One metric. The unit is the ending of its name: ``_seconds``, ``_bytes``, else a count."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str

    @property
    def unit(self) -> str:
        """seconds, bytes or count."""
        stem = self.name.removesuffix("_total")
        return next((unit for unit in ("seconds", "bytes") if stem.endswith(f"_{unit}")), "count")


class Sample(NamedTuple):
    """One value; ``labels`` in the order of the family's."""

    name: str
    labels: tuple[str, ...]
    value: float


def _gauge(name: str, meaning: str, *labels: str) -> Family:
    return Family(name, "gauge", labels, meaning)


def _counter(name: str, meaning: str, *labels: str) -> Family:
    return Family(name, "counter", labels, meaning)


def _spread(name: str, meaning: str, *labels: str) -> Family:
    return Family(name, "histogram", labels, meaning)


HOUSE = (
    _gauge("taskhub_database_up", "1: the database answered this look; 0: nothing else of the house is shown"),
    _gauge("taskhub_look_seconds", "how long the last look at the database took; it is kept at least 50 times as long"),
    _gauge("taskhub_open_tasks", "open tasks", "queue", "state"),
    _gauge("taskhub_late_tasks", "open tasks at risk or breached", "queue", "sla_state"),
    _gauge("taskhub_queue_oldest_seconds", "age of the oldest waiting task", "queue"),
    _gauge("taskhub_queue_overdue_seconds", "how long ago the most urgent waiting task should have begun", "queue"),
    _gauge("taskhub_leases", "tasks held under a lease"),
    _gauge("taskhub_leases_expired", "leases past their end and not yet given back"),
    _gauge("taskhub_lease_oldest_seconds", "how long the task longest in progress has been so", "queue"),
    _gauge("taskhub_agents", "active people, by presence", "presence"),
    _gauge("taskhub_inbox_events", "events stored and not yet applied, counted up to 20,000"),
    _gauge("taskhub_inbox_oldest_seconds", "age of the oldest of them"),
    _gauge("taskhub_events_quarantined", "events that wait for somebody to look, counted up to 20,000"),
    _gauge("taskhub_messages_due", "rows of the ledger due and not begun, counted among the oldest 20,000", "topic"),
    _gauge("taskhub_messages_oldest_due_seconds", "how long the oldest of them has been due", "topic"),
    _gauge("taskhub_messages_held", "due rows a worker holds", "topic"),
    _gauge("taskhub_messages_retrying", "open rows whose last try failed, counted up to 20,000", "topic"),
    _gauge("taskhub_messages_dead", "rows that failed for good and wait for somebody, up to 20,000", "topic"),
    _gauge("taskhub_sweep_age_seconds", "since a worker last looked at the ledger"),
    _gauge("taskhub_history_unsealed_rows", "rows of history behind the last seal, at most"),
    _gauge("taskhub_seal_age_seconds", "since the last seal"),
)
PROCESS = (
    _gauge("taskhub_info", "always 1", "version"),
    _counter("taskhub_http_requests_total", "requests answered", "method", "route", "status"),
    _spread("taskhub_http_request_seconds", "from the head of a request to its answer", "method", "route"),
    _counter("taskhub_events_total", "deliveries taken in: duplicate, or the state they were stored in",
             "outcome", "connection"),
    _counter("taskhub_events_settled_total", "events settled by a worker", "state"),
    _gauge("taskhub_inbox_limit", "events that may wait before senders are refused, in all and of one source", "of"),
    _gauge("taskhub_inbox_waiting", "events that wait, as this process last counted them, and what it let in since"),
    _counter("taskhub_inbox_refused_total", "calls of senders refused because too much waited"),
    _counter("taskhub_decisions_total", "decisions put on record; way is push, pull or manual",
             "way", "outcome", "queue"),
    _counter("taskhub_changes_total", "rows of history: task.sla.breached, escalation.fire and every other transition",
             "noun", "act"),
    _counter("taskhub_crm_writes_total", "steps done in a CRM for our tasks, by how the task stands there then",
             "connection", "state"),
    _counter("taskhub_import_rows_total", "rows of files brought in; outcome is new, known or refused", "outcome"),
    _counter("taskhub_messages_failed_total", "failed tries, deliveries included; next is again or dead",
             "handler", "next"),
    _spread("taskhub_message_seconds",
            "transactions of handlers; step is inside, together (several rows at once), or prepare and finish of a "
            "delivery", "handler", "step"),
    _spread("taskhub_message_lag_seconds", "from the due time of a row to the beginning of its work", "handler"),
    _gauge("taskhub_db_connections", "connections of the pool, by state busy or idle", "pool", "state"),
    _gauge("taskhub_worker_rows", "rows that run or wait, by crew; those that run as one count once", "crew"),
    _gauge("taskhub_worker_hung_threads", "threads this worker gave up and that still have not ended"),
    _gauge("taskhub_worker_pulse_age_seconds", "since this worker last reached the database"),
    _counter("process_cpu_seconds_total", "processor time, user and system"),
    _gauge("process_resident_memory_bytes", "memory in use"),
    _gauge("process_open_fds", "open files and sockets"),
)  # fmt: skip
FAMILIES = {family.name: family for family in (*HOUSE, *PROCESS)}
