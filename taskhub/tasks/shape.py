"""The shape of a task: what it asks of a person apart from its own history. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from taskhub.ids import digest


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


class Shape(NamedTuple):
    """Tasks of one shape share candidates and reasons, and wait in one index range.

    ``requires`` is sorted (attribute, value) pairs, ``extra_teams`` are let in by an escalation, ``lane`` is the pool
    a model with several pools drew for the task.

    >>> Shape.of("offers", "contract", level=2, requires={"language": "de"}).text
    '["offers","contract","contract",2,[["language","de"]],[],""]'
    """

    queue: str
    kind: str
    skill: str
    level: int = 1
    requires: tuple[tuple[str, Any], ...] = ()
    extra_teams: tuple[str, ...] = ()
    lane: str = ""

    @classmethod
    def of(
        cls,
        queue: str,
        kind: str,
        *,
        skill: str | None = None,
        level: int = 1,
        requires: Mapping[str, Any] | None = None,
        extra_teams: tuple[str, ...] = (),
        lane: str = "",
    ) -> Shape:
        """The shape in its one canonical form."""
        pairs = tuple((name, _frozen(value)) for name, value in sorted((requires or {}).items()))
        return cls(queue, kind, skill or kind, level, pairs, tuple(sorted(extra_teams)), lane)

    @classmethod
    def parse(cls, text: str) -> Shape:
        """Inverse of ``text``."""
        return cls(*(_frozen(part) for part in json.loads(text)))

    @property
    def text(self) -> str:
        """One string per shape; equal text means equal shape."""
        return json.dumps(self, separators=(",", ":"), ensure_ascii=False)

    @property
    def id(self) -> str:
        """A short name for the column and the index."""
        return digest(self.text)[:16]
