"""Conditions: what holds, and that odd types never raise."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhub.events.model import RecordRef
from taskhub.policy.rule import Condition
from taskhub.rules.match import holds
from taskhub.rules.scope import MISSING, Scope
from taskhub.sales.model import Change

SCOPE = Scope(
    said={
        "deal": {"stage": "offer", "amount": 50_000, "labels": ["vip", 7], "owner": None, "close_on": "2026-06-01"},
        "pages": 3,
        "one": 1,
        "signed": True,
        "event": {"type": "deal.stage_changed"},
    },
    known={"deal": {"stage": "talk", "country": "DE", "empty": ""}, "lead": {"language": "de"}},
    own=RecordRef("deal", "D1"),
    moves={"stage": Change("talk", "offer"), "rank": Change(None, 13)},
)


@pytest.mark.parametrize(
    ("path", "op", "value", "expected"),
    [
        ("deal.stage", "eq", "offer", True),
        ("stage", "eq", "offer", True),
        ("deal.stage", "eq", "talk", False),
        ("deal.country", "eq", "DE", True),
        ("country", "in", ["FR", "DE"], True),
        ("lead.language", "eq", "de", True),
        ("event.type", "eq", "deal.stage_changed", True),
        ("pages", "gte", 3, True),
        ("one", "eq", True, False),
        ("one", "eq", 1.0, True),
        ("signed", "eq", 1, False),
        ("signed", "eq", True, True),
        ("signed", "gte", 1, False),
        ("deal.labels", "eq", "vip", True),
        ("deal.labels", "in", ["x", "7"], True),
        ("deal.labels", "in", ["x"], False),
        ("deal.amount", "gte", 50_000, True),
        ("deal.amount", "gte", "49999.5", True),
        ("deal.amount", "lt", 50_000, False),
        ("deal.amount", "gte", "many", False),
        ("deal.amount", "gte", date(2026, 1, 1), False),
        ("deal.close_on", "lt", date(2026, 7, 1), True),
        ("deal.close_on", "gte", datetime(2026, 6, 1, tzinfo=UTC), True),
        ("deal.close_on", "gte", "2026-06-01T12:00:00Z", False),
        ("deal.stage", "gte", "a", False),
        ("deal.owner", "exists", True, False),
        ("deal.owner", "exists", False, True),
        ("deal.empty", "exists", True, False),
        ("deal.nowhere", "exists", False, True),
        ("deal.nowhere", "eq", None, False),
        ("deal.stage.deeper", "exists", True, False),
        ("deal.stage", "changed_to", "offer", True),
        ("stage", "changed_to", ["offer", "won"], True),
        ("deal.stage", "changed_from", "talk", True),
        ("deal.rank", "changed_to", "13", True),
        ("deal.amount", "changed_to", 50_000, False),
        ("lead.stage", "changed_to", "offer", False),
        ("deal.stage", "resembles", "offer", False),
    ],
)
def test_holds(path: str, op: str, value: Any, expected: object) -> None:
    assert holds(Condition(path, op, value), SCOPE) is expected


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(
    anything,
    anything,
    st.sampled_from(["eq", "in", "gte", "lt", "exists", "changed_to", "changed_from"]),
    st.text(max_size=9),
)
def test_never_raises(found: object, wanted: object, op: str, path: str) -> None:
    scope = Scope({"deal": {"x": found}}, {}, RecordRef("deal", "D"), {"x": Change(wanted, found)})
    assert holds(Condition("deal.x", op, wanted), scope) in (True, False)
    assert holds(Condition(path, op, wanted), scope) in (True, False)


def test_what_the_event_says_comes_first_also_when_it_says_nothing_is_there() -> None:
    assert SCOPE.find("deal.owner") is None
    assert repr(SCOPE.find("deal.nowhere")) == repr(MISSING) == "MISSING"
