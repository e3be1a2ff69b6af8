"""Text shown to people: one wording, or one per language, and templates with {field.path} in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from taskhub.policy.reading.table import KEY, LONGEST_TEXT, Table, shown
from taskhub.policy.text import LocalText

_LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")
_BRACES = re.compile(r"\{([^{}]*)\}|[{}]")
_NOTHING = LocalText("")


def local(table: Table, key: str) -> LocalText:
    """The text of a key that must be there."""
    return opt_local(table, key, required=True) or _NOTHING


def opt_local(table: Table, key: str, *, required: bool = False) -> LocalText | None:
    """``name = "Contract"`` or ``name = { en = "Contract", fr = "Contrat" }``."""
    value = table.take(key, required=required)
    if value is None:
        return None
    if isinstance(value, dict):
        return _per_language(table, key, value)
    return LocalText(value) if _said(table, (key,), value) else None


def _per_language(table: Table, key: str, value: Mapping[str, Any]) -> LocalText | None:
    for language in value:
        if not _LANGUAGE.fullmatch(language):
            table.problem((key, language), f"{shown(language)} is no language; write codes such as en, fr or pt-BR.")
    if "en" not in value:
        table.problem(key, f"the English text is missing; add en = … to {key}: it is shown where no other fits.")
    right = [_said(table, (key, language), text) for language, text in value.items()]
    if not all(right) or "en" not in value:
        return None
    return LocalText(value["en"], {language: text for language, text in value.items() if language != "en"})


def _said(table: Table, keys: Sequence[str | int], value: Any) -> bool:
    if isinstance(value, str) and value.strip() and len(value) <= LONGEST_TEXT:
        return True
    expected = f"a text of 1 to {LONGEST_TEXT} characters, or one per language such as {{ en = …, fr = … }}"
    table.problem(keys, f"{keys[-1]} must be {expected}, not {shown(value)}.")
    return False


def named(table: Table, key: str) -> dict[str, LocalText]:
    """A list of keys with a wording each, or of plain texts that are their own key."""
    value = table.data.get(key)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        return {word: LocalText(word) for word in table.words(key)}
    found: dict[str, LocalText] = {}
    for entry in table.tables(key):
        own = entry.opt_text("key", required=True)
        wording = local(entry, "name")
        entry.done()
        if own is not None and not KEY.fullmatch(own):
            entry.wrong("key", "lower-case letters, digits, - and _", own)
        elif own in found:
            entry.problem("key", f"{shown(own)} is listed twice; keep one.")
        elif own is not None:
            found[own] = wording
    return found


def is_path(text: str) -> bool:
    """Whether it is written like a field path: ``deal.amount``."""
    return len(text) <= 200 and _PATH.fullmatch(text) is not None


def template(table: Table, key: str) -> str | None:
    """A text in which {deal.company} stands for a field."""
    text = table.opt_text(key, most=300)
    if text is not None:
        check_template(table, (key,), text)
    return text


def has_paths(value: Any) -> bool:
    """Whether a text, or one of a list of them, has a {field.path} in it."""
    texts = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(text, str) and _BRACES.search(text) for text in texts)


def check_template(table: Table, keys: Sequence[str | int], text: str) -> None:
    """Notes braces that hold no field path, or have no partner."""
    for found in _BRACES.finditer(text):
        if found[1] is None or not is_path(found[1]):
            said = f"{shown(found[0])} is no field; write {{deal.company}}, or no braces at all."
            table.problem(keys, said)
            return
