"""A poll and a late webhook that tell of one change act once."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from taskhub.events.model import Event, RecordRef
from taskhub.sales.absorb import absorb, firings_of
from taskhub.sales.model import Changes, Firing
from taskhub.sales.projection import project
from taskhub.sales.stated import stated_changes

DEAL = RecordRef("deal", "D1")


def webhook(second: int, *types: str, previous: dict[str, Any] | None = None, **deal: Any) -> Event:
    at = datetime(2026, 5, 4, 9, 0, second, tzinfo=UTC)
    old = {"deal": previous} if previous else {}
    return Event("crm", f"w{second}", types, at, DEAL, {"deal": {"id": "D1", **deal}}, old)


def poll(second: int, **deal: Any) -> Event:
    return replace(webhook(second, "deal.updated", **deal), source="poll", states_change=False)


def polled(*events: Event) -> tuple[Firing, ...]:
    state, fired = None, ()
    for event in events:
        state, changes = project(state, event)
        fired = firings_of(event, changes)
    return fired


def meet(event: Event, fired: tuple[Firing, ...]) -> tuple[Changes, tuple[Firing, ...]]:
    return absorb(event, stated_changes(event), fired)


def test_a_late_webhook_is_absorbed_once() -> None:
    fired = polled(poll(1, stage="a"), poll(3, stage="b"))
    event = webhook(2, "deal.stage_changed", previous={"stage": "a"}, stage="b")
    changes, used = meet(event, fired)
    assert changes.reason == "absorbed"
    assert used == fired
    assert meet(event, ())[0].reason is None


def test_the_same_second_is_not_too_late() -> None:
    fired = polled(poll(1, stage="a"), poll(2, stage="b"))
    assert meet(webhook(2, "deal.stage_changed", stage="b"), fired)[0].reason == "absorbed"


def test_a_newer_move_is_not_absorbed() -> None:
    fired = polled(poll(1, stage="a"), poll(3, stage="b"))
    assert meet(webhook(4, "deal.stage_changed", stage="b"), fired) == (
        stated_changes(webhook(4, "deal.stage_changed", stage="b")),
        (),
    )


def test_another_value_is_not_absorbed() -> None:
    fired = polled(poll(1, stage="a"), poll(3, stage="c"))
    assert meet(webhook(2, "deal.stage_changed", stage="b"), fired)[0].reason is None


def test_what_the_poll_did_not_see_still_acts() -> None:
    fired = polled(poll(1, stage="a"), poll(3, stage="b"))
    event = webhook(
        2, "deal.won", "deal.stage_changed", previous={"stage": "a", "status": "open"}, stage="b", status="won"
    )
    changes, _ = meet(event, fired)
    assert changes.types == ("deal.won",)
    assert set(changes.fields) == {"status"}


def test_a_creation_is_absorbed_although_the_record_moved_on() -> None:
    fired = polled(poll(3, stage="b", amount=5))
    changes, used = meet(webhook(1, "deal.created", stage="a", amount=5), fired)
    assert changes.reason == "absorbed"
    assert {firing.field for firing in used} == {"created"}


def test_how_a_new_record_came_to_its_stage_is_heard_when_it_is_told() -> None:
    fired = polled(poll(3, stage="b", status="won"))
    moved, _ = meet(webhook(2, "deal.stage_changed", stage="b"), fired)
    assert (moved.reason, moved.types) == (None, ("deal.stage_changed",))
    won, _ = meet(webhook(3, "deal.won", previous={"status": "open"}, status="won"), fired)
    assert won.reason == "absorbed"


def test_what_the_word_of_an_end_says_beside_it_was_heard_with_it() -> None:
    fired = polled(poll(3, stage="b", status="lost", lost_reason="price"))
    was = {"status": "open", "lost_reason": None}
    lost, _ = meet(webhook(3, "deal.lost", previous=was, status="lost", lost_reason="price"), fired)
    assert lost.reason == "absorbed"


def test_self_contained_events_leave_nothing_to_remember() -> None:
    assert polled(webhook(1, "deal.created", stage="a")) == ()
    assert polled(poll(2, stage="a"), poll(1, stage="b")) == ()
