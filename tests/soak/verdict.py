"""What a long soak came to: a figure a line, each beside its bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.soak import gauges
from tests.soak.long import Plan, Seen

GROWTH, DRIFT, DEAD = 0.05, 0.20, 0.20


class Line(NamedTuple):
    """One figure; ``holds`` None where there is no bar."""

    what: str
    figure: str
    bar: str = ""
    holds: bool | None = None


def lines(plan: Plan, seen: Seen) -> list[Line]:
    """Everything, in the order in which it is asked for."""
    return [*_done(plan, seen), *_memory(plan, seen), _drift(seen), *_tables(plan, seen), *_wrong(seen)]


def table(found: Sequence[Line]) -> str:
    """A Markdown table with a verdict a line."""
    words = {None: "", True: "yes", False: "**no**"}
    rows = [("figure", "measured", "bar", "holds"), ("---",) * 4]
    rows += [(one.what, one.figure, one.bar, words[one.holds]) for one in found]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _done(plan: Plan, seen: Seen) -> Iterator[Line]:
    span = seen.until - seen.since
    events = sum(notes.events for notes in seen.notes)
    completed = sum(notes.completed for notes in seen.notes)
    yield Line("as fast as it goes", f"{seen.capacity:.1f} turns a second")
    yield Line("then", f"{span / 60:.1f} min at {events / span:.1f} a second ({plan.part:.0%} asked for)")
    yield Line("events, claims, completions", f"{events:,}, {len(seen.claims):,}, {completed:,}")


def _memory(plan: Plan, seen: Seen) -> Iterator[Line]:
    for name, samples in seen.memory.items():
        grown = gauges.growth(samples, seen.since + plan.warm, seen.until)
        what = f"memory of the {name} from minute {plan.warm / 60:.0f} on"
        yield Line(what, f"{samples[-1][1]:.0f} MB, {grown:+.1%}", f"≤ +{GROWTH:.0%}", grown <= GROWTH)


def _drift(seen: Seen) -> Line:
    first, last = gauges.drift(seen.claims, seen.since, seen.until)
    drift = last / first - 1 if first else 0.0
    figure = f"{first:.1f} → {last:.1f} ms, {drift:+.0%}"
    return Line("p99 of claims, first and last quarter", figure, f"≤ +{DRIFT:.0%}", bool(last) and drift <= DRIFT)


def _tables(plan: Plan, seen: Seen) -> Iterator[Line]:
    worst = gauges.worst([look for at, look in seen.tables if at >= seen.since + plan.warm])
    for name, one in sorted(seen.tables[-1][1].items()):
        part = worst.get(name)
        size = f"{one.megabytes:.1f} MB, {one.alive:,} rows"
        if part is None:
            yield Line(f"dead rows of {name}", f"{one.dead:,}; {size} (too small for a part)")
        else:
            yield Line(f"dead rows of {name}", f"at most {part:.0%}; {size}", f"≤ {DEAD:.0%}", part <= DEAD)


def _wrong(seen: Seen) -> Iterator[Line]:
    answers = [one for notes in seen.notes for one in notes.wrong]
    yield Line("answers that are no answer", str(len(answers)), "0", not answers)
    yield Line(f"invariants, asked {seen.asked} times and at the end", f"{len(seen.broken)} broken", "0",
               not seen.broken)  # fmt: skip
