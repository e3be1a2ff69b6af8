"""What may be written about leads, deals, accounts and contacts: one check per field, every problem named. Pure."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from taskhub.errors import InvalidInput
from taskhub.events.times import in_one_form
from taskhub.policy.currencies import DECIMALS
from taskhub.policy.reading.nearest import nearest
from taskhub.sales.money import amount

Check = Callable[[Any], Any]
Wrong = tuple[str, str]
LONGEST = 500
FAR = 4 * LONGEST
MOST_OWN = 50
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?", re.ASCII)
_OWN = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)


def line(value: Any) -> str:
    """One line of text that says something, in one spelling."""
    # Normalising long runs of combining marks takes ages, in which nothing else runs: what is far too long is not.
    text = unicodedata.normalize("NFC", value).strip() if isinstance(value, str) and len(value) <= FAR else ""
    if not 1 <= len(text) <= LONGEST:
        raise ValueError(f"must be text of 1 to {LONGEST} characters")
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text):
        raise ValueError("must be one line without control characters")
    return text


def _email(value: Any) -> str:
    text = line(value)
    if not _EMAIL.fullmatch(text):
        raise ValueError("is not an e-mail address")
    return text


def _language(value: Any) -> str:
    text = line(value)
    if not _LANGUAGE.fullmatch(text):
        raise ValueError("must be a language code such as en, fr or pt-BR")
    return text


def _day(value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat() if len(value) == len("2026-01-31") else _no_day()
    except (TypeError, ValueError):
        return _no_day()


def _no_day() -> str:
    raise ValueError("must be a date such as 2026-01-31")


def _currency(value: Any) -> str:
    text = line(value)
    if text in DECIMALS:
        return text
    hint = nearest(text.upper(), DECIMALS)
    raise ValueError(f"{text[:20]!r} is no currency in use" + (f"; did you mean {hint}?" if hint else ""))


def plain(value: Any) -> Any:
    """The value of a field of one's own: text, a number, true or false."""
    if isinstance(value, str) and len(value) <= LONGEST:
        return value
    if isinstance(value, bool) or (isinstance(value, int | float) and math.isfinite(value)):
        return value
    raise ValueError(f"must be text of at most {LONGEST} characters, a number, true or false")


PERSON: Mapping[str, Check] = {"name": line, "company": line, "email": _email, "phone": line, "language": _language}
_SALE: Mapping[str, Check] = {
    **PERSON, "title": line, "owner": line, "pipeline": line, "stage": line, "amount": amount, "currency": _currency,
    "expected_close_on": _day, "account": line, "contact": line,
}  # fmt: skip
FIELDS: Mapping[str, Mapping[str, Check]] = {
    "lead": _SALE,
    "deal": {**_SALE, "lead": line},
    "account": {**PERSON, "owner": line},
    "contact": {**PERSON, "owner": line, "account": line},
}
ASK_FOR = {"amount": "amount_invalid", "currency": "unknown_currency"}
LINKS = ("lead", "account", "contact")
KEPT_AT = ("converted_at", "customer_since")
_CALLED = ("name", "company", "email", "phone")
NAMING: Mapping[str, tuple[str, ...]] = {
    "lead": ("title", *_CALLED, "account", "contact"),
    "deal": ("title", *_CALLED, "lead", "account", "contact"),
    "account": _CALLED,
    "contact": _CALLED,
}


def read(noun: str, raw: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The kept form of ``raw`` and of fields of one's ``own``; null empties a field. InvalidInput lists every fault."""
    good: dict[str, Any] = {}
    wrong: list[Wrong] = []
    for name, value in raw.items():
        check = FIELDS[noun].get(name)
        try:
            good[name] = value if value is None or check is None else check(value)
        except ValueError as error:
            wrong.append((name, str(error)))
    for name, value in (own or {}).items():
        wrong += [(f"fields.{name[:60]}", said) for said in _odd(noun, name)]
        try:
            good[name] = value if value is None else plain(value)
        except ValueError as error:
            wrong.append((f"fields.{name[:60]}", str(error)))
    if len(own or {}) > MOST_OWN:
        wrong.append(("fields", f"holds more than {MOST_OWN} fields"))
    if wrong:
        raise invalid(wrong)
    return good


def as_answered(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as answers, errors and files write them: instants among them are kept as text."""
    return {
        name: in_one_form(value) if name in KEPT_AT and isinstance(value, str) else value
        for name, value in fields.items()
    }


def refuse_nameless(noun: str, said: Mapping[str, Any]) -> None:
    """Raises InvalidInput for a record that nobody could tell from others: work about it would be about nobody."""
    names = NAMING[noun]
    if all(said.get(name) is None for name in names):
        asks = f"is missing: fill in at least one of {', '.join(names)}"
        raise invalid([(names[0], asks)], "fields_missing", one_of=list(names))


def invalid(wrong: list[Wrong], code: str | None = None, **facts: Any) -> InvalidInput:
    """One error that names every wrong field."""
    text = "; ".join(f"{path} {message}" for path, message in wrong)
    errors = [{"path": path, "message": message} for path, message in wrong]
    only = {ASK_FOR.get(path) for path, _ in wrong}
    said = code or (only.pop() if len(only) == 1 else None)
    return InvalidInput(text if text.endswith("?") else f"{text}.", code=said, errors=errors, **facts)


def _odd(noun: str, name: str) -> list[str]:
    if name in FIELDS[noun] or name in KEPT:
        return ["is a field of taskhub: it has a place of its own"]
    return [] if _OWN.fullmatch(name) else ["must be named with a-z, 0-9 and underscores"]


# What acts write, nobody by hand.
KEPT = frozenset(
    {"id", "noun", "status", "status_label", "lost_reason", "deleted", "converted_at", "converted_by", "customer_since",
     "deal", "version", "connection", "first_seen_at", "last_changed_at", "rotting", "stage_since", "fields", "labels",
     "done", "merged_into", "type", "due_on", "activity", *LINKS, *_SALE}
)  # fmt: skip
