"""Texts with {paths} in them. Only look-ups: no attributes, no formats, nothing is executed. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from taskhub.rules.scope import MISSING, Scope

MAX_TITLE = 300
_PATH = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)\}")
# Control characters and those that turn the direction of text around or hide in it: a title stands in lists and logs.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff]")
_SPACES = re.compile(r"\s{2,}")


def render(template: str, scope: Scope) -> str:
    """``template`` with each {path} replaced by what it finds, on one line; what is not known leaves nothing behind."""
    text = _PATH.sub(lambda found: shown(scope.find(found[1])), template)
    return _SPACES.sub(" ", _UNSEEN.sub(" ", text)).strip()[:MAX_TITLE]


def shown(value: Any) -> str:
    """A value as words: text and numbers only."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)


def filled(requires: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """``requires`` with each "{path}" replaced by its value; a requirement whose value is not known is dropped."""
    found = {name: _value(value, scope) for name, value in requires.items()}
    return {name: value for name, value in found.items() if value not in (None, "", MISSING)}


def _value(value: Any, scope: Scope) -> Any:
    if not isinstance(value, str) or not _PATH.search(value):
        return value
    whole = _PATH.fullmatch(value)
    if whole:
        found = scope.find(whole[1])
        return found if isinstance(found, str | int | float) else MISSING
    return render(value, scope)
