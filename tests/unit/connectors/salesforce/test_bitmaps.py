"""Bits over the fields of an event: read by its own order of members, checked, or counted."""

from typing import Any

import pytest

from taskhub.connectors.salesforce import deliveries
from taskhub.connectors.salesforce.bitmaps import HEADER, UnknownFields, changed_fields, leaves, moves_in
from tests.unit.connectors.salesforce.said import header
from tests.unit.connectors.salesforce.said import read as said

SCHEMA = ["ChangeEventHeader", "Name", "Company", "Status", "Email", "Address", "LastModifiedDate"]
PARTS = {"Street": None, "City": None, "Country": None}


def payload(**told: Any) -> dict[str, Any]:
    return {**dict.fromkeys(SCHEMA), **told}


def read(payload: dict[str, Any], *changed: str, nulled: list[str] | None = None) -> set[str]:
    return set(changed_fields(payload, {"changedFields": list(changed), "nulledFields": nulled or []}))


def test_bits_count_from_the_least_with_the_header_first() -> None:
    assert read(payload(Status="Working", LastModifiedDate=1), "0x48") == {"Status", "LastModifiedDate"}


def test_leading_zeros_mean_nothing() -> None:
    assert read(payload(Status="Working"), "0x0000000008") == {"Status"}


def test_parts_of_a_compound_field() -> None:
    told = payload(Address={**PARTS, "City": "Lyon"}, LastModifiedDate=1)
    assert read(told, "0x40", "5-0x2") == {"Address.City", "LastModifiedDate"}


def test_what_was_emptied_is_said_twice() -> None:
    assert read(payload(LastModifiedDate=1), "0x50", nulled=["0x10"]) == {"Email", "LastModifiedDate"}


def test_a_compound_emptied_as_a_whole() -> None:
    assert read(payload(LastModifiedDate=1), "0x40", "5-0x7", nulled=["5-0x7"]) == {"Address", "LastModifiedDate"}


def test_an_enriched_field_has_not_changed() -> None:
    assert read(payload(Company="Acme", Status="Working"), "0x8") == {"Status"}


def test_names_are_names() -> None:
    assert read({"Status": "x"}, "Status", "Name.LastName", nulled=["Email"]) == {"Status", "Name.LastName", "Email"}


def test_another_order_of_members_is_found_out_and_counted() -> None:
    told = dict(sorted(payload(Status="Working", LastModifiedDate=1).items()))
    assert read(told, "0x48") == {"Status", "LastModifiedDate"}
    assert read({"ChangeEventHeader": {}, "Status": "Working"}, "0x8") == {"Status"}


@pytest.mark.parametrize(
    ("told", "changed", "nulled"),
    [
        # In another order, with a field emptied: which one it was cannot be told.
        (dict(sorted(payload(LastModifiedDate=1).items())), ["0x50"], ["0x10"]),
        (payload(Status="x"), ["0x48"], []),
        (payload(), ["0x8"], []),
        (payload(Status="x"), ["0xFFFFFFFF"], []),
        (payload(Status="x"), ["0x8", "99-0x1"], []),
        ({"Status": "x", "Company": "y"}, ["0x8"], []),
    ],
)
def test_what_cannot_be_told_is_not_guessed(told: dict[str, Any], changed: list[str], nulled: list[str]) -> None:
    with pytest.raises(UnknownFields):
        read(told, *changed, nulled=nulled)


def test_lists_of_something_else_are_empty() -> None:
    assert changed_fields({"Status": "x"}, {"changedFields": "Status", "nulledFields": [7, None]}) == {"Status"}


@pytest.mark.parametrize("list_", [{}, {"changedFields": None}, {"changedFields": []}])
def test_without_a_list_of_what_changed_it_is_what_is_told(list_: dict[str, Any]) -> None:
    told = payload(Status="Working", LastModifiedDate=1)
    assert changed_fields(told, list_) == {"Status", "LastModifiedDate"}
    nulled = {"nulledFields": ["Email", "0x10"]}
    assert changed_fields(told, {**list_, **nulled}) == {"Status", "LastModifiedDate", "Email"}


def test_more_bitmaps_than_an_object_could_have_are_not_resolved() -> None:
    told = payload(Status="x", Address={**PARTS, "City": "Lyon"})
    assert read(told, *["0x8"] * 1_000) == {"Status"}
    with pytest.raises(UnknownFields):
        read(told, *["0x8"] * 1_001)


def test_bits_beyond_the_fields_and_the_last_of_many() -> None:
    many = {HEADER: {}, **{f"F{n}": n for n in range(1, 2_048)}}
    assert read(many, hex(1 << 2_047 | 1 << 1)) == {"F1", "F2047"}


def test_an_event_about_many_records_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved: list[int] = []

    def counted(payload: Any, header: Any) -> Any:
        resolved.append(1)
        return moves_in(payload, header)

    monkeypatch.setattr(deliveries, "moves_in", counted)
    told = {HEADER: header("Lead", "UPDATE", *[f"00Q5f000005b{n:03}" for n in range(50)], changedFields=["0x2"])}
    found = said({**told, "Status": "Working"})
    assert {one.outcome for one in found} == {"accepted"}
    assert (len(found), len(resolved)) == (50, 1)


def test_leaves() -> None:
    told = {"ChangeEventHeader": {"a": 1}, "Id": "x", "Name": {"LastName": "B"}, "Company": None}
    assert dict(leaves(told)) == {"Name.LastName": "B", "Company": None}
