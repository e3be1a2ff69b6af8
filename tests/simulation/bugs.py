"""Faults planted on purpose, to prove that the simulation sees: each a small patch of one module's source.

Chosen and committed before the checks were tuned. A fault is put in while its module is loaded, in a process of its
own; nothing on disk changes.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType


@dataclass(frozen=True, slots=True)
class Bug:
    """``old`` stands once in ``module`` and becomes ``new``; ``breaks`` is the promise that no longer holds."""

    name: str
    module: str
    old: str
    new: str
    breaks: str


TASKS, CLAIM, DB = "taskhub.tasks.", "taskhub.assignment.", "taskhub.db."
BUGS: tuple[Bug, ...] = (
    # leases
    Bug("lease.any-token", TASKS + "lifecycle", "or caller.token is None or caller.token != lease.token:",
        "or caller.token is None:", "nothing is written under a dead token"),
    Bug("lease.token-stands-still", TASKS + "store", '"value": counter.c.value + 1', '"value": counter.c.value',
        "tokens grow"),
    Bug("lease.outlives-the-task", TASKS + "moves", "        store.end_lease(tx, task.id)\n", "",
        "a task that is done is not held"),
    Bug("lease.kept-by-assign", TASKS + "lifecycle",
        '"assign", (QUEUED, *GIVEN), ASSIGNED, MANAGER, lease="ends"', '"assign", (QUEUED, *GIVEN), ASSIGNED, MANAGER',
        "a gift ends the lease of the one before"),
    Bug("lease.ends-early", TASKS + "timers", "    if lease.expires_at > tx.now:", "    if lease.expires_at < tx.now:",
        "a renewed lease lives on"),
    Bug("lease.looked-at-once", TASKS + "timers",
        '        tx.emit("lease.expired", task_id, due_at=lease.expires_at)\n', "",
        "a renewed lease is looked at again"),
    Bug("lease.without-timer", TASKS + "moves",
        '    tx.emit("lease.expired", task.id, due_at=lease.expires_at)\n', "", "every lease ends some day"),
    Bug("lease.renews-one", TASKS + "service", '    store.renew_all(tx, task.agent or "", until)\n', "",
        "a live screen keeps all its work"),
    Bug("lease.hold-returns", TASKS + "timers", 'queue.on_idle == "return":', 'queue.on_idle != "return":',
        "held work stays with its person"),
    Bug("lease.no-grace", TASKS + "timers", "for row, until in terms if row.expires_at < until",
        "for row, until in terms if row.expires_at > until", "after an outage leases get a new term"),
    # who gets what
    Bug("claim.one-too-many", TASKS + "moves", "if len(held) + counts > person.capacity:",
        "if len(held) + counts > person.capacity + 1:", "nobody holds more than fits"),
    Bug("claim.full-takes-one", CLAIM + "claim", "return FULL if me.held >= fits", "return FULL if me.held > fits",
        "nobody holds more than fits"),
    Bug("claim.forgets-exclusions", CLAIM + "take",
        "filters = [~exists().where(exclusion.c.task == task.c.id, exclusion.c.agent == person.key, holds)]",
        "filters = []", "what was declined is not offered again within the cool-down"),
    Bug("claim.last-first", CLAIM + "take",
        "order_by(merged.c.start_by, merged.c.created_at, merged.c.id).limit(each * 4)",
        "order_by(merged.c.start_by.desc(), merged.c.created_at, merged.c.id).limit(1)",
        "the most urgent goes first"),
    Bug("claim.own-work-waits", CLAIM + "take", "or_(task.c.state == ASSIGNED, ended)", "ended",
        "one's own work goes first"),
    Bug("claim.while-busy", CLAIM + "claim", '!= "available":\n        return NOT_AVAILABLE',
        '== "offline":\n        return NOT_AVAILABLE', "only who is available gets work"),
    Bug("claim.no-cool-down", TASKS + "service", "        keep_off(tx, task, queue)\n    return moves.back_to_queue",
        "        pass\n    return moves.back_to_queue", "released work goes to somebody else first"),
    Bug("presence.takes-pinned", TASKS + "timers", "if task.state == ASSIGNED and not task.pinned:",
        "if task.state == ASSIGNED:", "what a manager gave stays"),
    Bug("offer.never-returns", TASKS + "timers", '    if until > tx.now:\n        tx.emit("offer.expired"',
        '    if until > task.given_at:\n        tx.emit("offer.expired"', "an offer nobody starts goes on"),
    Bug("wake.freed-person", TASKS + "moves", '        tx.emit("agent.freed", agent, {"agent": agent})\n',
        "        pass\n", "who has room gets what waits"),
    # a call is done once
    Bug("once.reply-lost", DB + "idempotency",
        "update(idempotency).where(_is(call)).values(status=status, reply=reply)",
        'update(idempotency).where(_is(call)).values(status=status, reply=b"{}")', "the same key, the same reply"),
    Bug("once.claims-again", CLAIM + "claim", "idempotency.find(tx.conn, call, tx.real_now) if call else None",
        "None", "a claim sent twice takes one task"),
    Bug("once.any-body", DB + "idempotency", "    if fingerprint != call.fingerprint:", "    if not fingerprint:",
        "a key belongs to one request"),
    Bug("once.forgets-soon", DB + "idempotency", "KEPT_FOR = timedelta(hours=24)", "KEPT_FOR = timedelta(minutes=1)",
        "replies are kept for a day"),
    Bug("once.drops-what-was-done", "taskhub.http.once", "    if kept:\n", "    if not kept:\n",
        "an act sent twice happens once"),
    Bug("once.strangers-share", DB + "idempotency",
        "return (c.caller == call.caller) & (c.route == call.route)", "return (c.route == call.route)",
        "keys of two callers are two keys"),
    # an event counts once
    Bug("event.announced-twice", "taskhub.events.service", "    if status == ACCEPTED:\n        _emit",
        "    if status:\n        _emit", "a repeated delivery does nothing"),
    Bug("event.new-body-by-age", "taskhub.events.service", "    if len(fresh) < len(rows):", "    if not rows:",
        "another body under a known id is refused"),
    Bug("event.old-news-win", "taskhub.sales.projection",
        "if name not in state.versions or version > state.versions[name]", "if True", "the newest change counts"),
    Bug("event.closing-forgotten", TASKS + "endings",
        "    if made.known or (made.fresh and store.remembered(tx, about)):", "    if not about:",
        "what came late ends as it would have"),
    Bug("event.origin-by-task", "taskhub.rules.drafts", "str(record) if once else cause.key)",
        "cause.key)", "once per record means once"),
    # the ledger
    Bug("ledger.takes-the-held", DB + "looks", "free = or_(c.token.is_(None), c.until <= NOW)",
        "free = or_(c.token.is_(None), c.until > NOW, c.until <= NOW)", "one worker holds a row at a time"),
    Bug("ledger.settles-for-others", DB + "ledger", "AND token = :token AND done_at",
        "AND (token = :token OR :token <> '') AND done_at", "a dead token settles nothing"),
    Bug("ledger.prolongs-for-others", DB + "ledger", "c.token.in_({row.token for row in rows}), OPEN)", "OPEN)",
        "a dead token prolongs nothing"),
    Bug("ledger.tries-uncounted", DB + "ledger", "values(token=new_id(), until=until, attempts=c.attempts + 1,",
        "values(token=new_id(), until=until, attempts=c.attempts,", "every try counts"),
    Bug("ledger.gives-back-counted", DB + "ledger", '"attempts": row.attempts - 1', '"attempts": row.attempts',
        "what was given back was no try"),
    Bug("ledger.buries-the-living", DB + "deaths", "c.token.is_not(None), c.until <= now, spent)",
        "c.token.is_not(None), spent)", "who still works is not declared dead"),
    Bug("ledger.never-buries", DB + "deaths", "else_=c.attempts >= TRIES)\n    return",
        "else_=c.attempts > TRIES)\n    return", "a row is dead after three tries"),
    Bug("ledger.cancels-nothing", DB + "tx", "        if self._cancelled:\n", "        if not self.act_id:\n",
        "a cancelled timer is gone"),
    Bug("ledger.timer-stays", DB + "outbox", "if earliest else new.due_at", "if earliest else c.due_at",
        "a timer armed anew has the new time"),
    Bug("worker.never-settles", "taskhub.workers.runner",
        '            failpoint("runner.worked")\n            _settle(tx, row)\n',
        '            failpoint("runner.worked")\n', "a row is worked on once"),
    # clocks and timers
    Bug("clock.falls-early", "taskhub.sla.times", "_unrecorded(clock, calendar) if at <= now)",
        "_unrecorded(clock, calendar) if at <= now + timedelta(minutes=30))", "nothing falls due early"),
    Bug("clock.falls-again", TASKS + "clocks", "clocks[index] = sla.record(clocks[index], fall, at)",
        "clocks[index] = clocks[index]", "a breach is put on record once"),
    Bug("clock.falls-in-silence", TASKS + "timers",
        '    tx.emit(topic, task.id, {"target": target, "at": at.isoformat()})\n', "", "a breach is announced"),
    Bug("clock.runs-in-pauses", TASKS + "pausing", "stops=bool(kind and kind.stops_clock)", "stops=False",
        "waiting for the customer costs no time"),
    Bug("clock.pause-left-open", TASKS + "service",
        "    if task.state == PAUSED:\n        store.end_pause(tx, task)\n", "    if task.state == PAUSED:\n",
        "the clock of resumed work runs"),
    # undo and history
    Bug("undo.twice", "taskhub.acts.undo", "    acts.undone(tx.conn, act_id, tx.act_id)\n", "",
        "an act is undone once"),
    Bug("undo.whatever-came-after", DB + "acts", "return conn.execute(after.limit(1)).first() is not None",
        "return False", "undo is refused once the world has moved on"),
    Bug("undo.of-others", "taskhub.acts.undo", "one is None or one.by != tx.by.label or", "one is None or",
        "everybody undoes their own acts only"),
    Bug("undo.leaves-followers", "taskhub.acts.undo", "    followers.withdraw(tx, task.id)\n", "",
        "undo takes back what followed"),
    Bug("history.workers-raise-versions", TASKS + "moves",
        "task.version + 1 if tx.by.is_person and act not in OF_ITSELF else",
        "task.version + 1 if act not in OF_ITSELF else", "a version rises with acts of people only"),
    Bug("history.silent-workers", DB + "tx", "        if self._history:\n            history.write",
        "        if self._history and self.by.is_person:\n            history.write", "every change is on record"),
)  # fmt: skip
BY_NAME = {bug.name: bug for bug in BUGS}


class _Loader(SourceFileLoader):
    """Loads one module with its fault in it."""

    def __init__(self, fullname: str, path: str, bug: Bug) -> None:
        super().__init__(fullname, path)
        self._bug = bug

    def get_code(self, fullname: str) -> CodeType:
        """From the source, never from a compiled file."""
        source = self.get_data(self.path).decode()
        return compile(faulty(source, self._bug), self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    def __init__(self, bug: Bug) -> None:
        self._bug = bug

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._bug.module:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        assert found is not None
        assert found.origin is not None
        return importlib.util.spec_from_file_location(
            fullname, found.origin, loader=_Loader(fullname, found.origin, self._bug)
        )


def faulty(source: str, bug: Bug) -> str:
    """``source`` with the fault in it. Raises ValueError when the place is not there, or there twice."""
    if source.count(bug.old) != 1:
        raise ValueError(f"{bug.name}: its place stands {source.count(bug.old)} times in {bug.module}")
    return source.replace(bug.old, bug.new)


def plant(name: str) -> Bug:
    """From now on this process loads the module with the fault; it must not have been loaded before."""
    bug = BY_NAME[name]
    assert bug.module not in sys.modules, f"{bug.module} is loaded already"
    sys.meta_path.insert(0, _Finder(bug))
    return bug
