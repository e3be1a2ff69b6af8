"""What events state, and what is known after them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from taskhub.events.cloudevents import read_structured
from taskhub.events.model import Event, RecordRef
from taskhub.sales.model import Change, RecordState
from taskhub.sales.projection import apply_fields, project, side_statements
from taskhub.sales.stated import change_key, stated_changes, statements

LEAD = RecordRef("lead", "L1")


def told(type_: str, second: int = 0, *, id_: str | None = None, source: str = "crm", **data: Any) -> Event:
    envelope = {
        "specversion": "1.0",
        "id": id_ or f"e{second}",
        "source": source,
        "type": type_,
        "subject": "L1" if type_.startswith("lead") else "D1",
        "time": f"2026-05-04T09:00:{second:02}Z",
        "data": data,
    }
    event = read_structured(envelope, datetime(2026, 5, 4, tzinfo=UTC)).event
    assert event is not None
    return event


def shown(second: int, **deal: Any) -> Event:
    """A state-only event: a poll's reading of a deal."""
    at = datetime(2026, 5, 4, 9, 0, second, tzinfo=UTC)
    ref = RecordRef("deal", "D1")
    return Event("poll", f"p{second}", ("deal.updated",), at, ref, {"deal": {"id": "D1", **deal}}, states_change=False)


def after(*events: Event) -> RecordState:
    state: RecordState | None = None
    for event in events:
        state, _ = project(state, event)
    assert state is not None
    return state


class TestStatements:
    @pytest.mark.parametrize(
        ("type_", "status"),
        [
            ("lead.created", "open"),
            ("lead.lost", "lost"),
            ("lead.converted", "converted"),
            ("lead.reopened", "open"),
            ("deal.won", "won"),
            ("deal.lost", "lost"),
            ("deal.created", "open"),
        ],
    )
    def test_the_type_decides_the_status(self, type_: str, status: str) -> None:
        assert after(told(type_, lead={"status": "weird"}, deal={"status": "weird"})).fields["status"] == status

    def test_other_types_leave_the_status_alone(self) -> None:
        assert "status" not in after(told("lead.updated", lead={"email": "a@example.org"})).fields

    def test_a_senders_own_status_is_kept_beside_ours(self) -> None:
        fields = after(told("lead.created", lead={"status": "warm"})).fields
        assert (fields["status"], fields["status_label"]) == ("open", "warm")

    def test_a_record_created_as_won_is_won(self) -> None:
        assert after(told("deal.created", deal={"status": "won"})).fields["status"] == "won"

    def test_reopening_forgets_the_reason(self) -> None:
        state = after(told("deal.lost", 1, deal={"lost_reason": "price"}), told("deal.reopened", 2))
        assert (state.fields["status"], state.fields["lost_reason"]) == ("open", None)

    def test_a_completed_activity_is_done(self) -> None:
        event = told("activity.completed", activity={"id": "A1", "done": False}, previous={"done": False})
        assert after(event).fields["done"] is True
        assert stated_changes(event).fields == {"done": Change(False, True)}

    def test_other_records_in_the_event(self) -> None:
        event = told("lead.converted", lead={"name": "A"}, deal={"id": "D1", "amount": 5}, contact={"name": "no id"})
        assert side_statements(event) == {RecordRef("deal", "D1"): {"amount": 5, "lead": "L1"}}
        assert statements(event)[LEAD] == {"name": "A", "deal": "D1", "status": "converted"}


class TestChanges:
    def test_a_creation_states_every_field(self) -> None:
        changes = stated_changes(told("lead.created", lead={"name": "A", "email": None}))
        assert changes.fields == {"name": Change(None, "A"), "status": Change(None, "open")}

    def test_a_stage_change_states_the_stage(self) -> None:
        changes = stated_changes(told("lead.stage_changed", lead={"stage": "b", "name": "A"}))
        assert changes.fields == {"stage": Change(None, "b")}

    def test_previous_states_what_it_names(self) -> None:
        event = told(
            "lead.updated", lead={"email": "b", "name": "A"}, previous={"email": "a", "name": "A", "phone": "1"}
        )
        assert stated_changes(event).fields == {"email": Change("a", "b")}

    def test_a_win_states_the_status(self) -> None:
        changes = stated_changes(told("deal.won", previous={"status": "open"}))
        assert changes.fields == {"status": Change("open", "won")}

    def test_a_stale_event_states_the_same(self) -> None:
        early, late = (
            told("lead.stage_changed", 1, lead={"stage": "b"}),
            told("lead.stage_changed", 2, lead={"stage": "c"}),
        )
        state, _ = project(None, late)
        assert project(state, early)[1] == project(None, early)[1]


