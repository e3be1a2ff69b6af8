"""The page of the life cycle, written from the one table by ``python -m tests.service.life_cycle_page``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from taskhub.tasks.lifecycle import SYSTEM, TABLE, Operation
from taskhub.tasks.model import OPEN, STATES

CLOCKS = {
    "start": "starts", "meet_first": "first start met", "pause": "stops, where the reason says so", "run": "runs",
    "stop": "stops for good", "restart": "goes on where it stopped",
}  # fmt: skip
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "life-cycle.md"
HEAD = """# The life cycle of a task

<!-- Written by tests/service/life_cycle_page.py from taskhub/tasks/lifecycle.py; a test sees to it that they agree. -->

`blocked`: made, waits for a date or for others of its file · `queued`: waits for somebody · `assigned`: given, not
started · `in_progress`: started, leased · `paused`: with its person, no lease, with a reason and a next date ·
`completed` · `cancelled`. *Open* means none of the last two.

An operation in a state that is not listed answers 409 `invalid_transition` with the state and who holds the task; with
a token that no longer holds, 409 `lease_lost`; with an old version, 409 `version_clash`.
"""
NOTES = """
Reopened and restored work goes to its last person where they may take it (`assigned`), and back to `blocked` when it
had never become ready; blocked work of another kind stays blocked. A manager needs no token where a manager may act at
all. Every row is one act: one row of history, and, when a person or a program does it, one step of the version.

**Clocks.** Reopened and restored work keeps its start: what was counted stays counted, the time it lay completed or
cancelled does not count, a first start that was met stays met, a breach stays on record, and a date given by hand stays
that date. Handed over late, its clock goes on and its receiver is told. Another kind, priority or policy keeps the time
counted and the time that pauses earned. `due_at` is changed by a manager of the task's people, never by its holder or a
program; the row of history says what it was. [More](../how-to/promises.md).
"""


def page() -> str:
    """The whole page."""
    people = [one for one in TABLE if one.who != SYSTEM]
    workers = [one for one in TABLE if one.who == SYSTEM]
    parts = [HEAD, "## Diagram\n", *_diagram(), "\n## What people and programs do\n", *_table(people)]
    return "\n".join([*parts, NOTES, "## What the workers do\n", *_table(workers)]) + "\n"


def _diagram() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "    [*] --> blocked"
    yield "    [*] --> queued"
    edges: dict[tuple[str, str], list[str]] = {}
    for one in TABLE:
        for state in one.frm if one.to else ():
            edges.setdefault((state, str(one.to)), []).append(one.name)
    for (frm, to), names in sorted(edges.items(), key=lambda edge: [STATES.index(state) for state in edge[0]]):
        if frm != to:
            yield f"    {frm} --> {to}: {', '.join(names)}"
    yield "    completed --> [*]"
    yield "    cancelled --> [*]"
    yield "```"


def _table(rows: list[Operation]) -> Iterator[str]:
    yield "| operation | from | to | who | token | reason | lease | clock | undone by |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for one in rows:
        cells = [
            f"`{one.name}`", _states(one.frm), one.to or "–", one.who, _yes(one.token), _yes(one.reason),
            one.lease if one.lease != "keeps" else "–", CLOCKS.get(one.clock, "–"),
            f"`{one.inverse}`" if one.inverse else "–",
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def _states(states: tuple[str, ...]) -> str:
    return {OPEN: "any open", STATES: "any"}.get(states) or ", ".join(states)


def _yes(value: bool) -> str:
    return "yes" if value else "–"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
