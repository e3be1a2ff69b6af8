"""Wrapped values, ids and the two kinds of dates of Dataverse."""

from datetime import UTC, datetime
from typing import Any

import pytest

from taskhub.connectors.dynamics.values import Reference, bare, day, guid, instant, pairs, written
from taskhub.events.fields import BadField
from tests.unit.connectors.dataverse import DEAL, LEAD, choice, money, ref


@pytest.mark.parametrize(
    ("wrapped", "plain"),
    [
        (choice(3), 3),
        ({"Value": 3}, 3),
        (money(12.5), 12.5),
        ([choice(1), choice(2)], [1, 2]),
        ([], []),
        ({"__type": "Guid:#System", "__value": LEAD}, LEAD),
        ({"__type": "DateTime:#System", "__value": "/Date(0)/"}, "/Date(0)/"),
        ({"__type": "AliasedValue:x", "AttributeLogicalName": "a", "Value": choice(4)}, 4),
        ({"__type": "BooleanManagedProperty:x", "CanBeChanged": True, "Value": False}, False),
        (ref("Lead", LEAD.upper(), "Max"), Reference("lead", LEAD, "Max")),
        (ref("lead", LEAD, " "), Reference("lead", LEAD, None)),
        ({"Id": None, "LogicalName": "lead"}, None),
        ({"Entities": [{"Id": LEAD, "LogicalName": "lead", "Attributes": []}]}, [Reference("lead", LEAD, None)]),
        ({"__type": "Something:new", "Odd": 1}, None),
        ("text", "text"),
        (None, None),
        (True, True),
    ],
)
def test_bare(wrapped: Any, plain: Any) -> None:
    assert bare(wrapped) == plain


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("{E5F42B68-E14F-E911-A958-000D3A454330}", LEAD),
        ("00000000-0000-0000-0000-000000000000", None),
        (Reference("lead", LEAD, None), LEAD),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_guid(given: Any, wanted: str | None) -> None:
    assert guid(given) == wanted


class TestInstant:
    @pytest.mark.parametrize(
        ("created", "modified"),
        [  # As published: asynchronous steps, with the version of the row their message tells.
            ("/Date(1724647396000+0300)/", 1_724_658_196),
            ("/Date(1506409448000-0700)/", 1_506_384_248),
            ("/Date(1722582039000+0000)/", 1_722_582_039),
        ],
    )
    def test_an_offset_belongs_to_the_time_of_an_operation(self, created: str, modified: int) -> None:
        assert instant("x", created, shifted=True) == datetime.fromtimestamp(modified, UTC)

    def test_elsewhere_milliseconds_are_universal_time(self) -> None:
        wanted = datetime(2018, 5, 6, 23, 5, 11, tzinfo=UTC)
        assert instant("x", "/Date(1525647911000)/") == wanted
        assert instant("x", "/Date(1525647911000+0200)/") == wanted
        assert instant("x", "2018-05-07T01:05:11+02:00") == wanted

    @pytest.mark.parametrize(
        "text",
        [
            *("/Date(abc)/", "/Date()/", "/Date(1e5)/", "Date(1)", "yesterday", "2018-05-07", 7, True, [1], "٣"),
            *("/Date(99999999999999999)/", "/Date(-62135596800000)/", "/Date(9" + "9" * 300 + ")/", "/Date(٣)/"),
        ],
    )
    def test_what_is_no_time(self, text: Any) -> None:
        with pytest.raises(BadField):
            instant("modifiedon", text)

    def test_nothing_is_none(self) -> None:
        assert instant("x", None) is None
        assert instant("x", "") is None

    @pytest.mark.parametrize(
        "millis",
        [
            1_777_593_600_000,  # midnight in London, in winter time
            1_777_593_600_000 - 2 * 3_600_000,  # in Paris, in summer
            1_777_593_600_000 + 7 * 3_600_000,  # in Los Angeles
            1_777_593_600_000 - 12 * 3_600_000,  # in Auckland, in winter
        ],
    )
    def test_a_day_is_the_nearest_midnight(self, millis: int) -> None:
        assert day("x", f"/Date({millis})/") == "2026-05-01"


def test_written_keeps_what_can_be_kept() -> None:
    told = [Reference("a", DEAL, "A"), "/Date(0)/", "", 3, "/Date(99999999999999999)/"]
    assert written(told) == [DEAL, "1970-01-01T00:00:00+00:00", None, 3, "/Date(99999999999999999)/"]


def test_pairs() -> None:
    assert pairs("x", None) == {}
    assert pairs("x", [{"key": "a", "value": 1}, {"key": "b"}]) == {"a": 1, "b": None}
    for wrong in ({}, "x", [1], [{"value": 1}], [{"key": 1}]):
        with pytest.raises(BadField):
            pairs("x", wrong)
