"""What the doctor looks at in a running house, one finding each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from taskhub.db.tx import Tx

SKEW = 5.0
SWEPT = 30.0
OVERDUE, LONG_OVERDUE = 10.0, 60.0
MINUTES = 5.0
LETTERS = ("letter.send", "notification.deliver")
OK, NOTE, WRONG = "ok", "note", "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``state`` is ok, note or wrong, ``todo`` what to do about it."""

    name: str
    state: str
    said: str
    todo: str | None = None


def of_house(tx: Tx, *, deep: bool) -> Iterator[Finding]:
    """Everything the database can be asked about the work."""
    from taskhub.cli import connected

    yield clock(tx)
    yield policies(tx)
    yield variables(tx)
    yield ledger(tx)
    yield deliveries(tx)
    yield intake(tx)
    yield from connected.of_connections(tx)
    yield workers(tx)
    yield jobs(tx)
    yield invariants(tx, deep=deep)
    yield sealed(tx)
    yield plugins(tx)


def clock(tx: Tx) -> Finding:
    """This machine's clock beside the database's."""
    from taskhub.clock import real_now

    skew = abs((tx.real_now - real_now()).total_seconds())
    if skew > SKEW:
        said = f"the database's clock differs by {skew:.0f} s from this machine's"
        return Finding("clock", WRONG, said, "let both follow NTP; leases and due times go by the database's")
    if tx.now < tx.real_now:
        return Finding("clock", NOTE, f"a demo's clock: it is {tx.now:%Y-%m-%d %H:%M}Z there")
    return Finding("clock", OK, f"{skew:.1f} s apart from this machine's")


def policies(tx: Tx) -> Finding:
    """The active set and what it warns of."""
    from taskhub.acts import staffing

    if not tx.policies.hash:
        return Finding("policies", WRONG, "none are active", "run `taskhub config apply`")
    counts = ((len(getattr(tx.policies, name)), name) for name in ("queues", "kinds", "rules"))
    said = ", ".join(f"{count} {name}" for count, name in counts) + f" (set {tx.policies.hash[:12]})"
    warnings = [*tx.policies.warnings, *staffing.differences(tx, tx.policies)]
    if warnings:
        told = "; ".join(f"{one.file}: {one.key}: {one.message}" for one in warnings[:3])
        return Finding("policies", NOTE, f"{said}; {len(warnings)} warnings: {told}", "see `taskhub config check`")
    return Finding("policies", OK, said)


def variables(tx: Tx) -> Finding:
    """Variables that look like ours and that nobody reads, most often a misspelt name."""
    import os

    from taskhub import settings
    from taskhub.escalation.notifications.channels import CHANNELS, SMTP
    from taskhub.policy.reading.nearest import nearest

    named = {name for one in tx.policies.connections.values() for name in one.secrets.values()}
    steps = (step for ladder in tx.policies.escalations.values() for step in ladder.steps)
    named |= {told.removeprefix("url:") for step in steps for told in step.notify if told.startswith("url:")}
    secret = {*settings.SECRETS, SMTP, CHANNELS, *named}
    known = {*settings.PLAIN, *settings.RESERVED, *secret, *(f"{name}_FILE" for name in secret)}
    unread = [name for name in os.environ if name.startswith("TASKHUB_") and name not in known]
    if not unread:
        return Finding("variables", OK, "every TASKHUB_… variable that is set is read")
    near = {name: nearest(name, known, cutoff=0.85) for name in sorted(unread)}
    said = ", ".join(f"{name} (did you mean {other}?)" if other else name for name, other in near.items())
    return Finding("variables", NOTE, f"nobody reads {said}", "correct the name, or take it away")


def ledger(tx: Tx) -> Finding:
    """Rows that are due, late and dead."""
    from taskhub.cli import queries

    due, oldest, dead = queries.due_rows(tx), queries.oldest_due(tx), queries.dead_rows(tx)
    late = _since(tx, oldest[1]) if oldest else 0.0
    topic = f" ({oldest[0]})" if oldest else ""
    said = f"{due} rows due, the oldest for {late:.0f} s{topic}, {dead} dead"
    if dead:
        return Finding(
            "ledger",
            WRONG,
            said,
            "see `taskhub ledger dead`, mend the cause, then `taskhub ledger replay ID`; or give it up: `discard ID`",
        )
    if late > LONG_OVERDUE:
        return Finding("ledger", WRONG, said, "start workers, or more of them; their log says what holds them up")
    return Finding("ledger", NOTE if late > OVERDUE else OK, said)


def deliveries(tx: Tx) -> Finding:
    """Work for the world outside whose last try failed."""
    from taskhub.cli import queries

    stuck = queries.stuck_outside(tx)
    if not stuck:
        return Finding("deliveries", OK, "none waits for another try")
    said = "; ".join(
        f"{count} of {handler} wait, tried up to {tries} times: {error}" for handler, count, tries, error in stuck
    )
    todo = "is the other side up, its address and password right? Tries go on by themselves"
    if any(handler in LETTERS for handler, *_ in stuck):
        todo += "; `taskhub notifications dead --failing` says for whom"
    return Finding("deliveries", NOTE, said, todo)


