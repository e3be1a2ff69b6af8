"""What stands beside an amount says its currency; why a record was lost is checked wherever it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.api.house import paths
from tests.service.customs import Customs, policies


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Customs]:
    made = Customs(sqlite_url)
    yield made
    made.db.close()


SIGNS = [
    ("€1500", "", "", "EUR"), ('"1 500,00 €"', "", "", "EUR"), ("£1500", "", "", "GBP"), ("USD 1500", "", "", "USD"),
    ("1500 USD", "", "", "USD"), ("$1500", "CAD", "", "CAD"), ("¥1500", "CNY", "", "CNY"), ("£1500", "EGP", "", "EGP"),
    ("$1500", "", "USD", "USD"), ("1500", "", "", "EUR"),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "currency", "constant", "told"), SIGNS)
def test_the_sign_beside_an_amount_says_its_currency(
    desk: Customs, cell: str, currency: str, constant: str, told: str
) -> None:
    columns = {"Name": "name", "Amount": "amount", "Money": [] if constant else "currency"}
    constants = {"constants": {"currency": constant}} if constant else {}
    desk.brought("lead", f"Name,Amount,Money\nAnn,{cell},{currency}\n", {"columns": columns, **constants})
    (lead,) = desk.records("lead").values()
    assert (lead["amount"], lead["currency"]) == (1500, told)


CONTRADICTED = [
    ("$1500,", "unknown_currency", "map a column to currency"), ("¥90000,", "unknown_currency", "JPY"),
    ("$1500,EUR", "amount_invalid", "not in EUR"), ("€1500,USD", "amount_invalid", "not in USD"),
    ("USD 1500,EUR", "amount_invalid", "not in EUR"), ("XXQ 1500,", "unknown_currency", "XXQ"),
    ("12€50,", "amount_invalid", "no amount"), ("$1500 USD,", "amount_invalid", "no amount"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "reason", "words"), CONTRADICTED)
def test_a_sign_of_several_currencies_or_of_another_one_is_refused(
    desk: Customs, cells: str, reason: str, words: str
) -> None:
    run = desk.brought("lead", f"Name,Amount,Currency\nAnn,{cells}\n")
    assert run.counts["refused"] == {reason: 1}
    (refusal,) = desk.refusals(run)
    assert words in refusal.message


def test_a_sign_means_the_currency_of_a_pipeline_that_is_written_with_it(sqlite_url: str) -> None:
    lines = [replace(line, currency="USD") for line in paths()]
    desk = Customs(sqlite_url, replace(policies(), pipelines={line.key: line for line in lines}))
    desk.brought("lead", "Name,Amount\nAnn,$1500\nBob,¥90000\n")
    assert [(one["amount"], one["currency"]) for one in desk.records("lead").values()] == [(1500, "USD")]
    desk.db.close()


@pytest.mark.parametrize("header", ["ID,Status,Lost reason", "ID,Stage,Lost reason"])
def test_a_lost_reason_is_checked_without_a_pipeline_as_well(desk: Customs, header: str) -> None:
    run = desk.brought("lead", f"{header}\n1,lost,Price\n2,lost,bad luck\n")
    assert run.counts["refused"] == {"unknown_reason": 1}
    assert desk.records("lead")["1"]["lost_reason"] == "price"
