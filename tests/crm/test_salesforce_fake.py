"""What the fake Salesforce sends is shaped like what was published, and comes again until it is acknowledged."""

import random
from pathlib import Path
from xml.etree.ElementTree import Element

import defusedxml.ElementTree
import orjson
import pytest

from taskhub.testing.crm.salesforce import FakeSalesforce
from taskhub.testing.crm.salesforce.soap import ACK
from taskhub.testing.crm.sender import Answer, Parcel
from tests.crm.shapes import unlike

URL = "https://taskhub.test/hooks/crm/s"
OUT = "{http://soap.sforce.com/2005/09/outbound}"


def sending(*answers: Answer) -> tuple[FakeSalesforce, list[Parcel]]:
    """Answers in turn, the last for ever."""
    got: list[Parcel] = []

    def post(parcel: Parcel) -> Answer:
        got.append(parcel)
        return answers[min(len(got), len(answers)) - 1]

    fake = FakeSalesforce(post=post)
    fake.messages.url = fake.relay.url = URL
    return fake, got


def notifications(parcel: Parcel) -> list[str]:
    root = defusedxml.ElementTree.fromstring(parcel.body)
    return [str(one.findtext(f"{OUT}Id")) for one in root.iter(f"{OUT}Notification")]


def tags(element: Element) -> list[str]:
    return [child.tag for child in element]


def test_outbound_messages_are_built_like_the_published_one(shared_data: Path) -> None:
    published = defusedxml.ElementTree.fromstring(
        (shared_data / "crm-events/salesforce/outbound_message_three_leads.xml").read_bytes()
    )
    fake, got = sending(Answer(200, ACK))
    for number in range(3):
        fake.state.save([("Lead", None, {"Company": f"A & B {number}"})])
    fake.messages.run()
    made = defusedxml.ElementTree.fromstring(got[0].body)
    theirs, ours = (next(root.iter(f"{OUT}notifications")) for root in (published, made))
    assert tags(ours) == tags(theirs)
    theirs, ours = (next(root.iter(f"{OUT}Notification")) for root in (published, made))
    assert tags(ours) == tags(theirs)
    [kind] = [value for name, value in ours[1].attrib.items() if name.endswith("}type")]
    assert kind == "sf:Lead"
    names = {tag.partition("}")[2] for tag in tags(theirs[1])}
    assert {"Id", "Company", "Status", "OwnerId", "SystemModstamp", "IsConverted"} <= {
        tag.partition("}")[2] for tag in tags(ours[1])
    } & names


@pytest.mark.parametrize(("name", "entity", "kind"), [
    ("cdc_pubsub_opportunity_create", "Opportunity", "CREATE"), ("cdc_pubsub_lead_converted_update", "Lead", "UPDATE"),
    ("cdc_pubsub_gap_create", "Account", "GAP_CREATE"),
])  # fmt: skip
def test_change_events_have_the_header_of_published_ones(shared_data: Path, name: str, entity: str, kind: str) -> None:
    published = orjson.loads((shared_data / f"crm-events/salesforce/{name}.json").read_bytes())
    fake, got = sending(Answer(200))
    fake.faults.gaps = kind.startswith("GAP")
    [id] = fake.state.save([(entity, None, {})])
    if kind == "UPDATE":
        fake.state.save([(entity, id, {"Status": "Working - Contacted"})])
    fake.relay.sender.run()
    header = orjson.loads(got[-1].body)["ChangeEventHeader"]
    assert not unlike(header, published["ChangeEventHeader"])
    assert (header["changeType"], header["recordIds"]) == (kind, [id])
    assert bool(header["changedFields"]) is (kind == "UPDATE")


def test_an_overflow_names_no_record_and_shows_nothing() -> None:
    fake, got = sending(Answer(200))
    fake.faults.overflow = True
    fake.state.save([("Lead", None, {"Company": "Acme"})])
    fake.relay.sender.run()
    body = orjson.loads(got[-1].body)
    assert body["ChangeEventHeader"]["recordIds"] == ["000000000000000AAA"]
    assert {value for name, value in body.items() if name != "ChangeEventHeader"} == {None}


def test_messages_come_again_cut_anew_until_the_ack_is_true() -> None:
    refused = ACK.replace(b"true", b"false")
    fake, got = sending(Answer(200, refused), Answer(500), Answer(None), Answer(200, ACK))
    fake.faults.shuffle = random.Random(3)
    for number in range(150):
        fake.state.save([("Lead", None, {"Company": str(number)})])
    fake.messages.run_out()
    assert max(len(notifications(parcel)) for parcel in got) == 100
    acknowledged = [id for parcel in got[3:] for id in notifications(parcel)]
    assert len(acknowledged) == len(set(acknowledged)) == 150
    assert len({len(notifications(parcel)) for parcel in got}) > 2


def test_a_message_tells_what_the_record_holds_when_it_is_sent() -> None:
    fake, got = sending(Answer(None), Answer(200, ACK))
    [id] = fake.state.save([("Lead", None, {"Company": "Old"})])
    fake.messages.run()
    fake.state.records["Lead"][id]["Company"] = "New"
    fake.messages.run_out()
    assert b"Old" in got[0].body
    assert b"New" in got[1].body


def test_after_a_day_a_message_is_given_up() -> None:
    fake, got = sending(Answer(500))
    fake.state.save([("Lead", None, {})])
    fake.messages.run_out()
    hours = (got[-1].due_at - got[0].due_at).total_seconds() / 3600
    assert 20 < hours <= 24
    assert not fake.messages.sender.waiting
