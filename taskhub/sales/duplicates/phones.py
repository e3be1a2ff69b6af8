"""A telephone number in one form, whatever its country's way of writing it. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from phonenumbers import NumberParseException, is_possible_number, national_significant_number, parse

_DIGITS = re.compile(r"\d")
_EXTENSION = re.compile(r"(?i)\s*(?:ext\.?|extension|poste|durchwahl|x|#|;ext=)\s*\d{1,6}\s*$")
FEWEST, MOST = 6, 40


def phone(text: str, region: str | None) -> str | None:
    """The digits of a number from its country code on, without extension; None where there are too few.

    ``region`` (ISO 3166, such as "US") is where a number without a country code is at home; None: nobody knows. What
    is no number of any plan keeps its digits, so that one wrong digit is still seen as one.

    >>> phone("(415) 327-2875", "US"), phone("0041 44 668 18 00", "US"), phone("+44 (0)20 7946 0018 ext. 3", "FR")
    ('14153272875', '41446681800', '442079460018')
    """
    given = text.strip()[:MOST]
    digits = "".join(_DIGITS.findall(given))
    return _read(given, digits, region) if len(digits) >= FEWEST else None


@lru_cache(maxsize=4096)
def _read(given: str, digits: str, region: str | None) -> str | None:
    written = _EXTENSION.sub("", given)
    if written.startswith("00"):
        written = "+" + written[2:]
    try:
        number = parse(written, region)
    except NumberParseException:
        return _ascii(digits)
    if not is_possible_number(number):
        # "(0)" is the prefix that falls away behind a country code, in a number with a slip as well.
        return _ascii("".join(_DIGITS.findall(written.replace("(0)", ""))) or digits)
    return f"{number.country_code}{national_significant_number(number)}"


def _ascii(digits: str) -> str:
    """Digits of other scripts are the same digits."""
    return "".join(str(int(digit)) for digit in digits).lstrip("0")[:20] or "0"
