"""For whom an event about a merged record is meant: by its instant, along chains, with its links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from taskhub.events.model import Event, RecordRef
from taskhub.sales.duplicates.following import Way, end, followed, named, place

T0 = datetime(2026, 5, 4, 9, tzinfo=UTC)
A, B, C = (RecordRef("lead", letter) for letter in "abc")
CHAIN = {A: Way(B, T0 + timedelta(hours=1)), B: Way(C, T0 + timedelta(hours=2), frozenset({"phone"}))}


def event(hour: float, type_: str = "lead.updated", ref: RecordRef = A, **fields: Any) -> Event:
    data = {ref.noun: {"id": ref.id, **fields}}
    return Event("s", "1", (type_,), T0 + timedelta(hours=hour), ref, data)


def test_the_instant_says_about_whom_a_word_is() -> None:
    assert [place(A, T0 + timedelta(hours=hour), CHAIN) for hour in (0.5, 1, 1.5, 2, 3)] == [A, A, B, B, C]
    assert [end(ref, CHAIN) for ref in (A, B, C)] == [C, C, C]


def test_a_circle_ends() -> None:
    circle = {A: Way(B, T0), B: Way(A, T0)}
    assert end(A, circle) in (A, B)
    assert place(A, T0 + timedelta(hours=1), circle) in (A, B)


def test_without_merges_it_is_the_same_event() -> None:
    one = event(1, name="Ann")
    assert followed(one, {}).event is one
    assert named(event(1, account="x", owner="bob")) == [RecordRef("account", "x"), A]


def test_after_all_merges_it_is_about_the_last_and_the_others_hear_it() -> None:
    went = followed(event(3, name="Ann", deleted=False), CHAIN)
    assert (went.event.record, went.event.data["lead"], went.late) == (C, {"id": "c", "name": "Ann"}, None)
    assert went.also == {A: {"name": "Ann"}, B: {"name": "Ann"}}


def test_before_all_merges_it_is_about_itself_and_the_last_takes_what_a_merge_takes() -> None:
    said = {"name": "Ann", "phone": "1", "stage": "new", "owner": "bob", "email": None, "account": "x"}
    went = followed(event(0.5, "lead.lost", **said), CHAIN)
    assert (went.event.record, went.event.data["lead"]["id"], went.late) == (A, "a", C)
    assert went.also == {B: {"name": "Ann"}, C: {"name": "Ann"}}, (
        "no step of the way, no link, nothing empty, nothing that was chosen"
    )


def test_between_two_merges_it_is_about_the_one_there_was() -> None:
    went = followed(event(1.5, name="Ann"), CHAIN)
    assert (went.event.record, went.event.data["lead"]["id"], went.late) == (B, "b", C)
    assert went.also == {A: {"name": "Ann"}, C: {"name": "Ann"}}


def test_that_a_record_that_is_gone_is_deleted_is_nobody_elses_business() -> None:
    went = followed(event(3, "lead.deleted", deleted=True), CHAIN)
    assert (went.spent, went.event.record, went.also) == (True, A, {})


def test_links_and_records_told_beside_lead_to_the_end() -> None:
    one = event(0.5, "deal.updated", RecordRef("deal", "d"), lead="a")
    told = Event(one.source, "1", one.types, one.occurred_at, one.record,
                 {**one.data, "lead": {"id": "a", "name": "Ann", "status": "lost"}},
                 {"deal": {"lead": "b"}})  # fmt: skip
    went = followed(told, CHAIN)
    assert went.event.data["deal"]["lead"] == "c"
    assert went.event.data["lead"] == {"id": "c", "name": "Ann"}
    assert went.event.previous == {"deal": {"lead": "c"}}
    assert went.also[A] == {"name": "Ann", "status": "lost"}
    assert went.late is None
