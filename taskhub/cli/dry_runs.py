"""``config dry-run``: what other files would have done with the last days, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import typer

from taskhub.cli.output import as_facts, as_table

if TYPE_CHECKING:
    from taskhub.acts.comparing import Difference
    from taskhub.acts.dry_run import Findings, Moved
    from taskhub.assignment.shadow import Shown

EXAMPLES = 10
NOTES = (
    "Events are planned again from what was known of their records before; a field overwritten since is missing first.",
    "What was never made is followed as if it had been done without an outcome: rules that ask for one are left out.",
    "Rules that wait are asked of records something was said of while they wait; of dates, within the last year.",
    "Decisions are asked with the people, pools and presence of their moment; who was not looked at then stays out.",
)


def as_data(found: Findings, today: str, files: str) -> dict[str, Any]:
    """The whole answer; names and shapes stay as they are."""
    return {
        "since": found.since, "until": found.until, "policies": {"today": today, "files": files},
        "looked_at": {"events": found.events, "completions": found.completions, "tasks": found.tasks},
        "complete": found.complete, "replay": {"planned": found.planned, "as_made": found.as_made},
        "tasks": {**_counts(found), "differences": [_difference(one) for one in found.differences]},
        "due": {**_due_counts(found.due), "differences": [_moved(one) for one in found.due]},
        "kinds_gone": dict(found.gone),
        "decisions": _decisions(found.queues, found.decisions),
        "notes": list(NOTES),
    }  # fmt: skip


def show(found: Findings, today: str, files: str) -> None:
    """Counts first, then some of each."""
    as_facts((
        ("since", found.since), ("policies", f"{today[:12]} today, {files[:12]} in the files"),
        ("looked at", f"{found.events} events, {found.completions} completions, {found.tasks} tasks"),
        ("replay", f"{found.as_made} of {found.planned} tasks that today's files ask for were really made"),
    ))  # fmt: skip
    if not found.complete:
        typer.echo("There is more than was looked at: choose a shorter time.")
    _tasks(found)
    _dues(found)
    if found.decisions is not None:
        _decided(found.queues, found.decisions)
    typer.echo("")
    for note in NOTES:
        typer.echo(f"note: {note}")


def _tasks(found: Findings) -> None:
    counts = _counts(found)
    head = f"Tasks: {counts['created']} more, {counts['not_created']} fewer, {counts['changed']} otherwise"
    typer.echo(f"\n{head} ({', '.join(f'{n} {name}' for name, n in counts['fields'].items()) or 'no field'})")
    rows = [
        (_what(one), one.rule, one.kind, one.queue, one.title[:60], _fields(one)) for one in _some(found.differences)
    ]
    _table(("", "rule", "kind", "queue", "title", "today -> files"), rows, len(found.differences))
    for kind, count in found.gone.items():
        typer.echo(f"{count} tasks are of kind {kind}, which the files no longer have")


def _dues(found: Findings) -> None:
    counts = _due_counts(found.due)
    typer.echo(
        f"\nDue times: {counts['earlier']} earlier, {counts['later']} later, {counts['new']} new, {counts['none']} none"
    )
    rows = [(one.task, one.kind, one.queue, one.was, one.now) for one in found.due[:EXAMPLES]]
    _table(("task", "kind", "queue", "today", "files"), rows, len(found.due))


def _decided(queues: Sequence[str], shown: Shown) -> None:
    said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in shown.verdicts.items() if count)
    typer.echo(f"\nDecisions in {', '.join(queues)}: {said or 'none'}")
    people = [(key, was, now, now - was) for key, (was, now) in sorted(shown.people.items())]
    _table(("person", "got", "would have got", "difference"), people, len(people))


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]], count: int) -> None:
    if rows:
        as_table(head, rows)
    if count > len(rows):
        typer.echo(f"and {count - len(rows)} more: --json shows all")


def _some(differences: Iterable[Difference]) -> list[Difference]:
    """Some of each sort."""
    seen: Counter[str] = Counter()
    chosen = []
    for one in differences:
        seen[one.what] += 1
        if seen[one.what] <= EXAMPLES:
            chosen.append(one)
    return sorted(chosen, key=lambda one: one.what)


def _counts(found: Findings) -> dict[str, Any]:
    what = Counter(one.what for one in found.differences)
    fields = Counter(name for one in found.differences for name in one.fields or ())
    return {
        **{name: what[name] for name in ("created", "not_created", "changed")},
        "fields": dict(sorted(fields.items())),
    }


def _due_counts(due: Iterable[Moved]) -> dict[str, int]:
    counts = Counter(
        "new" if one.was is None else "none" if one.now is None else "earlier" if one.now < one.was else "later"
        for one in due
    )
    return {name: counts[name] for name in ("earlier", "later", "new", "none")}


def _difference(one: Difference) -> dict[str, Any]:
    fields = {name: {"today": was, "files": now} for name, (was, now) in (one.fields or {}).items()}
    names = ("what", "cause", "at", "rule", "kind", "queue", "title", "task")
    return {**{name: getattr(one, name) for name in names}, "fields": fields, "assumed": one.assumed}


def _what(one: Difference) -> str:
    return one.what.replace("_", " ") + " then" * one.assumed


def _moved(one: Moved) -> dict[str, Any]:
    said = {name: getattr(one, name) for name in ("task", "kind", "queue", "title")}
    return {**said, "today": one.was, "files": one.now}


def _fields(one: Difference) -> str:
    return ", ".join(f"{name}: {was} -> {now}" for name, (was, now) in (one.fields or {}).items()) or "-"


def _decisions(queues: Sequence[str], shown: Shown | None) -> dict[str, Any] | None:
    if shown is None:
        return None
    rows = (one for some in shown.examples.values() for one in some)
    return {
        "queues": list(queues), "since": shown.since, "complete": shown.complete, "asked": shown.decisions,
        "verdicts": dict(shown.verdicts), "waiting_reasons": dict(shown.reasons), "not_asked": dict(shown.unknown),
        "people": {key: {"got": was, "would_have_got": now} for key, (was, now) in sorted(shown.people.items())},
        "examples": [
            {"task": one.task, "queue": one.queue, "verdict": one.verdict, "was": one.was, "now": one.now,
             "reasons": list(one.reasons)}
            for one in rows
        ],
    }  # fmt: skip
