"""Who could do what, as clients see it: kinds with their people, warnings about kinds left with few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taskhub.assignment.cover import Cover
from taskhub.assignment.coverage import Gap
from taskhub.assignment.coverage_words import sentence
from taskhub.policy.text import LocalText


def warnings(covers: Sequence[Cover], language: str, *, names: bool) -> list[dict[str, Any]]:
    """One warning for each stretch in which a kind has nobody, or only one; ``names``: the reader may know who."""
    return [
        _warning(cover.kind.key, cover.kind.name, gap, language, names=names) for cover in covers for gap in cover.gaps
    ]


def _warning(kind: str, name: LocalText, gap: Gap, language: str, *, names: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {"code": gap.code, "kind": kind, "from": gap.since, "until": gap.until}
    left = {"people": list(gap.left)} if names else {}
    return {**facts, "left": len(gap.left), **left, "message": sentence(name, gap, language)}


def kind(cover: Cover, language: str) -> dict[str, Any]:
    """One kind: how many could do it, who, and its next gap."""
    found = warnings([cover], language, names=True)
    return {
        "kind": cover.kind.key, "queue": cover.kind.queue, "bus_factor": len(cover.people),
        "people": list(cover.people), "next_gap": found[0] if found else None, "gaps": found,
    }  # fmt: skip
