"""Text shown to people, per language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LocalText:
    """``default`` is English; ``by_language`` maps a language code to its own wording.

    >>> LocalText("Contract", {"fr": "Contrat"}).in_("fr")
    'Contrat'
    """

    default: str
    by_language: Mapping[str, str] = field(default_factory=dict)

    def in_(self, language: str) -> str:
        """The wording for ``language``, else the default."""
        return self.by_language.get(language, self.default)

    def __str__(self) -> str:
        return self.default
