"""Cells become values: amounts with decimal comma or point, dates in the orders people write, yes and no. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2199, 12, 31, tzinfo=UTC)
YES = frozenset("yes y true t 1 x oui o vrai ja j wahr si s on".split())
NO = frozenset("no n false f 0 - non faux nein falsch off".split())
_NOISE = re.compile(r"[\s\u00a0\u202f\u2009'’]")
_MONEY = re.compile(r"(-?)([€$£¥]|[A-Z]{3})?(-?)([0-9.,]+)([€$£¥]|[A-Z]{3})?", re.ASCII)
_DATE = re.compile(r"([0-9]{1,4})([./\-])([0-9]{1,2})\2([0-9]{1,4})(?:[T ,]+(.+))?", re.ASCII)
_TIME = re.compile(
    r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,6})[0-9]*)?)? ?([AaPp][Mm])?"
    r" ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2})?", re.ASCII,
)  # fmt: skip
FORMULA = re.compile(r"'+[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def bare(cell: str) -> str:
    """A cell without the mark by which a spreadsheet is told that it is text, not a formula.

    >>> bare("'=SUM(A1)"), bare("'t was"), bare(" Ann ")
    ('=SUM(A1)', "'t was", 'Ann')
    """
    text = cell.strip()
    return text[1:] if FORMULA.match(text) else text


def flag(cell: str) -> bool | None:
    """Yes or no; None where it says neither."""
    word = cell.strip().casefold()
    return True if word in YES else False if word in NO else None


def decimal_of(cells: Iterable[str]) -> str | None:
    """Which sign the amounts among these cells use for their decimals; None where none of them shows it."""
    signs = {sign for cell in cells if (sign := _sign(_number(cell)[0])) is not None}
    return next(iter(signs)) if len(signs) == 1 else None


def amount(cell: str, decimal: str | None) -> str:
    """A plain decimal with a point. Raises ValueError in words; ``1,234`` by itself needs ``decimal``.

    >>> amount("1 234,50 €", None), amount("1,234.5", None), amount("12,5", None), amount("1,234", ",")
    ('1234.50', '1234.5', '12.5', '1.234')
    """
    text = _number(cell)[0]
    if not text:
        raise ValueError(f"{cell[:40]!r} is no amount")
    sign = decimal or _sign(text) or ("." if "," not in text and "." not in text else None)
    if sign is None:
        raise ValueError(f'{cell[:40]!r} may be read in two ways: say decimal = "," or "." in the mapping')
    other = "," if sign == "." else "."
    whole, _, rest = text.partition(sign)
    if sign in rest or other in rest or (other in whole and not _grouped(whole, other)):
        raise ValueError(f"{cell[:40]!r} is no amount with {sign!r} before its decimals")
    return whole.replace(other, "") + (f".{rest}" if rest else "")


def currency_mark(cell: str) -> str | None:
    """The sign or the code of three letters beside an amount: what it means is for the row to say.

    >>> currency_mark("$1,500"), currency_mark("1 500 EUR"), currency_mark("1500")
    ('$', 'EUR', None)
    """
    return _number(cell)[1]


def _number(cell: str) -> tuple[str, str | None]:
    """The digits of an amount with their signs, and its currency's mark; nothing where it is no amount."""
    found = _MONEY.fullmatch(_NOISE.sub("", cell))
    if found is None or (found[2] and found[5]) or (found[1] and found[3]):
        return "", None
    return f"{found[1] or found[3]}{found[4]}", found[2] or found[5]


def _grouped(whole: str, by: str) -> bool:
    first, *others = whole.removeprefix("-").split(by)
    return 1 <= len(first) <= 3 and all(len(one) == 3 for one in others)


def _sign(text: str) -> str | None:
    """The sign that can only stand before decimals in this number."""
    if "," in text and "." in text:
        return max(",.", key=text.rfind)
    for sign in (",", "."):
        if text.count(sign) > 1:
            return "." if sign == "," else ","
        if sign in text:
            return sign if len(text) - text.index(sign) != 4 or text.startswith(("0", "-0", sign)) else None
    return None


def order_of(cells: Iterable[str]) -> str | None:
    """In which order day and month stand in these dates; None where none of them shows it, or they disagree."""
    shown = {one for cell in cells if (one := _order(cell)) is not None}
    return next(iter(shown)) if len(shown) == 1 else None


def _order(cell: str) -> str | None:
    found = _DATE.fullmatch(cell.strip())
    if found is None or len(found[1]) == 4:
        return None
    first, second = int(found[1]), int(found[3])
    return "dmy" if first > 12 >= second or found[2] == "." else "mdy" if second > 12 >= first else None


def instant(cell: str, order: str | None, zone: ZoneInfo) -> datetime:
    """A date or a time, in UTC; a date begins at midnight of ``zone``. Raises ValueError in words.

    >>> instant("31.01.2026 09:30", None, ZoneInfo("Europe/Paris")).isoformat()
    '2026-01-31T08:30:00+00:00'
    """
    text = cell.strip()
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{cell[:40]!r} is no date: write 2026-01-31, 31.01.2026 or 31/01/2026")
    on = _day(text, found, order)
    at = datetime.combine(on, time(), zone) if found[5] is None else _clock(cell, on, found[5].strip(), zone)
    told = at.astimezone(UTC)
    if not EARLIEST <= told <= LATEST:
        raise ValueError(f"{cell[:40]!r} lies outside of 1970 to 2199")
    return told


def day(cell: str, order: str | None) -> str:
    """A date as 2026-01-31; a time behind it is left out. Raises ValueError in words."""
    return instant(cell, order, ZoneInfo("UTC")).date().isoformat()


def _day(cell: str, found: re.Match[str], order: str | None) -> date:
    first, second, last = found[1], found[3], found[4]
    if len(first) == 4 and len(last) <= 2:
        year, month, on = first, second, last
    elif len(last) == 4 and len(first) <= 2:
        way = "dmy" if found[2] == "." else order or _order(cell)
        if way not in ("dmy", "mdy"):
            raise ValueError(f'{cell[:40]!r} may be read in two ways: say dates = "dmy" or "mdy" in the mapping')
        year, month, on = (last, second, first) if way == "dmy" else (last, first, second)
    else:
        raise ValueError(f"{cell[:40]!r} is no date with a year of four digits")
    try:
        return date(int(year), int(month), int(on))
    except ValueError:
        raise ValueError(f"{cell[:40]!r} is no day of the calendar") from None


def _clock(cell: str, on: date, text: str, zone: ZoneInfo) -> datetime:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{cell[:40]!r} has no time such as 09:30 behind its date")
    hour, half = int(found[1]), (found[5] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    offset = found[6]
    try:
        at = datetime.combine(on, time(hour, int(found[2]), int(found[3] or 0), int((found[4] or "0").ljust(6, "0"))))
        if offset is None:
            return at.replace(tzinfo=zone)
        return datetime.fromisoformat(at.isoformat() + ("+00:00" if offset in ("Z", "UTC") else offset))
    except ValueError:
        raise ValueError(f"{cell[:40]!r} is no time of the day") from None
