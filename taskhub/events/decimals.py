"""Numbers of which every digit counts. A double holds fifteen; what has more keeps its text. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

SURE = 15
"""Digits that survive the way through a double, whatever they are."""


class Exact(float):
    """A JSON number whose digits a double cannot hold: a double to whoever does not care, ``text`` to whoever does."""

    __slots__ = ("text",)

    text: str

    def __new__(cls, text: str) -> Self:
        """The nearest double, and the digits as they came."""
        made = super().__new__(cls, text)
        made.text = text
        return made


def real(digits: str) -> float:
    """A JSON number with a point or an exponent.

    >>> real("1999.90"), real("999999999999999.99").text
    (1999.9, '999999999999999.99')
    """
    value = float(digits)
    return value if len(digits) <= SURE or _holds(value, Decimal(digits)) else Exact(digits)


def decimal_of(value: float | str) -> Decimal:
    """The decimal that was meant; ``value`` is a number or digits."""
    text = value if isinstance(value, str) else value.text if isinstance(value, Exact) else repr(value)
    return Decimal(text)


def kept(value: Decimal) -> int | float | str:
    """The form in which a decimal is kept: a JSON number where a double holds it, else its digits.

    >>> kept(Decimal("300.0")), kept(Decimal("1999.90")), kept(Decimal("999999999999999.990"))
    (300, 1999.9, '999999999999999.99')
    """
    if value == value.to_integral_value():
        return int(value)
    nearest = float(value)
    return nearest if _holds(nearest, value) else f"{value.normalize():f}"


def _holds(value: float, meant: Decimal) -> bool:
    return Decimal(repr(value)) == meant
