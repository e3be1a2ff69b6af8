"""Change events of Salesforce state their own changes: any order, any number of deliveries, the same work."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.salesforce.inbound import SalesforceInbound
from taskhub.events.model import Delivery
from tests.property.test_order_independence import START, Desk
from tests.unit.connectors.salesforce.said import AAY, ACCOUNT, CONNECTION, CONTACT, DEAL, EAY, LEAD, USER

STATUSES = ["Working", "New", "Rejected", "Closed - Not Converted"]
LEAD_FIELDS = {
    "Status": st.sampled_from(STATUSES),
    "Company": st.none() | st.sampled_from(["Acme", "Zenith"]),
    "Email": st.none() | st.sampled_from(["a@x", "b@x"]),
    "OwnerId": st.sampled_from([USER, "0055f000005mc69"]),
    "Phone": st.none() | st.just("1"),
}
DEAL_FIELDS = {
    "StageName": st.sampled_from(["Proposal", "Closed Won", "Closed Lost", "Signed", "Perception"]),
    "IsClosed": st.booleans(),
    "IsWon": st.booleans(),
    "Reason__c": st.sampled_from(["Too expensive", "other"]),
}
ORDER = {"Lead": [*LEAD_FIELDS, "IsConverted", "ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId"],
         "Opportunity": ["Amount", *DEAL_FIELDS]}  # fmt: skip
CONVERTED = {"IsConverted": True, "ConvertedAccountId": ACCOUNT, "ConvertedContactId": CONTACT,
             "ConvertedOpportunityId": DEAL, "Status": "Closed - Converted"}  # fmt: skip


@dataclass
class Inbox(Desk):
    """A desk that takes deliveries: those with a known key are dropped, as the store does."""

    keys: dict[str, str] = field(default_factory=dict)

    def take(self, delivery: Delivery) -> None:
        assert self.keys.setdefault(delivery.delivery_key, delivery.body_hash) == delivery.body_hash
        if delivery.event is not None:
            self.deliver(delivery.event)


@st.composite
def changes(draw: st.DrawFn, number: int, at: int) -> dict[str, Any]:
    """One change event about the lead or its deal, in the streaming or the Pub/Sub shape, maybe cut or wrapped."""
    entity, id_, known = draw(st.sampled_from([("Lead", LEAD, LEAD_FIELDS), ("Opportunity", DEAL, DEAL_FIELDS)]))
    kind = draw(st.sampled_from(["CREATE", "UPDATE", "UPDATE", "UPDATE", "DELETE", "UNDELETE", "GAP_UPDATE"]))
    # What a rule looks at must be in the event: that is what is promised.
    fields = draw(st.fixed_dictionaries({"Amount": st.integers(0, 1_000)} if id_ == DEAL else {}, optional=known))
    if entity == "Lead" and kind == "UPDATE" and draw(st.booleans()):
        fields |= CONVERTED
    ending = EAY if entity == "Lead" else AAY
    header = {
        "entityName": entity, "recordIds": [draw(st.sampled_from([id_, id_ + ending]))], "changeType": kind,
        "transactionKey": f"t{number // 2}", "sequenceNumber": number, "commitTimestamp": at, "commitNumber": at,
        "commitUser": USER, "changeOrigin": "", "changedFields": [], "nulledFields": [],
    }  # fmt: skip
    stamp = {} if kind == "DELETE" else {"LastModifiedDate": at - at % 1000}
    return _shape(draw, header, fields, stamp, ORDER[entity])


def _shape(
    draw: st.DrawFn, header: dict[str, Any], fields: dict[str, Any], stamp: dict[str, int], order: list[str]
) -> dict[str, Any]:
    told = {**fields, **stamp}
    if draw(st.booleans()):
        names = {"changedFields": list(told)} if header["changeType"] == "UPDATE" else {}
        return {"data": {"payload": {"ChangeEventHeader": {**header, **names}, **told}, "event": {"replayId": 1}}}
    schema = ["ChangeEventHeader", *order, "LastModifiedDate"]
    bits = {"changedFields": _bits(schema, told),
            "nulledFields": _bits(schema, {name: value for name, value in told.items() if value is None})}  # fmt: skip
    payload = {**dict.fromkeys(schema), **told, "ChangeEventHeader": {**header, **bits}}
    return {"event": {"id": "e", "schema_id": "s", "payload": payload}, "replay_id": "AAA="}


def _bits(schema: list[str], names: Any) -> list[str]:
    number = sum(1 << schema.index(name) for name in names)
    return [f"0x{number:04X}"] if number else []


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Delivery], list[int]]:
    """Deliveries in the order of their commits, and an order in which each comes 1 to 3 times."""
    waits = draw(st.lists(st.sampled_from([0, 1, 300, 1_000, 86_400_000]), min_size=3, max_size=8))
    at, bodies = int(START.timestamp()) * 1000, []
    for number, wait in enumerate(waits):
        at += wait
        bodies.append(json.dumps(draw(changes(number, at))).encode())
    later = START + timedelta(days=30)
    found = [
        one for body in bodies for one in SalesforceInbound().split_and_normalise(HookRequest(body, later), CONNECTION)
    ]
    deliveries = [index for index in range(len(found)) for _ in range(draw(st.integers(1, 3)))]
    return found, draw(st.permutations(deliveries))


@given(histories())
def test_any_order_and_any_number_of_deliveries_end_in_the_same_work(history: tuple[list[Delivery], list[int]]) -> None:
    told, order = history
    in_order, shuffled = Inbox(), Inbox()
    for one in told:
        in_order.take(one)
    for index in order:
        shuffled.take(told[index])
    assert shuffled.result() == in_order.result()


@given(histories())
def test_each_event_is_told_or_says_why_not(history: tuple[list[Delivery], list[int]]) -> None:
    for one in history[0]:
        gap = one.type.endswith("GAP_UPDATE")
        assert one.outcome == ("ignored" if gap else "accepted"), one.reason
        assert (one.event is None) is gap
