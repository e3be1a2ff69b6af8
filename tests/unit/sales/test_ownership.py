"""Whose a record is, and whose word about it counts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.events.model import Event, RecordRef
from taskhub.events.own import SOURCE
from taskhub.policy.policies import Connection
from taskhub.policy.text import LocalText
from taskhub.sales.model import RecordState
from taskhub.sales.ownership import OWNED, first_owner, heard, heard_beside, owner_of

LEAD = RecordRef("lead", "crm:7")
NAMED = {
    key: Connection(key, system, LocalText(key))
    for key, system in (("crm", "pipedrive"), ("signed", "standard_webhooks"))
}


def told(second: int, type_: str = "lead.updated", connection: str | None = None, **fields: Any) -> Event:
    at = datetime(2026, 5, 4, 9, 0, tzinfo=UTC) + timedelta(seconds=second)
    return Event("x", f"e{second}", (type_,), at, LEAD, {"lead": {"id": LEAD.id, **fields}}, connection=connection)


def theirs(**fields: Any) -> RecordState:
    return heard(None, told(1, "lead.created", "crm", **fields))[0]


def test_a_record_without_an_owner_becomes_the_crms_at_its_first_word() -> None:
    before, _ = heard(None, told(1, title="A"))
    assert before.connection is None
    after, _ = heard(before, told(2, "lead.updated", "crm", title="B"))
    assert (after.connection, after.fields["title"]) == ("crm", "B")
    assert heard_beside(before, told(2, connection="crm"), LEAD, {"title": "B"}).connection == "crm"
    assert heard(before, told(2, connection="other"))[0].connection is None


@pytest.mark.parametrize(("type_", "reason"), [("lead.lost", OWNED), ("lead.created", OWNED), ("mail.opened", None)])
def test_nobody_else_is_believed_about_it(type_: str, reason: str | None) -> None:
    before = theirs(title="A")
    after, changes = heard(before, told(2, type_, title="B"))
    assert (after, changes.reason, dict(changes.fields)) == (before, reason, {})
    assert heard_beside(before, told(2), LEAD, {"title": "B"}) == before


def test_what_was_done_here_and_what_was_taken_in_already_counts() -> None:
    before = theirs(title="A")
    after, changes = heard(before, replace(told(2, "lead.updated", title="B"), source=SOURCE))
    assert (after.fields["title"], changes.reason) == ("B", None)
    brought = told(1, "lead.created", title="A")
    owned = replace(heard(None, brought)[0], connection="crm")
    assert heard(owned, brought)[1].reason is None


@pytest.mark.parametrize(
    ("id_", "key"), [("crm:7", "crm"), ("crm:", None), ("crm", None), ("other:7", None), ("signed:7", None)]
)
def test_an_id_names_its_owner(id_: str, key: str | None) -> None:
    assert owner_of(id_, NAMED) == key


def test_a_signed_sender_is_not_believed_about_what_a_crm_owns() -> None:
    before = theirs(title="A")
    after, changes = heard(before, told(2, "lead.lost", "signed", title="B"))
    assert (after, changes.reason) == (before, OWNED)
    assert heard_beside(before, told(2, connection="signed"), LEAD, {"title": "B"}) == before
    assert heard(before, told(2, "lead.lost", "other", title="B"))[0] == before


def test_a_signed_sender_that_named_it_first_does_not_own_it() -> None:
    named = told(1, "lead.created", "signed", title="A")
    assert first_owner("crm:7", named, NAMED) is None
    assert first_owner("crm:7", told(1, connection="crm"), NAMED) == "crm"
    assert first_owner("7", named, NAMED) == "signed"
    # One that was taken for its own is the CRM's at its next word.
    taken = replace(heard(None, named)[0], connection="signed")
    after, _ = heard(taken, told(2, "lead.updated", "crm", title="B"))
    assert (after.connection, after.fields["title"]) == ("crm", "B")


def test_what_signed_senders_brought_any_of_them_may_tell_of() -> None:
    brought = replace(heard(None, told(1, "lead.created", "signed", title="A"))[0], connection="signed")
    assert heard(brought, told(2, "lead.updated", "another", title="B"))[0].fields["title"] == "B"
