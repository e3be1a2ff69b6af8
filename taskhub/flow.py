"""The whole flow as one table: topic → handlers and modes; handler → function. Nothing else says who hears what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from taskhub.acts import (
    activate,
    apply_event,
    completed,
    crm_answered,
    lending,
    missed,
    month_end,
    months,
    staffing,
    watch,
)
from taskhub.assignment import experience, passes, pool_states
from taskhub.assignment.shadows.service import WorkOff
from taskhub.connectors.asking import deliver as ask
from taskhub.connectors.looking import health
from taskhub.connectors.looking import service as looking
from taskhub.connectors.pool import Clients
from taskhub.connectors.sending import deliver as sending
from taskhub.connectors.write_back import deliver as work
from taskhub.connectors.write_back import look
from taskhub.db.flow import Flow, Route
from taskhub.db.handler import Handlers, Inside, Together
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.escalation import alerts, asking, unheard, waiting, warnings
from taskhub.escalation import service as escalation
from taskhub.escalation.notifications import dispatch
from taskhub.escalation.notifications.deliver import Deliver
from taskhub.events import fate as events
from taskhub.importing import pieces
from taskhub.sales.duplicates import runs as duplicates
from taskhub.tasks import pausing, periods, timers


def _rotation(_key: str, payload: Mapping[str, Any]) -> str:
    return str(payload["rotation"])


def _source(payload: Mapping[str, Any]) -> str:
    return str(payload.get("source", ""))


def _timer(handler: str) -> tuple[Route, ...]:
    return (Route(handler, "one"),)


def _wake(handler: str) -> tuple[Route, ...]:
    return (Route(handler, "one", earliest=True),)


FLOW: Flow = {
    # intake
    "event.received": (Route("event.apply", source=_source, fate=events.FATE),),
    # what releases before this one would read as something else: its handler has a name that they leave to us
    "event.stated": (Route("event.apply_stated", source=_source, fate=events.FATE),),
    "record.watched": _timer("record.watch"),
    "month.begun": (Route("rule.month"),),
    # what deliveries have left in doubt, and what they may have lost
    "record.dirty": (Route("record.reread", "outside"),),
    "connection.due": (Route("connection.look", "outside"),),
    "webhooks.due": (Route("webhooks.examine", "outside"),),
    "webhooks.lost": (Route("escalation.unheard"),),
    # work comes into being, becomes ready, ends
    "task.created": (),
    "task.ready": (Route("assignment.pass", "one", _rotation, earliest=True),),
    "task.given": (),
    # what a CRM shows of our work: a look once a change has stood a while, a call where something differs
    "work.changed": _timer("crm.look"),
    "crm.work": (Route("crm.work", "outside"),),
    "crm.asked": (Route("crm.ask", "outside"),),
    "crm.answered": (Route("crm.answered"),),
    # signed events for whoever wants to be told; one that wants no more is told of
    "event.leaves": (Route("event.send", "outside"),),
    "sending.stopped": (Route("escalation.unsent"),),
    "task.given_late": (Route("escalation.given_late"),),
    "task.completed": (Route("task.chain"), Route("assignment.learn")),
    "task.approved": (),
    "task.cancelled": (),
    # a second look has ended, and lets go what waited for it
    "check.settled": (Route("task.check"),),
    "check.passed": (Route("task.chain"),),
    "file.changed": _wake("task.file"),
    # somebody can do more, or less
    "agent.freed": _wake("assignment.agent"),
    "agent.changed": (*_wake("assignment.agent"), *_wake("pool.person")),
    "absence.ended": _timer("assignment.back"),
    "rotation.wake": _wake("assignment.wake"),
    "favourite.waited": _wake("assignment.favourite"),
    "pool.look": _wake("pool.look"),
    "duty.changed": _timer("pool.duty"),
    "cool_down.ended": _timer("assignment.cool"),
    # how a queue is served changes
    "queue.changed": _wake("pool.look"),
    "switch.effective": _timer("queue.switch"),
    "lend.began": _timer("queue.lent"),
    "lend.ended": _timer("queue.lend_over"),
    "period.changed": _timer("queue.period"),
    "queue.reorder": _timer("queue.reorder"),
    # what else would have been decided, worked off in pieces
    "shadow.asked": (Route("assignment.shadow", "outside"),),
    # which records stand for the same, worked off in pieces
    "duplicates.asked": (Route("sales.duplicates", "outside"),),
    # files that come in, piece by piece
    "import.step": _timer("import.step"),
    # somebody is asked about a task
    "question.asked": (Route("escalation.asked"),),
    "question.answered": (Route("escalation.answered"),),
    "question.ended": (Route("escalation.unasked"),),
    # clocks
    "clock.due": _timer("task.clock"),
    "offer.expired": _timer("task.offer"),
    "offer.missed": (Route("task.missed"),),
    "task.declined": (Route("escalation.declined"),),
    "lease.expired": _timer("task.lease"),
    "snooze.ended": _timer("task.snooze"),
    "pause.reminder": _timer("task.reminder"),
    "pause.reminded": (Route("escalation.reminded"),),
    "block.ended": _timer("task.block"),
    "task.held": _timer("escalation.held"),
    "sla.warned": (Route("escalation.fall"),),
    "sla.breached": (Route("escalation.fall"),),
    "escalation.step": _timer("escalation.step"),
    "plugin.failed": (Route("escalation.plugin"),),
    # what leaves the house; notification.created is what a version without letters wrote
    "notice.written": _wake("notice.dispatch"),
    "notice.window": _wake("notice.dispatch"),
    "letter.written": (Route("letter.send", "outside"),),
    "notification.created": (Route("notification.deliver", "outside"),),
    # the policies themselves
    "policies.activated": (Route("policies.rederive"),),
}


def _key(function: Any) -> Inside:
    def handle(tx: Tx, row: Taken) -> None:
        function(tx, row.key)

    return handle


def _keys(one: Any, many: Callable[[Tx, Sequence[str]], Sequence[str]]) -> Together:
    def handle(tx: Tx, rows: Sequence[Taken]) -> Sequence[Taken]:
        done = set(many(tx, [row.key for row in rows]))
        return [row for row in rows if row.key in done]

    return Together(_key(one), handle)


def _back(tx: Tx, row: Taken) -> None:
    passes.back(tx, str(row.payload["agent"]))


def _cool(tx: Tx, row: Taken) -> None:
    pool_states.run(tx, str(row.payload["rotation"]))


CLIENTS = Clients()  # a key that one call has fetched serves all others
HANDLERS: Handlers = {
    "event.apply": apply_event.apply_event,
    "event.apply_stated": apply_event.apply_event,
    "record.watch": watch.watch_due,
    "rule.month": months.make,
    "record.reread": looking.Reread(CLIENTS.reaching),
    "connection.look": looking.Look(CLIENTS.reaching),
    "webhooks.examine": health.Examine(CLIENTS.reaching),
    "escalation.unheard": unheard.webhooks_lost,
    "task.chain": completed.task_completed,
    "task.check": completed.check_settled,
    "task.file": _key(timers.file_changed),
    "assignment.pass": _key(pool_states.run),
    "assignment.wake": _key(pool_states.run),
    "assignment.favourite": _key(pool_states.run),
    "pool.look": _key(pool_states.changed),
    "pool.duty": _key(pool_states.changed),
    "pool.person": _key(pool_states.person_changed),
    "assignment.cool": _cool,
    "assignment.agent": _key(passes.of_agent),
    "assignment.back": _back,
    "assignment.shadow": WorkOff(),
    "assignment.learn": _key(experience.completed),
    "sales.duplicates": duplicates.WorkOff(),
    "import.step": _key(pieces.advance),
    "queue.switch": staffing.effective,
    "queue.lent": lending.began,
    "queue.lend_over": lending.ended,
    "queue.period": month_end.changed,
    "queue.reorder": _key(periods.reorder),
    "task.clock": _keys(timers.clock_due, timers.clocks_due),
    "task.offer": _key(timers.offer_expired),
    "task.missed": missed.offer_missed,
    "escalation.declined": warnings.declined,
    "task.lease": _key(timers.lease_expired),
    "task.snooze": _key(timers.snooze_ended),
    "task.block": _key(timers.block_ended),
    "task.reminder": _key(pausing.reminder_due),
    "escalation.fall": _keys(escalation.on_fall, escalation.looks),
    "escalation.step": _keys(escalation.step_due, escalation.looks),
    "escalation.held": _key(escalation.held),
    "escalation.plugin": alerts.plugin_failed,
    "notice.dispatch": _key(dispatch.dispatch),
    "letter.send": Deliver(),
    "escalation.reminded": waiting.reminded,
    "escalation.given_late": waiting.given_late,
    "escalation.asked": asking.asked,
    "escalation.answered": asking.answered,
    "escalation.unasked": asking.ended,
    "notification.deliver": Deliver(),
    "policies.rederive": activate.rederive,
    "crm.look": _key(look.look),
    "crm.work": work.Deliver(CLIENTS),
    "crm.ask": ask.Ask(CLIENTS),
    "crm.answered": crm_answered.answered,
    "event.send": sending.Deliver(),
    "escalation.unsent": unheard.sending_stopped,
}
