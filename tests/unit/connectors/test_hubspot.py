"""HubSpot's notifications: who may send, what each becomes, and how a repetition is known."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from taskhub.connectors.hubspot.inbound import HubSpotInbound
from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.registry import inbound_for
from taskhub.errors import InvalidInput, Unauthenticated
from taskhub.events.model import Delivery
from taskhub.policy.policies import Connection
from taskhub.policy.text import LocalText
from taskhub.sales.projection import project
from tests.unit.policy.small import SMALL, accepted, refused

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
MS = round(NOW.timestamp() * 1000)
ADDRESS = "https://hub.example/hooks/hs"
CONNECTION = Connection(
    "hs",
    "hubspot",
    LocalText("HubSpot"),
    fields={"contact": {"lifecycle": "lifecyclestage"}},
    stages={"deal": {"qualifiedtobuy": "talk"}},
    users={"7": "ana"},
    settings={"address": ADDRESS, "statuses": {"deal": {"998": "lost"}}, "pipelines": {"default": "sales"}},
)


def change(name: str, value: Any, about: str = "deal", **more: Any) -> dict[str, Any]:
    told = {"objectId": 5, "propertyName": name, "propertyValue": value, "portalId": 33, "eventId": 1, "appId": 2}
    at = {"subscriptionType": f"{about}.propertyChange", "subscriptionId": 9, "attemptNumber": 0, "occurredAt": MS}
    return {**told, **at, **more}


def read(*items: Any, connection: Connection = CONNECTION) -> list[Delivery]:
    return HubSpotInbound().split_and_normalise(HookRequest(json.dumps(items).encode(), NOW), connection)


def fields(item: dict[str, Any]) -> dict[str, Any]:
    [delivery] = read(item)
    assert delivery.event is not None, delivery.reason
    assert delivery.event.record is not None
    told = dict(delivery.event.data[delivery.event.record.noun])
    assert told.pop("id") == "hs:5"
    return told


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (change("dealname", "Press"), {"title": "Press"}),
        (change("amount", "1200.5"), {"amount": 1200.5}),
        (change("amount", ""), {"amount": None}),
        (change("dealstage", "qualifiedtobuy"), {"stage": "talk", "status": "open"}),
        (change("dealstage", "closedwon"), {"stage": "closedwon", "status": "won"}),
        (change("dealstage", "998"), {"stage": "998", "status": "lost"}),
        (change("pipeline", "default"), {"pipeline": "sales"}),
        (change("hubspot_owner_id", "7"), {"owner": "ana"}),
        (change("hubspot_owner_id", "8"), {"owner": "hs:8"}),
        (change("closedate", str(MS)), {"expected_close_on": "2026-05-04"}),
        (change("lifecyclestage", "lead", "contact"), {"lifecycle": "lead"}),
        (change("name", "Acme", "company"), {"name": "Acme"}),
        (change("", "", subscriptionType="deal.deletion"), {"deleted": True}),
        (change("", "", subscriptionType="contact.creation"), {}),
    ],
)
def test_fields(item: dict[str, Any], told: dict[str, Any]) -> None:
    assert fields(item) == told


def test_a_property_is_a_state_and_a_creation_a_fact() -> None:
    won, made = read(change("dealstage", "closedwon"), change("", "", subscriptionType="deal.creation"))
    assert won.event is not None
    assert made.event is not None
    assert (won.event.states_change, won.event.partial) == (False, True)
    assert made.event.types == ("deal.created",)
    state, changes = project(None, won.event)
    assert changes.types == ("deal.won", "deal.stage_changed")
    _, changes = project(state, made.event)
    assert changes.types == ("deal.created",)


@pytest.mark.parametrize(
    ("item", "outcome", "reason"),
    [
        (change("x", "1"), "ignored", "property_not_followed: x"),
        (change("x", "1", "ticket"), "ignored", "subscription_not_followed: ticket.propertyChange"),
        (change("amount", "many"), "quarantined", "bad_field: deal.amount must be a number"),
        (change("amount", "1", objectId=None), "quarantined", "no_record"),
        (change("amount", "1", occurredAt="soon"), "quarantined", "bad_field: occurredAt is no time in milliseconds"),
        (change("amount", "1", occurredAt=10**18), "quarantined", "bad_field: occurredAt is no time in milliseconds"),
        (change("amount", "1", occurredAt=-(10**13)), "quarantined",
         "bad_field: occurredAt must lie between the years 1970 and 2199"),
        (change("amount", "1", subscriptionType=7), "quarantined", "bad_field: subscriptionType is missing"),
        (change("amount", "1", propertyName=None), "quarantined", "bad_field: propertyName is missing"),
    ],
)  # fmt: skip
def test_not_applied(item: dict[str, Any], outcome: str, reason: str) -> None:
    [delivery] = read(item)
    assert (delivery.outcome, delivery.reason) == (outcome, reason)


def test_another_attempt_is_the_same_and_another_event_another() -> None:
    first, again, other = read(
        change("amount", "1"), change("amount", "1", attemptNumber=3), change("amount", "2", eventId=2)
    )
    assert first == again
    assert first.delivery_key != other.delivery_key


def test_the_published_body_alone_or_in_its_list(shared_data: Path) -> None:
    [path] = (shared_data / "crm-events" / "hubspot").iterdir()
    body = json.loads(path.read_bytes())
    [listed] = read(*body)
    [alone] = HubSpotInbound().split_and_normalise(HookRequest(json.dumps(body[0]).encode(), NOW), CONNECTION)
    assert listed == alone
    assert listed.event is not None
    assert listed.event.data == {"contact": {"id": "hs:1246965", "lifecycle": "subscriber"}}
    [unmapped] = read(*body, connection=replace(CONNECTION, fields={}))
    assert unmapped.reason == "property_not_followed: lifecyclestage"


@pytest.mark.parametrize("items", [["x"], [[]], [{}], [change("amount", "1"), None]])
def test_no_envelope(items: list[Any]) -> None:
    with pytest.raises(InvalidInput):
        read(*items)


def test_too_many_and_another_account() -> None:
    assert read() == []
    with pytest.raises(InvalidInput, match="More than 100"):
        read(*[change("amount", "1")] * 101)
    with pytest.raises(InvalidInput, match="not from this"):
        read(change("amount", "1"), connection=replace(CONNECTION, settings={"portal_id": 34}))


def signed(body: bytes = b"[]", *, secret: str = "app", address: str = ADDRESS, at: int = MS) -> HookRequest:
    raw = f"POST{address}".encode() + body + str(at).encode()
    signature = base64.b64encode(hmac.digest(secret.encode(), raw, hashlib.sha256)).decode()
    return HookRequest(body, NOW, headers={"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": str(at)})


def test_who_may_send() -> None:
    reader = inbound_for("hubspot")
    for at in (MS, MS - 299_000, MS + 299_000):
        reader.verify(signed(at=at), CONNECTION, {"client_secret": "app"})
    assert reader.answer([]).status == 200


@pytest.mark.parametrize(
    "request_",
    [
        signed(secret="other"),
        signed(address="https://elsewhere.example/"),
        signed(at=MS - 301_000),
        signed(at=MS + 301_000),
        replace(signed(), body=b"[{}]"),
        replace(signed(), headers={}),
        replace(signed(), headers={**signed().headers, "x-hubspot-request-timestamp": "9" * 400}),
        replace(signed(), headers={**signed().headers, "x-hubspot-request-timestamp": "٣"}),
        replace(signed(), headers={**signed().headers, "x-hubspot-signature-v3": "é"}),
    ],
)
def test_who_may_not(request_: HookRequest) -> None:
    with pytest.raises(Unauthenticated):
        HubSpotInbound().verify(request_, CONNECTION, {"client_secret": "app"})


@pytest.mark.parametrize(("secrets", "settings"), [({}, {"address": ADDRESS}), ({"client_secret": "app"}, {})])
def test_without_secret_or_address_nobody(secrets: dict[str, str], settings: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        HubSpotInbound().verify(signed(), replace(CONNECTION, settings=settings), secrets)


def test_its_connection_in_a_file() -> None:
    text = '[[connection]]\nkey = "hs"\nsystem = "hubspot"\nname = "H"\nsecrets = { client_secret = "HS" }\n'
    with_address = f'{text}settings = {{ address = "{ADDRESS}" }}\n'
    assert accepted(SMALL, connections=with_address).connections["hs"].settings == {"address": ADDRESS}
    [problem] = refused(SMALL, connections=text)
    assert "settings.address" in problem.message


@pytest.mark.parametrize(
    ("statuses", "key", "message"),
    [
        ('"won"', "statuses", "must be a table"),
        ('{ deal = "won" }', "statuses.deal", "must be a table"),
        ('{ deals = { x = "won" } }', "statuses.deals", "not for deals"),
        ('{ deal = { x = "wn" } }', "statuses.deal.x", "open, won, lost"),
        ('{ lead = { x = "won" } }', "statuses.lead.x", "open, converted, lost"),
        ("{ deal = { x = [] } }", "statuses.deal.x", "must be one of"),
    ],
)
def test_ends_that_mean_nothing_are_refused(statuses: str, key: str, message: str) -> None:
    text = '[[connection]]\nkey = "hs"\nsystem = "hubspot"\nname = "H"\nsecrets = { client_secret = "HS" }\n'
    told = f'{text}settings = {{ address = "{ADDRESS}", statuses = {statuses} }}\n'
    [problem] = refused(SMALL, connections=told)
    assert problem.key == f"connection.hs.settings.{key}"
    assert message in problem.message


@pytest.mark.parametrize("statuses", ["won", {"deal": "won"}, {"deal": ["won"]}, {"deal": None}, 7])
def test_ends_of_another_shape_are_none(statuses: Any) -> None:
    connection = replace(CONNECTION, settings={"statuses": statuses})
    [delivery] = read(change("dealstage", "998"), connection=connection)
    assert delivery.event is not None
    assert delivery.event.data["deal"]["status"] == "open"


def test_of_one_instant_the_creation_is_first_and_the_deletion_last() -> None:
    made = change("", "", subscriptionType="deal.creation", eventId=900)
    items = [change("dealstage", "closedwon", eventId=99), change("dealstage", "closedlost", eventId=100)]
    gone = change("", "", subscriptionType="deal.deletion", eventId=1)
    events = [one.event for one in read(made, *items, gone)]
    versions = [one.version for one in events if one]
    assert len(versions) == 4
    assert versions == sorted(versions)
    state, stage = None, None
    for event in events[:2]:
        assert event is not None
        state, stage = project(state, event)
    assert stage is not None
    assert (stage.types, stage.reason) == (("deal.won", "deal.stage_changed"), None)
