"""Native types: which record, which values, which reasons for a quarantine."""

from typing import Any

import pytest

from taskhub.events.fields import BadField
from taskhub.events.model import RecordRef
from taskhub.events.native import NATIVE_TYPES, read_native, types_of


@pytest.mark.parametrize("type_", sorted(NATIVE_TYPES))
def test_every_native_type_needs_a_record(type_: str) -> None:
    with pytest.raises(BadField, match=r"^no_record$"):
        read_native(type_, None, {})
    assert read_native(type_, "R1", {}).record == RecordRef(type_.partition(".")[0], "R1")


@pytest.mark.parametrize(
    ("type_", "subject", "data", "record"),
    [
        ("lead.created", None, {"lead": {"id": 42}}, "lead:42"),
        ("lead.created", "lead/42", {}, "lead:42"),
        ("lead.created", "/leads/42", {}, "lead:42"),
        ("lead.created", "deal:42", {}, "lead:deal:42"),
        ("lead.created", "somewhere", {"lead": {"id": "L1"}}, "lead:L1"),
        ("lead.created", "L1", {"lead": {"id": None, "name": "A"}}, "lead:L1"),
        ("deal.won", "D1", {"lead": {"id": "L1"}}, "deal:D1"),
        ("activity.completed", "A1", {"deal": {"id": "D1"}}, "activity:A1"),
        ("activity.completed", "D1", {"deal": {"id": "D1"}}, "deal:D1"),
        ("activity.completed", None, {"lead": {"id": "L1"}}, "lead:L1"),
        ("com.example.scored", "deals/9", {}, "deal:9"),
        ("com.example.scored", "9", {}, None),
        ("com.example.scored", "9", {"lead": {"id": "L1"}, "deal": {"id": "D1"}}, "deal:D1"),
        ("com.example.scored", "9", {"lead": "L1", "deal": {"id": True}}, None),
    ],
)
def test_the_record(type_: str, subject: str | None, data: dict[str, Any], record: str | None) -> None:
    found = read_native(type_, subject, data).record
    assert (str(found) if found else None) == record


@pytest.mark.parametrize(
    ("lead", "reason"),
    [
        ("L1", "bad_field: lead must be an object"),
        ([{}], "bad_field: lead must be an object"),
        ({"id": True}, "bad_field: lead.id"),
        ({"id": " "}, "bad_field: lead.id"),
        ({"id": "a\tb"}, "bad_field: lead.id"),
        ({"id": "x" * 201}, "bad_field: lead.id"),
        ({"id": "L1", "amount": True}, "bad_field: lead.amount"),
        ({"id": "L1", "amount": "٣"}, "bad_field: lead.amount"),
        ({"id": "L1", "amount": "1e3"}, "bad_field: lead.amount"),
        ({"id": "L1", "amount": 1e300}, "bad_field: lead.amount"),
        ({"id": "L1", "name": {"first": "A"}}, "bad_field: lead.name"),
        ({"id": "L1", "stage": False}, "bad_field: lead.stage"),
        ({"id": "L1", "name": "x" * 1_048_576}, "bad_field: lead.name"),
    ],
)
def test_values_that_cannot_be_applied(lead: Any, reason: str) -> None:
    with pytest.raises(BadField) as bad:
        read_native("lead.created", "L1", {"lead": lead})
    assert str(bad.value).startswith(reason)
    assert len(str(bad.value)) < 200


def test_values_in_their_kept_form() -> None:
    lead = {"id": 7, "amount": "1200.50", "stage": 3, "email": None, "account": {"id": 9}, "score": [1]}
    assert read_native("lead.created", None, {"lead": lead}).data["lead"] == {
        "id": "7",
        "amount": 1200.5,
        "stage": "3",
        "email": None,
        "account": "9",
        "score": [1],
    }


@pytest.mark.parametrize("previous", [{"stage": "new"}, {"lead": {"stage": "new"}}])
def test_previous_flat_and_nested(previous: dict[str, Any]) -> None:
    assert read_native("lead.stage_changed", "L1", {"previous": previous}).previous == {"lead": {"stage": "new"}}


@pytest.mark.parametrize("previous", [["stage"], "stage", {"amount": True}])
def test_previous_that_cannot_be_read(previous: Any) -> None:
    with pytest.raises(BadField, match="previous"):
        read_native("lead.stage_changed", "L1", {"previous": previous})
    assert read_native("com.example.x", "lead/L1", {"previous": previous}).previous == {}


def test_lead_and_deal_of_one_event_are_linked() -> None:
    data = read_native("lead.converted", "L1", {"lead": {"name": "A"}, "deal": {"id": "D1"}}).data
    assert data["lead"]["deal"] == "D1"
    assert data["deal"]["lead"] == "L1"


@pytest.mark.parametrize(
    ("noun", "moved", "types"),
    [
        ("deal", {"stage": ("a", "b"), "status": ("open", "won")}, ("deal.won", "deal.stage_changed")),
        ("deal", {"status": ("won", "open")}, ("deal.reopened",)),
        ("deal", {"status": (None, "open")}, ("deal.updated",)),
        ("deal", {"amount": (1, 2)}, ("deal.updated",)),
        ("deal", {}, ("deal.updated",)),
        ("lead", {"owner": ("ana", "bob"), "amount": (1, 2)}, ("lead.taken_over", "lead.updated")),
        ("lead", {"owner": (None, "bob")}, ("lead.updated",)),
        ("activity", {"done": (False, True)}, ("activity.completed",)),
    ],
)
def test_types_of_a_change(noun: str, moved: dict[str, tuple[Any, Any]], types: tuple[str, ...]) -> None:
    assert types_of(noun, moved) == types
