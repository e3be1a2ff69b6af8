"""Amounts: exact decimals of a currency. Pure.

An amount that people type is kept as a JSON number of at most 15 digits. Every decimal of so few digits has a binary
double of its own, whose shortest form is that decimal again: nothing is lost on the way, whoever reads it, as long as
sums are made here. What other systems tell with more digits is kept as text (``events.decimals``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from taskhub.events.decimals import decimal_of
from taskhub.policy.currencies import DECIMALS

DIGITS = 15
MOST_PLACES = 6
_PLAIN = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?", re.ASCII)


def exact(value: Any) -> Decimal:
    """The decimal that was meant. Raises ``ValueError`` in words.

    >>> exact("1999.90"), exact(0.1), exact(300)
    (Decimal('1999.90'), Decimal('0.1'), Decimal('300'))
    """
    told = _PLAIN.fullmatch(text := _written(value))
    if told is None:
        raise ValueError('must be a plain decimal such as 1999.90 or "1999.90"')
    whole, places = told.groups(default="")
    found = Decimal(text)
    if len(whole) > DIGITS or len(found.normalize().as_tuple().digits) > DIGITS:
        raise ValueError(f"has more than {DIGITS} digits")
    if len(places) > MOST_PLACES:
        raise ValueError(f"has more than {MOST_PLACES} decimals")
    return found


def _written(value: Any) -> str:
    """A number as people write it, without an exponent; "" for what is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)


def amount(value: Any) -> int | float:
    """The form in which an amount is kept. Raises ``ValueError`` in words; amounts are not negative."""
    found = exact(value)
    if found < 0:
        raise ValueError("must not be negative")
    return int(found) if found == found.to_integral_value() else float(found)


def too_fine(value: float | str, currency: str) -> str | None:
    """What is wrong with an amount of that currency, in words; None when it can be paid.

    >>> too_fine(10.5, "JPY"), too_fine(10.5, "EUR")
    ('has more decimals than JPY has (0)', None)
    """
    places = DECIMALS.get(currency, 2)
    found = decimal_of(value).normalize().as_tuple().exponent
    return f"has more decimals than {currency} has ({places})" if isinstance(found, int) and -found > places else None


def total(values: Iterable[Any], currency: str) -> str:
    """The exact sum with the decimals of its currency, as text.

    >>> total([0.1, 0.2, 3], "EUR")
    '3.30'
    """
    summed = sum((decimal_of(value) for value in values), Decimal(0))
    return str(summed.quantize(Decimal(1).scaleb(-DECIMALS.get(currency, 2))))
