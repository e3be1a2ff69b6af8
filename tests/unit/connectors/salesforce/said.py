"""What Salesforce says, built small: change events in both shapes, outbound messages; and what is read of them."""

import json
from datetime import UTC, datetime
from typing import Any

from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.salesforce.inbound import SalesforceInbound
from taskhub.events.model import Delivery, Event
from taskhub.policy.policies import Connection
from taskhub.policy.text import LocalText

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
AT = datetime(2026, 5, 4, 8, 30, tzinfo=UTC)
MILLIS = int(AT.timestamp()) * 1000
ORGANIZATION = "00D5f0000051ABC"
USER, OTHER_USER, OWN_USER = "0055f000005mc66AAA", "0055f000005mc67AAA", "0055f000005mc68"
LEAD, DEAL, CONTACT, ACCOUNT = (f"{prefix}5f000005bwLF" for prefix in ("00Q", "006", "003", "001"))
TASK = "00T5f000005bwLF"
EAY, AAY = "EAY", "AAY"  # what the longer form of ids with and without a capital as third character ends with
CONNECTION = Connection(
    "sf",
    "salesforce",
    LocalText("Salesforce"),
    fields={"deal": {"renewal_on": "Renewal__c", "lost_reason": "Reason__c"}, "lead": {"city": "Address.City"}},
    stages={"lead": {"Working": "contacted"}, "deal": {"Proposal": "offer"}},
    users={"0055f000005mc66": "ana"},
    settings={
        "organization_id": ORGANIZATION,
        "own_user": OWN_USER,
        "entities": {"Enquiry__c": "lead"},
        "statuses": {"deal": {"Signed": "won"}, "lead": {"Rejected": "lost"}},
        "lost_reasons": {"deal": {"Too expensive": "price"}},
        "pipelines": {"0125f000000AbcD": "sales"},
    },
)


def header(entity: str, kind: str, *ids: Any, **more: Any) -> dict[str, Any]:
    """A ChangeEventHeader."""
    return {
        "entityName": entity, "recordIds": list(ids), "changeType": kind, "transactionKey": "t-1", "sequenceNumber": 1,
        "commitTimestamp": MILLIS, "commitNumber": 100, "commitUser": USER, "changedFields": [], "changeOrigin": "",
        **more,
    }  # fmt: skip


def change(entity: str, kind: str, id_: Any, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A change event in the streaming shape: changed fields are named."""
    names = {"changedFields": list(fields)} if kind == "UPDATE" else {}
    return {"ChangeEventHeader": header(entity, kind, id_, **{**names, **more}), **fields}


def message(fields: str, entity: str = "Lead", id_: str = "04l1", organization: str = ORGANIZATION) -> bytes:
    """An outbound message with one notification; ``fields`` is XML of the object."""
    return messages([f'<Notification><Id>{id_}</Id><sObject xsi:type="sf:{entity}">{fields}</sObject></Notification>'],
                    organization)  # fmt: skip


def messages(notifications: list[str], organization: str = ORGANIZATION) -> bytes:
    """An outbound message with these notifications."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound"'
        ' xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<OrganizationId>{organization}</OrganizationId><ActionId>04k1</ActionId>"
        "<SessionId>00Dx!LIVE-SESSION</SessionId><EnterpriseUrl>https://x</EnterpriseUrl>"
        f"{''.join(notifications)}</notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


def read(value: Any, connection: Connection = CONNECTION) -> list[Delivery]:
    """The deliveries in a body: bytes as they are, anything else as JSON."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return SalesforceInbound().split_and_normalise(HookRequest(body, NOW), connection)


def only(value: Any, connection: Connection = CONNECTION) -> Delivery:
    """The one delivery in a body."""
    [delivery] = read(value, connection)
    return delivery


def accepted(value: Any, connection: Connection = CONNECTION) -> Event:
    """The event of the one delivery in a body."""
    delivery = only(value, connection)
    assert delivery.outcome == "accepted", delivery.reason
    assert delivery.event is not None
    return delivery.event
