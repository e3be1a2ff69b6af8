"""pipelines.toml: the stages of leads and deals, named and explained."""

from __future__ import annotations

from taskhub.policy.currencies import DECIMALS
from taskhub.policy.policies import Pipeline, Stage
from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.table import Table, declare, keyed, shown
from taskhub.policy.reading.wording import local, named, opt_local

MOST_STAGES = 7
MOST_KEY_FIELDS = 5
OWN = ("stage", "pipeline", "lost reason")
LONGEST_STAY = 3660.0  # days


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
        follow_up=entry.ref("follow_up", "kind"),
        required_to_convert=_to_convert(entry, noun),
    )


def _to_convert(entry: Table, noun: str) -> tuple[str, ...]:
    names = _fields(entry, "required_to_convert", "lead")
    if names and noun == "deal":
        entry.problem("required_to_convert", "only leads are converted; name it in a pipeline of leads.")
    return names


def _fields(entry: Table, key: str, noun: str) -> tuple[str, ...]:
    """Names of fields; one that looks like a misspelt field of ours is doubted once everything is read."""
    names = entry.words(key)
    entry.findings.paths.extend((entry.place(key), f"{noun}.{name}") for name in names)
    return names


def _stages(entry: Table, noun: str) -> tuple[Stage, ...]:
    found: dict[str, Stage] = {}
    entries = entry.tables("stages", required=True)
    for one in entries:
        key = declare(one, f"{noun} stage", again=True) or ""
        stage = _stage(one, key, noun)
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


def _stage(entry: Table, key: str, noun: str) -> Stage:
    stage = Stage(
        key=key,
        name=local(entry, "name"),
        meaning=opt_local(entry, "meaning"),
        guidance=opt_local(entry, "guidance"),
        key_fields=_fields(entry, "key_fields", noun),
        required_fields=_fields(entry, "required_fields", noun),
        expected_days=entry.opt_number("expected_days", most=LONGEST_STAY),
    )
    if len(stage.key_fields) > MOST_KEY_FIELDS:
        message = f"{len(stage.key_fields)} key fields; more than {MOST_KEY_FIELDS} are not looked at."
        entry.findings.warn(entry.place("key_fields"), message)
    return stage


def _currency(entry: Table) -> str | None:
    text = entry.opt_text("currency")
    if text is None or text in DECIMALS:
        return text
    message = f"currency must be a code of three capital letters in use such as EUR, not {shown(text)}."
    entry.problem("currency", message, nearest(text.upper(), DECIMALS))
    return None
