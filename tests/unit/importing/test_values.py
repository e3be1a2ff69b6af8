"""Amounts and dates as people write them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from taskhub.importing import values

UTC = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("cell", "decimal", "told"),
    [
        ("1234.5", None, "1234.5"), ("1234,5", None, "1234.5"), ("1.234,50", None, "1234.50"), ("7", None, "7"),
        ("1,234.50", None, "1234.50"), ("1 234,50 €", None, "1234.50"), ("$1,234,567", None, "1234567"),
        ("1.234.567", None, "1234567"), ("1,234", ",", "1.234"), ("1,234", ".", "1234"), ("0,125", None, "0.125"),
        ("1'234.00", None, "1234.00"), ("-5", None, "-5"), ("1,000,000.5", ".", "1000000.5"),
    ],
)  # fmt: skip
def test_amounts(cell: str, decimal: str | None, told: str) -> None:
    assert values.amount(cell, decimal) == told


@pytest.mark.parametrize(
    ("cell", "decimal"),
    [("1,234", None), ("1.234", None), ("12,34,56", "."), ("1.2.3", None), ("abc", None), ("1e5", None), ("", None),
     ("1,5", "."), ("1.234,5", "."), ("--1", None), ("٣", None)],
)  # fmt: skip
def test_what_is_no_amount_or_two(cell: str, decimal: str | None) -> None:
    with pytest.raises(ValueError, match=r"."):
        values.amount(cell, decimal)


@pytest.mark.parametrize(
    ("cell", "order", "told"),
    [
        ("2026-01-31", None, "2026-01-31T00:00:00+00:00"), ("2026/1/31", None, "2026-01-31T00:00:00+00:00"),
        ("31.01.2026", None, "2026-01-31T00:00:00+00:00"), ("1.2.2026", None, "2026-02-01T00:00:00+00:00"),
        ("31/01/2026", None, "2026-01-31T00:00:00+00:00"), ("01/31/2026", None, "2026-01-31T00:00:00+00:00"),
        ("02/01/2026", "dmy", "2026-01-02T00:00:00+00:00"), ("02/01/2026", "mdy", "2026-02-01T00:00:00+00:00"),
        ("2026-01-31T09:30:00Z", None, "2026-01-31T09:30:00+00:00"),
        ("2026-01-31 09:30:15.25+02:00", None, "2026-01-31T07:30:15.250000+00:00"),
        ("31.01.2026 9:05 PM", None, "2026-01-31T21:05:00+00:00"),
        ("31.01.2026 12:05 am", None, "2026-01-31T00:05:00+00:00"),
    ],
)  # fmt: skip
def test_dates(cell: str, order: str | None, told: str) -> None:
    assert values.instant(cell, order, UTC).isoformat() == told


@pytest.mark.parametrize(
    ("cell", "order"),
    [("02/01/2026", None), ("31.02.2026", None), ("31/01/2026", "mdy"), ("1.2.26", None), ("soon", None), ("", None),
     ("2026-01-31 25:00", None), ("1950-01-01", None), ("2300-01-01", None), ("2026-1.31", None), ("12345", None)],
)  # fmt: skip
def test_what_is_no_date_or_two(cell: str, order: str | None) -> None:
    with pytest.raises(ValueError, match=r"."):
        values.instant(cell, order, UTC)


def test_evidence_of_a_column() -> None:
    assert values.decimal_of(["1,234", "1,5"]) == ","
    assert values.decimal_of(["1,234", "7"]) is None
    assert values.decimal_of(["1,5", "1.5"]) is None
    assert values.order_of(["01/02/2026", "13/02/2026"]) == "dmy"
    assert values.order_of(["01/02/2026", "02/13/2026"]) == "mdy"
    assert values.order_of(["13/02/2026", "02/13/2026"]) is None
    assert [values.flag(word) for word in ("Oui", "0", "maybe", "X")] == [True, False, None, True]