class TestVersions:
    def test_an_older_event_fills_only_what_no_newer_one_set(self) -> None:
        newer = told("lead.stage_changed", 2, lead={"stage": "offer"})
        older = told("lead.created", 1, lead={"stage": "new", "name": "A"})
        state = after(newer, older)
        assert state.fields == {"stage": "offer", "name": "A", "status": "open"}
        assert state == after(older, newer)
        assert (state.first_seen, state.last_changed) == (older.occurred_at, newer.occurred_at)

    def test_null_clears(self) -> None:
        assert (
            after(told("lead.created", 1, lead={"email": "a"}), told("lead.updated", 2, lead={"email": None})).fields[
                "email"
            ]
            is None
        )

    def test_versions_3_1_2(self) -> None:
        events = {n: told("lead.stage_changed", n, lead={"stage": f"s{n}"}) for n in (1, 2, 3)}
        assert after(events[3], events[1], events[2]) == after(events[1], events[2], events[3])

    def test_the_same_instant_is_settled_by_id_then_source(self) -> None:
        one = told("lead.stage_changed", 1, id_="a", lead={"stage": "x"})
        two = told("lead.stage_changed", 1, id_="b", lead={"stage": "y"})
        three = told("lead.stage_changed", 1, id_="b", source="erp", lead={"stage": "z"})
        assert after(one, two, three) == after(three, two, one)
        assert after(one, two, three).fields["stage"] == "z"

    def test_side_statements_follow_the_same_rule(self) -> None:
        state = after(told("lead.created", 1, lead={"name": "A"}))
        event = told("deal.won", 2, lead={"id": "L1", "name": "B", "stage": "x"})
        state = apply_fields(state, LEAD, side_statements(event)[LEAD], event.version)
        assert (state.fields["name"], state.fields["stage"]) == ("B", "x")


class TestStateOnly:
    def test_the_first_reading_is_a_creation(self) -> None:
        _, changes = project(None, shown(1, status="won", amount=5))
        assert changes.types == ("deal.won", "deal.created")

    def test_only_the_difference_counts(self) -> None:
        state, _ = project(None, shown(1, status="open", amount=5, stage="a"))
        _, changes = project(state, shown(2, status="won", amount=5, stage="b"))
        assert changes.types == ("deal.won", "deal.stage_changed")
        assert changes.fields == {"status": Change("open", "won"), "stage": Change("a", "b")}

    def test_nothing_new(self) -> None:
        state, _ = project(None, shown(1, amount=5))
        assert project(state, shown(2, amount=5))[1].reason == "no_change"

    def test_older_than_what_is_known(self) -> None:
        state, _ = project(None, shown(2, amount=5))
        after_, changes = project(state, shown(1, amount=4, title="T"))
        assert changes.reason == "stale"
        assert after_.fields == {"amount": 5, "title": "T"}

    def test_the_newer_fields_of_a_part_are_news_and_the_older_ones_are_not(self) -> None:
        state, _ = project(None, shown(1, status="open", title="A"))
        state, _ = project(state, replace(shown(3, title="C"), partial=True))
        part = replace(shown(2, status="won", title="B"), partial=True)
        state, changes = project(state, part)
        assert state.fields == {"status": "won", "title": "C"}
        assert (changes.types, changes.reason) == (("deal.won",), None)
        assert changes.fields == {"status": Change("open", "won")}
        older = replace(shown(0, status="lost", title="Z"), partial=True)
        assert project(state, older)[1].reason == "stale"


class TestChangeKey:
    def key(self, event: Event) -> str:
        return change_key(event, stated_changes(event))

    def test_two_reports_of_one_change_meet(self) -> None:
        one = told("lead.stage_changed", id_="a", lead={"stage": "b", "name": "A"}, previous={"stage": "a"})
        two = told("lead.stage_changed", id_="b", source="erp", lead={"stage": "b"})
        assert self.key(one) == self.key(two)

    def test_a_report_that_shows_more_beside_the_deciding_field_meets_them_too(self) -> None:
        one = told("deal.won", id_="a", deal={"amount": 7}, previous={"status": "open"})
        two = told("deal.won", id_="b", deal={"amount": 7}, previous={"status": "open", "amount": 5})
        assert stated_changes(one).fields.keys() != stated_changes(two).fields.keys()
        assert self.key(one) == self.key(two)
        state, _ = project(None, shown(0, status="open", title="T"))
        _, changes = project(state, replace(shown(0, status="won", title="T2"), external_id="p1"))
        assert change_key(two, changes) == self.key(two)

    def test_without_a_deciding_field_all_that_moved_counts(self) -> None:
        one, two = (told("deal.updated", deal={"amount": 7, "title": "T"}, previous=old)
                    for old in ({"amount": 5}, {"amount": 5, "title": "S"}))  # fmt: skip
        assert self.key(one) != self.key(two)

    @pytest.mark.parametrize(
        "other",
        [
            told("lead.stage_changed", 0, lead={"stage": "c"}),
            told("lead.stage_changed", 1, lead={"stage": "b"}),
            told("lead.stage_changed", 0, lead={"id": "L2", "stage": "b"}),
        ],
    )
    def test_other_changes_do_not(self, other: Event) -> None:
        assert self.key(told("lead.stage_changed", lead={"stage": "b"})) != self.key(other)

    def test_without_a_moved_field_every_event_is_its_own(self) -> None:
        one, two = (told("lead.updated", id_=id_, lead={"name": "A"}) for id_ in "ab")
        assert self.key(one) != self.key(two)
        assert self.key(one) == self.key(told("lead.updated", id_="a", lead={"name": "A"}))


def test_an_event_without_a_record_has_no_projection() -> None:
    event = told("com.example.x")
    assert event.record is None
    assert stated_changes(event).ref is None
    with pytest.raises(ValueError, match="no record"):
        project(None, event)
