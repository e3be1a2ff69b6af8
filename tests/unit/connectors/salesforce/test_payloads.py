"""Bodies that Salesforce itself, or people who received them, have published."""

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from taskhub.connectors.salesforce import soap
from taskhub.errors import InvalidInput
from taskhub.events.model import Delivery, RecordRef
from taskhub.policy.policies import Connection
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.rules.plan import plan
from taskhub.sales.model import RecordState
from taskhub.sales.projection import apply_fields, project, side_statements
from taskhub.sales.stated import stated_changes
from tests.unit.connectors.salesforce.said import read

CONNECTION = Connection("crm", "salesforce", LocalText("CRM"), settings={"entities": {"Lead1": "lead"}})
# By file: what becomes of each fact in it, as (outcome, types or reason, record).
OUTCOMES = {
    "cdc_cometd_account_create.json": [("accepted", ("account.created",), "account:crm:0015f00002J9YaUAAV")],
    "cdc_pubsub_gap_create.json": [("ignored", "reread_needed: gap_create", "account:crm:001ZM000001n4n5YAA")],
    "cdc_pubsub_lead_converted_update.json": [
        ("accepted", ("lead.converted", "lead.stage_changed", "lead.updated"), "lead:crm:00Q5f000005bwLFEAY")
    ],
    "cdc_pubsub_opportunity_create.json": [("accepted", ("deal.created",), "deal:crm:006SM0000001Tb3YAE")],
    "cdc_relayed_lead_status_update_minimal.json": [
        ("accepted", ("lead.stage_changed",), "lead:crm:00Q1t00000xxxxxEAA")
    ],
    "outbound_message_three_leads.xml": [
        ("accepted", ("lead.updated",), "lead:crm:0123456789ABCDEEAE"),
        ("ignored", "entity_not_followed: Lead2", None),
        ("ignored", "entity_not_followed: Lead3", None),
    ],
    "platform_event_cometd.json": [("accepted", ("salesforce.Low_Ink__e",), None)],
}
REFUSED = {"outbound_message_ack_response.xml"}
RULES = (
    Rule("lead", ("lead.created",), tasks=(TaskTemplate("qualify", "Qualify {lead.name}"),)),
    Rule("deal", ("deal.created",), tasks=(TaskTemplate("offer", "Offer {deal.title}"),)),
    Rule("contacted", ("lead.stage_changed",), tasks=(TaskTemplate("check", "Check {lead.stage}"),)),
    Rule("converted", ("lead.converted",), tasks=(TaskTemplate("contract", "Contract {lead.deal}"),)),
    Rule("ink", ("salesforce.Low_Ink__e",), tasks=(TaskTemplate("ink", "Ink for {data.Printer_Model__c}"),)),
)


@pytest.fixture
def folder(shared_data: Path) -> Path:
    return shared_data / "crm-events" / "salesforce"


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcome(folder: Path, name: str) -> None:
    found = read((folder / name).read_bytes(), CONNECTION)
    told = [(one.outcome, one.event.types if one.event else one.reason, one.subject) for one in found]
    assert told == OUTCOMES[name]
    assert found == read((folder / name).read_bytes(), CONNECTION)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(folder: Path, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read((folder / name).read_bytes(), CONNECTION)
    assert refused.value.stable_code == "no_envelope"


def test_no_payload_is_left_out(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == set(OUTCOMES) | REFUSED


def test_the_conversion_says_what_the_guide_says_it_says(folder: Path) -> None:
    [delivery] = read((folder / "cdc_pubsub_lead_converted_update.json").read_bytes(), CONNECTION)
    assert delivery.event is not None
    moved = stated_changes(delivery.event).fields
    assert {name: change.new for name, change in moved.items()} == {
        "stage": "Closed - Converted",
        "status": "converted",
        "account": "crm:0015f00002JUX1JAAX",
        "contact": "crm:0035f00002EztxDAAR",
        "deal": "crm:0065f00000UloqVAAR",
    }


def test_the_published_session_id_is_nowhere(folder: Path) -> None:
    body = (folder / "outbound_message_three_leads.xml").read_bytes()
    session = body.partition(b"<SessionId>")[2].partition(b"</SessionId>")[0].decode()
    assert len(session) > 50
    assert session not in repr(read(body, CONNECTION))
    assert session not in repr(soap.read_message(body))


def test_the_published_answer_is_ours(folder: Path) -> None:
    published = (folder / "outbound_message_ack_response.xml").read_text()
    bare = "".join(published.split()).replace('xmlns:xsd="http://www.w3.org/2001/XMLSchema"', "")
    bare = bare.replace('xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"', "")
    assert "".join(soap.acknowledgement().decode().split()) == bare


def work(deliveries: Iterable[Delivery]) -> tuple[dict[RecordRef, RecordState], dict[str, str]]:
    """Records and titles of tasks after ``deliveries``."""
    records: dict[RecordRef, RecordState] = {}
    tasks: dict[str, str] = {}
    for event in (delivery.event for delivery in deliveries if delivery.event):
        changes = stated_changes(event)
        if event.record is not None:
            records[event.record], changes = project(records.get(event.record), event)
            for ref, fields in side_statements(event).items():
                records[ref] = apply_fields(records.get(ref), ref, fields, event.version)
        tasks.update({draft.origin: draft.title for draft in plan(event, changes, {}, RULES, {}).drafts})
    return records, tasks


def test_thrice_and_in_any_order_they_end_in_the_same_work(folder: Path) -> None:
    deliveries = [one for name in OUTCOMES for one in read((folder / name).read_bytes(), CONNECTION)]
    records, tasks = work(deliveries)
    assert sorted(tasks.values()) == [
        "Check Closed - Converted",
        "Check Working - Contacted",
        "Contract crm:0065f00000UloqVAAR",
        "Ink for XZO-5",
        "Offer Acme - 400 Widgets",
        "Qualify Sample Lead",
    ]
    for seed in range(50):
        shuffled = [*deliveries, *deliveries, *deliveries]
        random.Random(seed).shuffle(shuffled)
        assert work(shuffled) == (records, tasks)


def test_another_connection_has_other_records(folder: Path) -> None:
    body = (folder / "cdc_pubsub_opportunity_create.json").read_bytes()
    [one], [two] = read(body, CONNECTION), read(body, replace(CONNECTION, key="other"))
    assert one.subject != two.subject
    assert one.delivery_key != two.delivery_key
