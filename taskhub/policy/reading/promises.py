"""sla.toml: what is promised, why work may wait, why it may be skipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from taskhub.calendars.targets import OpenTime, Target, parse_target
from taskhub.policy.promise import ASKING, REP, WAITING_REP, PauseReason, Remind, SlaPolicy
from taskhub.policy.reading.addressees import check_addressees
from taskhub.policy.reading.table import Table, is_number, keyed, shown
from taskhub.policy.reading.vocabulary import SLA_FROM
from taskhub.policy.reading.wording import local, named
from taskhub.policy.text import LocalText

# taskhub itself pauses work for these; their clock runs on, or waiting work could hide.
OWN_REASONS: Mapping[str, LocalText] = {
    "set_aside": LocalText("Set aside", {"fr": "Mise de côté"}),
    "away": LocalText("Away", {"fr": "Absence"}),
}
_HARMLESS = parse_target("1h")


@dataclass(frozen=True, slots=True)
class Promises:
    """Everything sla.toml says."""

    sla: Mapping[str, SlaPolicy] = field(default_factory=dict)
    pause_reasons: Mapping[str, PauseReason] = field(default_factory=dict)
    skip_reasons: Mapping[str, LocalText] = field(default_factory=dict)
    max_paused: int = 30


def read(root: Table) -> Promises:
    """SLA policies, pause reasons, skip reasons."""
    own = {key: PauseReason(key, name, stops_clock=False) for key, name in OWN_REASONS.items()}
    found = Promises(
        sla=keyed(root, "sla", "SLA policy", _policy),
        pause_reasons={**own, WAITING_REP: ASKING, **keyed(root, "pause_reason", "pause reason", _pause)},
        skip_reasons=named(root, "skip_reasons"),
        max_paused=root.whole("max_paused", 30, least=1, most=1_000),
    )
    root.done()
    return found


def _policy(entry: Table, key: str) -> SlaPolicy:
    completion = _target(entry, "completion", required=True) or _HARMLESS
    first_start = _target(entry, "first_start")
    if (
        isinstance(completion, OpenTime)
        and isinstance(first_start, OpenTime)
        and completion.budget < first_start.budget
    ):
        entry.problem(
            "first_start", f"work would have to start within {first_start} but be complete within {completion}."
        )
    return SlaPolicy(
        key=key,
        completion=completion,
        first_start=first_start,
        warn_at=_fractions(entry),
        escalation=entry.ref("escalation", "escalation"),
        sla_from=entry.choice("sla_from", SLA_FROM, SLA_FROM[0]),
    )


def _target(entry: Table, key: str, *, required: bool = False) -> Target | None:
    text = entry.opt_text(key, required=required)
    if text is None:
        return None
    try:
        return parse_target(text)
    except (ValueError, OverflowError) as error:
        entry.problem(key, f"{error}.")
        return None


def _fractions(entry: Table) -> tuple[float, ...]:
    value: Any = entry.take("warn_at")
    if value is None:
        return (0.75,)
    values = value if isinstance(value, list) else [value]
    for index, one in enumerate(values):
        if not (is_number(one) and 0 < one < 1):
            keys = ("warn_at", index) if isinstance(value, list) else ("warn_at",)
            entry.problem(keys, f"warn_at must lie between 0 and 1, such as 0.75, not {shown(one)}.")
            return (0.75,)
    if any(later <= earlier for earlier, later in pairwise(values)):
        entry.problem("warn_at", "the fractions of warn_at must rise, each once.")
    return tuple(float(one) for one in values)


def _pause(entry: Table, key: str) -> PauseReason:
    reason = PauseReason(
        key=key,
        name=local(entry, "name"),
        stops_clock=entry.flag("stops_clock"),
        max_for=entry.opt_duration("max_for"),
        remind=_remind(entry),
    )
    if reason.stops_clock and key in OWN_REASONS:
        entry.problem("stops_clock", f"the clock runs on while work is {key}; waiting work must not hide.")
    if reason.max_for and reason.remind and reason.remind.every >= reason.max_for:
        entry.problem("remind", "the reminder would come only after the longest wait (max_for); make it shorter.")
    return reason


def _remind(entry: Table) -> Remind | None:
    """``"2d"`` reminds the person who waits; ``{ every = "2d", who = ["agent", "leader"] }`` others as well."""
    if not isinstance(entry.data.get("remind"), dict):
        every = entry.opt_duration("remind")
        return Remind(every) if every else None
    table = entry.table("remind")
    if table is None:
        return None
    every = table.opt_duration("every")
    if not table.has("every"):
        table.problem((), 'every is missing; say how often, such as every = "2d".')
    who = table.words("who")
    if table.has("who") and not who:
        table.problem("who", 'nobody would be reminded; name somebody such as "agent", or leave who out.')
    check_addressees(table, "who", who, more=(REP,))
    table.done()
    return Remind(every, who or ("agent",)) if every else None
