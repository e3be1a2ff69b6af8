"""pipelines.toml: the stages of leads and deals, named and explained."""

from __future__ import annotations

import re

from taskhub.policy.policies import Pipeline, Stage
from taskhub.policy.reading.table import Table, declare, keyed, shown
from taskhub.policy.reading.wording import local, named, opt_local

MOST_STAGES = 7
MOST_KEY_FIELDS = 5
OWN = ("stage", "pipeline", "lost reason")
_CURRENCY = re.compile(r"[A-Z]{3}")


def read(root: Table) -> dict[str, Pipeline]:
    """Every pipeline by its key."""
    found = keyed(root, "pipeline", "pipeline", _pipeline)
    root.done()
    return found


def _pipeline(entry: Table, key: str) -> Pipeline:
    noun = entry.opt_choice("noun", ("lead", "deal"), required=True) or ""
    if not noun:
        entry.findings.shaky.update(f"{one} {what}" for one in ("lead", "deal") for what in OWN)
    reasons = named(entry, "lost_reasons")
    for reason in reasons:
        entry.findings.declare(f"{noun} lost reason", reason, entry.place("lost_reasons"))
    entry.findings.declare(f"{noun} pipeline", key, entry.place("key"))
    return Pipeline(
        key=key,
        name=local(entry, "name"),
        noun=noun,
        stages=_stages(entry, noun),
        lost_reasons=tuple(reasons),
        currency=_currency(entry),
        lost_reason_names=reasons,
    )


def _stages(entry: Table, noun: str) -> tuple[Stage, ...]:
    found: dict[str, Stage] = {}
    entries = entry.tables("stages", required=True)
    for one in entries:
        key = declare(one, f"{noun} stage", again=True) or ""
        stage = _stage(one, key)
        one.done()
        if key in found:
            one.problem("key", f"this pipeline already has a stage {shown(key)}; rename or remove one.")
        elif key:
            found[key] = stage
    if entry.data.get("stages") == []:
        entry.problem("stages", "a pipeline needs at least one stage.")
    if len(entries) > MOST_STAGES:
        message = f"{len(entries)} stages; people keep track of {MOST_STAGES} at most."
        entry.findings.warn(entry.place("stages"), message)
    return tuple(found.values())


def _stage(entry: Table, key: str) -> Stage:
    stage = Stage(
        key=key,
        name=local(entry, "name"),
        meaning=opt_local(entry, "meaning"),
        guidance=opt_local(entry, "guidance"),
        key_fields=entry.words("key_fields"),
        required_fields=entry.words("required_fields"),
    )
    if len(stage.key_fields) > MOST_KEY_FIELDS:
        message = f"{len(stage.key_fields)} key fields; more than {MOST_KEY_FIELDS} are not looked at."
        entry.findings.warn(entry.place("key_fields"), message)
    return stage


def _currency(entry: Table) -> str | None:
    text = entry.opt_text("currency")
    if text is None or _CURRENCY.fullmatch(text):
        return text
    entry.wrong("currency", "a currency code of three capital letters such as EUR", text)
    return None
