"""Every failpoint has a name of its own and says in README.md what a crash there would leave."""

from __future__ import annotations

from tests.faults import places


def test_there_are_enough_failpoints_and_each_name_stands_once() -> None:
    found = places.in_source()
    assert len(found) >= 40
    assert [name for name, count in found.items() if count > 1] == []


def test_each_is_documented_and_nothing_else() -> None:
    listed = places.documented()
    assert len(listed) == len(set(listed))
    assert sorted(listed) == sorted(places.in_source())
