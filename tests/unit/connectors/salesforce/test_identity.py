"""Ids as Salesforce prints them: both forms are one id."""

import pytest

from taskhub.connectors.salesforce.identity import full_id, is_wildcard, same_id
from taskhub.events.fields import BadField

# From the published payloads.
PRINTED = ["00Q5f000005bwLFEAY", "0015f00002JUX1JAAX", "0035f00002EztxDAAR", "0065f00000UloqVAAR", "001ZM000001n4n5YAA",
           "005ZM000000Q6ipYAC", "006SM0000001Tb3YAE", "0055f000005mc66AAA", "04l37000000L0E5AAK"]  # fmt: skip


@pytest.mark.parametrize("id_", PRINTED)
def test_the_longer_form_is_made_of_the_shorter(id_: str) -> None:
    assert full_id("id", id_[:15]) == full_id("id", id_) == id_
    assert same_id(id_, id_[:15])


@pytest.mark.parametrize(
    "value",
    ["", "00Q", "00Q5f000005bwL", "00Q5f000005bwLF-", "00Q5f000005bwLFEA", "0" * 19, "é" * 15, 7, None],
)
def test_anything_else_is_no_id(value: object) -> None:
    with pytest.raises(BadField):
        full_id("id", value)


def test_case_counts() -> None:
    assert not same_id("00Q5f000005bwLF", "00Q5F000005bwLF")
    assert not same_id("", "")


def test_what_stands_for_many() -> None:
    found = [is_wildcard(one) for one in ("001*", "000000000000000AAA", "0015f0*", "*", "001", "001*x", None)]
    assert found == [True, True, True, False, False, False, False]
