"""From config texts to an accepted policy set, or to every problem at once. Pure: who calls reads the files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from taskhub.errors import PolicyError, Problem
from taskhub.ids import digest
from taskhub.policy import chains, doubts, sense, waits
from taskhub.policy.policies import Connection, Pipeline, Policies
from taskhub.policy.reading import connections, duplicates, hours, kinds, ladders, paths, promises, queues, rules
from taskhub.policy.reading.findings import Findings, Place
from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.sheet import Sheet, open_sheet
from taskhub.policy.reading.table import Table
from taskhub.policy.text import LocalText

Check = Callable[[Policies], Iterable[Problem]]

# What each file declares: when it cannot be read, nothing is concluded about these names.
FILES: Mapping[str, tuple[str, ...]] = {
    "kinds.toml": ("kind",),
    "queues.toml": ("queue",),
    "rules.toml": ("rule",),
    "sla.toml": ("SLA policy", "pause reason"),
    "calendars.toml": ("calendar",),
    "escalation.toml": ("escalation",),
    "pipelines.toml": ("pipeline", *(f"{noun} {what}" for noun in ("lead", "deal") for what in paths.OWN)),
    "connections.toml": ("connection",),
    "duplicates.toml": (),
}
REQUIRED = ("kinds.toml", "queues.toml", "calendars.toml")
OWN_CHECKS: tuple[Check, ...] = (sense.check, chains.check, waits.check)


@dataclass(frozen=True, slots=True)
class Known:
    """Names a policy set may use beyond its own files. ``teams`` and ``agents`` None: nobody looked, no warnings.

    ``gone``: a set that was accepted once may name strategies and models that are no longer installed.
    """

    strategies: frozenset[str]
    models: frozenset[str]
    orders: frozenset[str] = frozenset({"urgency"})
    teams: frozenset[str] | None = None
    agents: frozenset[str] | None = None
    gone: bool = False


def load(
    texts: Mapping[str, str],
    *,
    known: Known,
    checks: Sequence[Check] = (),
    doubting: Sequence[Check] = (),
    resolved: Mapping[str, Any] | None = None,
) -> Policies:
    """The set that ``texts`` (file name → TOML) make. Raises PolicyError with every problem found.

    ``checks`` are what other rooms have to say, ``doubting`` the same as warnings; what they find with line 0 gets the
    line of its key. ``resolved`` is the stored form of an accepted set: it stays what it was under a newer library of
    holidays.
    """
    findings = Findings()
    sheets = _open(texts, findings)
    draft = _read(sheets, known, resolved or {}, findings)
    findings.settle()
    for check in OWN_CHECKS:
        findings.problems.extend(_placed(problem, sheets) for problem in check(draft))
    for check in checks:
        _ask(check, draft, sheets, findings)
    if findings.problems:
        raise PolicyError(_in_order(findings.problems))
    findings.warnings.extend(doubts.fields(draft, findings.paths))
    noted = [*doubts.check(draft), *doubts.absent(draft, known.teams, known.agents)]
    noted += [doubt for check in doubting for doubt in check(draft)]
    findings.warnings.extend(_placed(warning, sheets) for warning in noted)
    return replace(draft, hash=fingerprint(texts, draft.resolved), warnings=_in_order(findings.warnings))


def fingerprint(texts: Mapping[str, str], resolved: Mapping[str, Any]) -> str:
    """The name of a set: 32 hex characters over its texts (whatever their line ends) and its resolved form."""
    plain = {file: text.removeprefix("\ufeff").replace("\r\n", "\n") for file, text in texts.items()}
    parts = [part for file in sorted(plain) for part in (file, plain[file])]
    return digest(*parts, json.dumps(resolved, sort_keys=True, separators=(",", ":")))


def _open(texts: Mapping[str, str], findings: Findings) -> dict[str, Sheet]:
    for file in sorted(texts.keys() - FILES.keys()):
        message = f"taskhub reads no file of this name; it reads {', '.join(FILES)}."
        findings.problem(Place(file, 1, "file"), message, nearest(file, FILES.keys() - texts.keys()))
    opened: dict[str, Sheet] = {}
    for file, nouns in FILES.items():
        sheet = open_sheet(file, texts[file], findings) if file in texts else None
        if sheet is not None:
            opened[file] = sheet
        elif file in texts or file in REQUIRED:
            findings.shaky.update(nouns)
        if file not in texts and file in REQUIRED:
            findings.problem(Place(file, 0, "file"), "the file is missing; add it to the folder.")
    return opened


def _read(sheets: Mapping[str, Sheet], known: Known, resolved: Mapping[str, Any], findings: Findings) -> Policies:
    def root(file: str) -> Table:
        sheet = sheets.get(file) or Sheet(file, findings)
        return Table(sheet, sheet.data)

    installed = queues.Installed(known.strategies, known.models, known.orders, gone=known.gone)
    calendars, regions = hours.read(root("calendars.toml"), resolved)
    promised = promises.read(root("sla.toml"))
    climbed = ladders.read(root("escalation.toml"))
    pipelines = paths.read(root("pipelines.toml"))
    return Policies(
        hash="",
        kinds=kinds.read(root("kinds.toml")),
        queues=queues.read(root("queues.toml"), installed),
        rules=rules.read(root("rules.toml")),
        sla=promised.sla,
        pause_reasons=promised.pause_reasons,
        skip_reasons=tuple(promised.skip_reasons),
        calendars=calendars,
        escalations=climbed.escalations,
        pipelines=pipelines,
        connections=_with_reasons(connections.read(root("connections.toml"), stored=known.gone), pipelines),
        max_paused=promised.max_paused,
        resolved={"holidays": regions} if regions else {},
        skip_reason_names=promised.skip_reasons,
        notices=climbed.notices,
        duplicates=duplicates.read(root("duplicates.toml")),
    )


def _with_reasons(found: Mapping[str, Connection], pipelines: Mapping[str, Pipeline]) -> dict[str, Connection]:
    """Where the other side takes any text, people there read what a reason is called, and it is ours again here."""
    names: dict[str, dict[str, LocalText]] = {}
    for path in pipelines.values():
        for key, name in path.lost_reason_names.items():
            names.setdefault(path.noun, {}).setdefault(key, name)
    return {key: replace(one, reason_names=names) for key, one in found.items()}


def _ask(check: Check, draft: Policies, sheets: Mapping[str, Sheet], findings: Findings) -> None:
    """Another room's opinion, kept where the file itself could be read without a problem.

    A check may take whole sets for granted and break on half a one; on a whole set that is a problem of its own.
    """
    unsound = {problem.file for problem in findings.problems}
    try:
        found = [_placed(problem, sheets) for problem in check(draft)]
    except Exception as error:  # noqa: BLE001  a foreign model's check may fail in any way
        name = getattr(check, "__name__", "a check")
        found = [Problem("", 0, "check", f"{name} failed: {type(error).__name__}: {error}.")] if not unsound else []
    findings.problems.extend(problem for problem in found if problem.file not in unsound)


def _placed(problem: Problem, sheets: Mapping[str, Sheet]) -> Problem:
    sheet = sheets.get(problem.file)
    return replace(problem, line=sheet.line_of(problem.key)) if sheet and not problem.line else problem


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By file and line, each once."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda one: (one.file, one.line, one.key, one.message)))
