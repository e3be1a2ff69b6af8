"""Messages that Microsoft itself, or people who received them, have published."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from taskhub.connectors.dynamics.inbound import DynamicsInbound
from taskhub.connectors.inbound import HookRequest
from taskhub.events.model import Delivery, RecordRef
from taskhub.policy.policies import Connection
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.rules.plan import plan
from taskhub.sales.model import RecordState
from taskhub.sales.projection import apply_fields, project, side_statements

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
CONNECTION = Connection("crm", "dynamics", LocalText("CRM"))
OUTCOMES = {
    "activity_setstate_update_async_pre_image.json": ("ignored", "entity_not_followed: new_customactivity", None),
    "agentstatus_update_async.json": ("ignored", "entity_not_followed: msdyn_agentstatus", None),
    "contact_update_async_post_image.json": (
        "accepted",
        ("contact.updated",),
        "contact:crm:6d81597f-0f9f-e711-8122-000d3aa2331c",
    ),
    "lead_create_sync.json": ("accepted", ("lead.created",), "lead:crm:e837c9ec-8151-e811-a950-000d3a391928"),
    "opportunity_assign_by_qualifylead_async.json": (
        "accepted",
        ("deal.updated",),
        "deal:crm:b77cca08-7450-e911-a95c-000d3a454977",
    ),
}
RULES = (
    Rule("lead", ("lead.created",), tasks=(TaskTemplate("qualify", "Qualify {lead.title}"),)),
    Rule("deal", ("deal.updated",), tasks=(TaskTemplate("contract", "Contract {deal.title}"),)),
    Rule("contact", ("contact.updated",), tasks=(TaskTemplate("check", "Check {contact.name}"),)),
)


@pytest.fixture
def folder(shared_data: Path) -> Path:
    return shared_data / "crm-events" / "dataverse"


def read(path: Path, connection: Connection = CONNECTION) -> Delivery:
    [delivery] = DynamicsInbound().split_and_normalise(HookRequest(path.read_bytes(), NOW), connection)
    return delivery


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcome(folder: Path, name: str) -> None:
    delivery = read(folder / name)
    outcome, said, record = OUTCOMES[name]
    assert delivery.outcome == outcome
    assert (delivery.event.types if delivery.event else delivery.reason) == said
    assert delivery.subject == record
    assert delivery == read(folder / name)


def test_no_payload_is_left_out(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == set(OUTCOMES)


def test_the_deal_knows_the_lead_it_came_from(folder: Path) -> None:
    event = read(folder / "opportunity_assign_by_qualifylead_async.json").event
    assert event is not None
    assert event.data["deal"] == {
        "id": "crm:b77cca08-7450-e911-a95c-000d3a454977",
        "title": "VC | usery usery",
        "owner": "crm:5979df9d-59ea-e811-a86f-000d3a265f6f",
        "lead": "crm:e5f42b68-e14f-e911-a958-000d3a454330",
    }


def test_an_activity_of_their_own_once_the_connection_names_its_table(folder: Path) -> None:
    mapped = Connection("crm", "dynamics", LocalText("CRM"), settings={"entities": {"new_customactivity": "activity"}})
    event = read(folder / "activity_setstate_update_async_pre_image.json", mapped).event
    assert event is not None
    assert event.types == ("activity.updated",)
    assert event.data["activity"]["title"] == "This is a subject"
    assert event.occurred_at == datetime(2024, 8, 26, 7, 43, 16, tzinfo=UTC)


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
    assert sorted(tasks.values()) == ["Check James Glynn (sample)", "Contract VC | usery usery", "Qualify Hello there!"]
    for seed in range(50):
        shuffled = [*deliveries, *deliveries]
        random.Random(seed).shuffle(shuffled)
        assert work(shuffled) == (records, tasks)