def intake(tx: Tx) -> Finding:
    """Events that are not yet applied, or cannot be."""
    from taskhub.cli import queries

    waiting, oldest = queries.inbox(tx)
    late = _since(tx, oldest) if oldest else 0.0
    quarantined = queries.quarantined(tx)
    said = f"{waiting} events wait, the oldest for {late:.0f} s; {quarantined} are quarantined"
    if late > LONG_OVERDUE:
        return Finding("intake", WRONG, said, "start workers, or more of them")
    if quarantined:
        return Finding("intake", NOTE, said, "GET /api/v1/events?state=quarantined says why; mend the cause and replay")
    return Finding("intake", OK, said)


def workers(tx: Tx) -> Finding:
    """When a worker last looked."""
    from taskhub.db import sweep

    at = sweep.last(tx.conn)
    since = (tx.real_now - at).total_seconds() if at else None
    if since is None or since > SWEPT:
        when = "has ever looked" if since is None else f"has looked for {since:.0f} s"
        return Finding("workers", NOTE, f"none {when}", "start `taskhub serve` or `taskhub worker`")
    return Finding("workers", OK, f"one looked {max(since, 0):.0f} s ago")


def jobs(tx: Tx) -> Finding:
    """Whether calendar jobs fire while workers look."""
    from taskhub.cli import queries
    from taskhub.db import sweep

    at, fired = sweep.last(tx.conn), queries.last_firing(tx)
    if fired is None:
        return Finding("jobs", OK, "no calendar job has fired yet")
    silent = _since(tx, fired)
    looking = at is not None and (tx.real_now - at).total_seconds() <= SWEPT
    if looking and silent > MINUTES * 60:
        said = f"workers look, but no calendar job has fired for {silent:.0f} s"
        return Finding("jobs", WRONG, said, "look for 'job … failed' in the log of the workers")
    return Finding("jobs", OK, f"the last fired {silent:.0f} s ago")


def invariants(tx: Tx, *, deep: bool) -> Finding:
    """What must always hold."""
    from taskhub.escalation.ladder import policy_of
    from taskhub.metrics.invariants import queries

    climbed = {key: ladder for key in tx.policies.sla if (ladder := policy_of(tx.policies, key)) is not None}
    ladders = [key for key, one in climbed.items() if any(step.overdue_for is not None for step in one.steps)]
    found = queries.broken(tx.conn, tx.now, deep=deep, active=tx.policies.hash, ladders=ladders)
    asked = len(queries.CHEAP) + (len(queries.DEEP) if deep else 0)
    if not found:
        return Finding("invariants", OK, f"all {asked} that were asked hold")
    return Finding(
        "invariants", WRONG, "; ".join(map(str, found)), "this should never be: please report it with the log"
    )


def sealed(tx: Tx) -> Finding:
    """How far history is sealed."""
    from taskhub.db import seals

    rows, at = seals.lag(tx.conn)
    if at is None:
        return Finding("history", OK, f"nothing is sealed yet; {rows} rows wait for a worker")
    since = _since(tx, at)
    said = f"the last seal is {since:.0f} s old, {rows} rows wait for the next"
    if rows and since > MINUTES * 60:
        return Finding(
            "history", NOTE, said, "a worker seals each minute: is one running, is a transaction open for long?"
        )
    return Finding("history", OK, said)


def plugins(tx: Tx) -> Finding:
    """Foreign models and strategies that fail, or that a file or a switch names and that are not installed."""
    from taskhub.assignment import passes
    from taskhub.assignment.foreign import service as foreign
    from taskhub.assignment.installed import plugins as installed

    said = [f"{name} cannot be used: {why}" for name, why in installed().broken.items()]
    failing = [one for one in foreign.failing(tx) if one.failures]
    said += [
        f"{one.name} failed {one.failures} times in a row in {one.queue} ({one.error})"
        + (f" and is left out: `taskhub plugin reset {one.queue}`" if one.out else "")
        for one in failing
    ]
    gone = [
        f"{name} is not installed, built-ins stand in for it in {key}"
        for key, facts in passes.in_force_now(tx, tuple(tx.policies.queues)).queues.items()
        for name in facts.missing
    ]
    if gone:
        todo = "install what is missing, or change queues.toml or the switch"
        return Finding("plug-ins", WRONG, "; ".join(said + gone), todo)
    state = WRONG if any(one.out for one in failing) else NOTE if said else OK
    return Finding("plug-ins", state, "; ".join(said) or "every one answers")


def _since(tx: Tx, at: datetime) -> float:
    """Seconds since taskhub's instant ``at``, as workers live them: a demo's hours pass in minutes, or in no time."""
    from taskhub.clock import DemoClock

    passed = tx.real_now - tx.clock.real(at) if isinstance(tx.clock, DemoClock) else tx.now - at
    return max(0.0, passed.total_seconds())
