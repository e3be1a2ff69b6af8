"""Which events a row of history is, how they look, and how deliveries to one receiver keep out of each other's way."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from taskhub.connectors.sending.lanes import LONGEST, SHORTEST, STUCK, Lanes
from taskhub.connectors.sending.news import Fact, envelope, types_of
from taskhub.db.handler import NotYet
from taskhub.events.cloudevents import OWN
from taskhub.policy.reading.vocabulary import EVENT_TYPES
from taskhub.policy.sending import SALES_EVENTS, SENT, Sending

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("act", "change", "types"),
    [
        ("create", {"state": "queued"}, "task.created"),
        ("offer", {"state": "assigned", "from": "queued", "agent": "zoe"}, "task.assigned"),
        ("start", {"state": "in_progress", "from": "assigned"}, "task.started"),
        ("claim", {"state": "in_progress", "from": "queued", "agent": "zoe"}, "task.assigned task.started"),
        ("hand_over", {"agent": "ben"}, "task.assigned"),
        ("pause", {"state": "paused", "from": "in_progress"}, "task.paused"),
        ("resume", {"state": "in_progress", "from": "paused"}, "task.resumed"),
        ("release", {"state": "queued", "from": "in_progress", "agent": None}, "task.unassigned"),
        ("complete", {"state": "completed", "from": "in_progress", "outcome": "ok"}, "task.completed"),
        ("cancel", {"state": "cancelled", "from": "assigned", "agent": None}, "task.cancelled"),
        ("reopen", {"state": "queued", "from": "completed"}, "task.reopened"),
        ("unblock", {"state": "queued", "from": "blocked"}, ""),
        ("patch", {"priority": 2}, ""),
        ("sla.warned", {"sla_state": "at_risk", "target": "completion"}, "sla.warned"),
        ("sla.breached", {"target": "first_start"}, "sla.breached"),
    ],
)
def test_what_a_row_of_history_is(act: str, change: dict[str, Any], types: str) -> None:
    found = types_of(act, change)
    assert found == tuple(types.split())
    assert set(found) <= set(SENT)


def test_sales_events_are_those_that_rules_know() -> None:
    assert set(SALES_EVENTS) <= set(EVENT_TYPES)


def test_an_event_in_full() -> None:
    told = json.loads(envelope(Fact("task.completed", "t1", {"task": {"due_at": AT}}, AT, 7), "e1"))
    assert told == {
        "specversion": "1.0", "id": "e1", "source": OWN, "type": "task.completed", "subject": "t1",
        "time": "2026-03-02T09:30:00Z", "datacontenttype": "application/json", "sequence": "0000000007",
        "data": {"task": {"due_at": "2026-03-02T09:30:00Z"}},
    }  # fmt: skip
    assert "sequence" not in json.loads(envelope(Fact("lead.lost", "l1", {}, AT), "e1"))


@pytest.mark.parametrize(
    ("events", "type_", "wanted"),
    [
        (("task.*",), "task.created", True), (("task.*",), "sla.breached", False), (("*",), "deal.won", True),
        (("deal.won",), "deal.won", True), (("deal.won",), "deal.lost", False),
    ],
)  # fmt: skip
def test_what_is_wanted(events: tuple[str, ...], type_: str, wanted: bool) -> None:
    assert Sending("https://a.example", events).wants(type_) is wanted


class Seconds:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def sent_away(lanes: Lanes, receiver: str) -> float:
    with pytest.raises(NotYet) as found, lanes.of(receiver):
        pass
    return found.value.wait.total_seconds()


def test_one_at_a_time_and_nobody_waits_for_a_neighbour() -> None:
    lanes = Lanes(Seconds())
    with lanes.of("slow"):
        assert sent_away(lanes, "slow") == pytest.approx(SHORTEST)
        with lanes.of("quick"):
            pass
        with lanes.of("quick"):
            pass
    with lanes.of("slow"):
        pass


def test_who_is_sent_away_has_a_place_of_its_own() -> None:
    clock = Seconds()
    lanes = Lanes(clock)
    with lanes.of("slow"):
        clock.now += 10
    with lanes.of("slow"):
        assert [sent_away(lanes, "slow") for _ in range(8)] == [10, 20, 30, 40, 50, LONGEST, LONGEST, 10]
        # Once there are places up to the longest wait, the next begin in front again: none runs away.
        clock.now += 1
    # It answers again: the old places are forgotten.
    with lanes.of("slow"):
        assert sent_away(lanes, "slow") == pytest.approx(1)


def test_one_that_never_ends_loses_its_lane_and_does_not_free_its_successors() -> None:
    clock = Seconds()
    lanes = Lanes(clock)
    with lanes.of("slow"):
        clock.now += STUCK - 1
        sent_away(lanes, "slow")
        clock.now += 1
        hangs = contextlib.ExitStack()
        hangs.enter_context(lanes.of("slow"))
    sent_away(lanes, "slow")
    hangs.close()
    with lanes.of("slow"):
        pass


def test_a_delivery_that_fails_leaves_its_lane() -> None:
    lanes = Lanes()

    def fail() -> None:
        with lanes.of("one"):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with lanes.of("one"):
        pass
