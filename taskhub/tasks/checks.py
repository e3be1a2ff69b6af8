"""Judgements on what a person asks for: reasons, dates, patches. Errors say what would be valid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from taskhub.calendars import BusinessCalendar
from taskhub.db.tx import Tx
from taskhub.errors import AtCapacity, Conflict, InvalidInput, TaskhubError
from taskhub.events.times import written
from taskhub.policy.policies import Policies
from taskhub.policy.promise import PauseReason
from taskhub.policy.work import PRIORITIES
from taskhub.tasks import moves, queries, store
from taskhub.tasks.model import VERDICTS, WRONG, Task

LATEST_PAUSE = timedelta(days=366)
NEXT_LOOK = timedelta(hours=24)
LONGEST_NOTE = 20_000
SHOWN = 5
PATCHABLE = ("checklist", "note", "priority", "data", "due_at")


def skip_reason(policies: Policies, queue: str, reason: str) -> None:
    """Skipping takes a reason from the queue's list, else from the house's; any where there is neither."""
    own = policies.queues[queue].skip_reasons if queue in policies.queues else {}
    known = tuple(own) or policies.skip_reasons
    if known and reason not in known:
        raise InvalidInput(
            f"{reason!r} is no reason to skip. Reasons: {', '.join(known)}.", code="unknown_reason",
            reasons=list(known),
        )  # fmt: skip


def skip_budget(tx: Tx, task: Task) -> None:
    """Skips of one person and day stay within what the queue allows, where it sets a limit.

    Counted under the person's lock: of skips in two tabs the second sees the first.
    """
    queue = tx.policies.queues.get(task.queue)
    if queue is None or queue.skip_budget is None:
        return
    store.lock_agent(tx, tx.by.agent or "")
    zone = ZoneInfo(tx.policies.calendar_of(queue.key).tz)
    today = tx.now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    skipped = queries.skipped_since(tx, tx.by.label, queue.key, today)
    if skipped >= queue.skip_budget:
        again = (today + timedelta(days=1)).astimezone(UTC)
        raise Conflict(
            f"You have skipped {skipped} tasks of {queue.name} today, all it allows; again from {written(again)}. "
            "Do it, pause it or hand it over.",
            code="skip_budget_used", budget=queue.skip_budget, renews_at=written(again),
        )  # fmt: skip


def pause_reason(policies: Policies, reason: str) -> PauseReason:
    """The pause reason of that key."""
    found = policies.pause_reasons.get(reason)
    if found is None:
        known = sorted(policies.pause_reasons)
        raise InvalidInput(
            f"{reason!r} is no reason to pause. Reasons: {', '.join(known)}.", code="unknown_reason", reasons=known
        )
    return found


def pause_until(
    policies: Policies, kind: PauseReason, until: datetime | None, now: datetime, calendar: BusinessCalendar
) -> datetime:
    """The next date of a pause: what was asked for, within what the reason allows; else the longest it allows."""
    limit = now + (kind.max_for or LATEST_PAUSE)
    if until is None:
        return limit if kind.max_for else calendar.add(now, NEXT_LOOK)
    if until <= now:
        raise InvalidInput("until lies in the past; name an instant to come.", code="until_in_past")
    if until > limit:
        raise InvalidInput(
            f"A pause for {kind.key!r} may last until {written(limit)}.", code="pause_too_long",
            latest=written(limit),
        )  # fmt: skip
    return until


def room_to_pause(tx: Tx, agent: str) -> None:
    """Nobody collects paused work without end; the person is locked, so that two tabs do not pass together."""
    paused, most = queries.paused_by(tx, agent), tx.policies.max_paused
    if len(paused) >= most:
        raise AtCapacity(
            f"You have {len(paused)} paused tasks, the most one person may keep. Resume, complete or hand over one "
            "first: could_resume names those that have waited longest.",
            code="too_many_paused", paused=len(paused), max_paused=most,
            could_resume=[{"id": row.id, "title": row.title} for row in paused[:SHOWN]],
        )  # fmt: skip


def has_room(tx: Tx, agent: str, queue: str) -> bool:
    """Whether one more task of ``queue`` fits; locks the person."""
    try:
        moves.room_for(tx, agent, queue=queue)
    except TaskhubError:
        return False
    return True


def patched(task: Task, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns a PATCH changes."""
    wanted: dict[str, Any] = {}
    if "checklist" in changes:
        wanted["checklist"] = ticked(task.checklist, changes["checklist"])
    if "note" in changes:
        wanted["note"] = changes["note"]
    if "data" in changes:
        wanted["data"] = {**task.data, **changes["data"]}
    if "priority" in changes:
        wanted["priority"] = priority(changes["priority"])
    if "due_at" in changes:
        wanted |= {"due_at": changes["due_at"], "explicit_due": changes["due_at"] is not None}
    return wanted


def kept(task: Task, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The columns a PATCH is about to change, as they are, fit for JSON."""
    old = {name: getattr(task, name) for name in wanted}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in old.items()}


def restored(old: Mapping[str, Any]) -> dict[str, Any]:
    """Inverse of ``kept``."""
    due = old.get("due_at")
    return {**old, "due_at": datetime.fromisoformat(due)} if isinstance(due, str) else dict(old)


def priority(name: str) -> int:
    """The number of a priority."""
    if name not in PRIORITIES:
        raise InvalidInput(f"{name!r} is no priority. Priorities: {', '.join(PRIORITIES)}.", code="unknown_priority")
    return PRIORITIES.index(name)


def ticked(items: list[dict[str, Any]], marks: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The checklist with marks applied: ``{item, done?, not_applicable?, value?}``, each by its item number."""
    new = {int(i["item"]): dict(i) for i in items}
    for mark in marks:
        found = new.get(mark.get("item", -1))
        if found is None:
            raise InvalidInput(
                f"The checklist has no item {mark.get('item')!r}.", code="unknown_item", items=sorted(new)
            )
        if mark.get("not_applicable") is not None and not str(mark["not_applicable"]).strip():
            raise InvalidInput("An item is not applicable for a reason: say which.", code="reason_missing")
        found.update({k: mark[k] for k in ("done", "not_applicable", "value") if k in mark})
    return [new[number] for number in sorted(new)]


def verdict(task: Task, outcome: str | None, note: str | None) -> None:
    """A check ends as right, or as wrong with what is wrong in ``note``."""
    if task.checks is None:
        return
    if outcome not in VERDICTS:
        raise InvalidInput(
            f"This task checks another one: its outcome is {' or '.join(VERDICTS)}.",
            code="unknown_outcome", outcomes=list(VERDICTS), checks=task.checks,
        )  # fmt: skip
    if outcome == WRONG and not (note or task.note or "").strip():
        raise InvalidInput("Say in note what is wrong: whoever does it again reads it.", code="reason_missing")
