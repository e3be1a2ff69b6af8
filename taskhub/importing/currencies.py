"""Which currency a row's amount is in: what stands beside it counts, and may not contradict what is given. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from taskhub.policy.currencies import DECIMALS
from taskhub.sales.fields import invalid

SIGNS: Mapping[str, frozenset[str]] = {
    "€": frozenset({"EUR"}),
    "£": frozenset("GBP EGP FKP GIP LBP SDG SHP SSP SYP".split()),
    "$": frozenset(
        "USD ARS AUD BBD BMD BND BRL BSD BZD CAD CLP COP CUP CVE DOP FJD GYD HKD JMD KYD LRD MOP MXN NAD NIO NZD SBD"
        " SGD SRD SVC TOP TTD TWD UYU WST XCD".split()
    ),
    "¥": frozenset({"JPY", "CNY"}),
}
ALONE = {"€": "EUR", "£": "GBP"}


def meant(text: str, mark: str | None, given: str | None, usual: str | None) -> str | None:
    """The currency of an amount written as ``text`` with ``mark`` beside it; None where neither says one.

    ``given``: what the row or the mapping says; ``usual``: the pipeline's, which tells whose ``$`` or ``¥`` it is.
    Raises InvalidInput for a mark that may be several currencies, or is another one's than the one given.
    """
    if mark is None or (given is not None and given not in DECIMALS):
        return given
    may_be = SIGNS.get(mark, frozenset({mark}))
    if given is not None:
        if given not in may_be:
            raise invalid([("amount", f"{text[:40]!r} is not in {given}, which the row is said to be in")])
        return given
    if mark not in SIGNS or mark in ALONE:
        return ALONE.get(mark, mark)
    if usual in may_be:
        return usual
    example = "JPY" if mark == "¥" else "USD"
    said = (
        f"{text[:40]!r} may be in several currencies: map a column to currency, write the code in its place"
        f' ({example} …), or say currency = "{example}" under [constants]'
    )
    raise invalid([("amount", said)], "unknown_currency")
