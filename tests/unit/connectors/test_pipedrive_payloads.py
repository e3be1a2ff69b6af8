"""Bodies that Pipedrive itself, or people who received them, have published."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.pipedrive.inbound import PipedriveInbound
from taskhub.events.model import Delivery, RecordRef
from taskhub.policy.policies import Connection
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.rules.plan import plan
from taskhub.sales.model import RecordState
from taskhub.sales.projection import apply_fields, project, side_statements

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
CONNECTION = Connection("crm", "pipedrive", LocalText("CRM"))
OUTCOMES = {
    "v1_activity_updated.json": ("accepted", ("activity.updated",), "activity:crm:12933"),
    "v1_deal_added.json": ("accepted", ("deal.created",), "deal:crm:1347"),
    "v2_activity_create.json": ("accepted", ("activity.created",), "activity:crm:2"),
    "v2_deal_change_custom_field.json": ("accepted", ("deal.updated",), "deal:crm:8"),
    "v2_deal_create.json": ("accepted", ("deal.created",), "deal:crm:8"),
    "v2_lead_change_marketplace_app.json": (
        "accepted",
        ("lead.updated",),
        "lead:crm:123456789-1234-1234-1234-123456789012",
    ),
    "v2_lead_create.json": ("accepted", ("lead.created",), "lead:crm:b1810230-6c0d-11ed-9826-a53d0eb706a5"),
    "v2_user_change.json": ("ignored", "entity_not_followed: user", None),
}
MOVES = {
    "v1_activity_updated.json": {"due_on": "2018-07-11"},
    "v2_lead_change_marketplace_app.json": {"amount": None, "currency": None},
}
RULES = (
    Rule("lead", ("lead.created",), tasks=(TaskTemplate("qualify", "Qualify {lead.title}"),)),
    Rule("deal", ("deal.created",), tasks=(TaskTemplate("contract", "Contract {deal.title}"),)),
    Rule("worth", ("lead.updated",), tasks=(TaskTemplate("check", "Check {lead.amount} {lead.currency}"),)),
)


@pytest.fixture
def folder(shared_data: Path) -> Path:
    return shared_data / "crm-events" / "pipedrive"


def read(path: Path) -> Delivery:
    [delivery] = PipedriveInbound().split_and_normalise(HookRequest(path.read_bytes(), NOW), CONNECTION)
    return delivery


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcome(folder: Path, name: str) -> None:
    delivery = read(folder / name)
    outcome, said, record = OUTCOMES[name]
    assert delivery.outcome == outcome
    assert (delivery.event.types if delivery.event else delivery.reason) == said
    assert delivery.subject == record
    assert delivery == read(folder / name)


@pytest.mark.parametrize("name", OUTCOMES)
def test_what_it_says_has_changed(folder: Path, name: str) -> None:
    event = read(folder / name).event
    noun = event.record.noun if event and event.record else ""
    assert (dict(event.previous) if event else {}) == ({noun: MOVES[name]} if name in MOVES else {})


def test_no_payload_is_left_out(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == set(OUTCOMES)


def work(deliveries: Iterable[Delivery]) -> tuple[dict[RecordRef, RecordState], dict[str, str]]:
    """Records and titles of tasks after ``deliveries``."""
    records: dict[RecordRef, RecordState] = {}
    tasks: dict[str, str] = {}
    for event in (delivery.event for delivery in deliveries if delivery.event):
        assert event.record is not None
        records[event.record], changes = project(records.get(event.record), event)
        for ref, fields in side_statements(event).items():
            records[ref] = apply_fields(records.get(ref), ref, fields, event.version)
        tasks.update({draft.origin: draft.title for draft in plan(event, changes, {}, RULES, {}).drafts})
    return records, tasks


def test_twice_and_in_any_order_they_end_in_the_same_work(folder: Path) -> None:
    deliveries = [read(folder / name) for name in OUTCOMES]
    records, tasks = work(deliveries)
    assert sorted(tasks.values()) == [
        "Check 123 BRL",
        "Contract BLABLA",
        "Contract Sample Org deal",
        "Qualify Lead Org lead",
    ]
    for seed in range(50):
        shuffled = [*deliveries, *deliveries]
        random.Random(seed).shuffle(shuffled)
        assert work(shuffled) == (records, tasks)
