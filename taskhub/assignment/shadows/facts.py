"""What a shadow has found so far, as JSON values and back. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from taskhub.assignment.codec import moment, to_moment
from taskhub.assignment.shadow import Shown
from taskhub.assignment.shadowing import Asked


def shown_facts(shown: Shown) -> dict[str, Any]:
    """Everything of it, fit for JSON; ``as_shown`` gives an equal value back."""
    return {
        "since": moment(shown.since), "until": moment(shown.until), "complete": shown.complete,
        "verdicts": dict(shown.verdicts), "people": {key: list(row) for key, row in shown.people.items()},
        "reasons": dict(shown.reasons), "unknown": dict(shown.unknown),
        "examples": {name: [_asked(one) for one in row] for name, row in shown.examples.items()},
    }  # fmt: skip


def as_shown(raw: Mapping[str, Any]) -> Shown:
    """Inverse of ``shown_facts``."""
    return Shown(
        since=to_moment(raw["since"]), until=to_moment(raw["until"]), complete=raw["complete"],
        verdicts=Counter(raw["verdicts"]), people={key: (row[0], row[1]) for key, row in raw["people"].items()},
        reasons=Counter(raw["reasons"]), unknown=Counter(raw["unknown"]),
        examples={name: [_as_asked(one) for one in row] for name, row in raw["examples"].items()},
    )  # fmt: skip


def _asked(one: Asked) -> dict[str, Any]:
    row = {name: getattr(one, name) for name in Asked.__slots__}
    return {**row, "at": moment(one.at), "reasons": list(one.reasons)}


def _as_asked(raw: Mapping[str, Any]) -> Asked:
    return Asked(**{**raw, "at": to_moment(raw["at"]), "reasons": tuple(raw["reasons"])})
