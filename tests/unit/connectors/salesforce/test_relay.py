"""What somebody relays: envelopes, platform events, arrays, and what is none of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.salesforce.inbound import SalesforceInbound
from taskhub.errors import InvalidInput
from tests.unit.connectors.salesforce.said import (
    CONNECTION,
    DEAL,
    LEAD,
    NOW,
    USER,
    accepted,
    change,
    header,
    message,
    only,
    read,
)  # fmt: skip

INK = {"CreatedDate": "2023-04-09T18:31:40.517Z", "CreatedById": USER, "Printer__c": "XZO-5"}
UUID = "2ec0e371-1395-457f-9275-be1b527a72f7"


class TestPlatformEvents:
    @pytest.mark.parametrize(
        "told",
        [
            {"data": {"payload": INK, "event": {"EventUuid": UUID, "replayId": 1}}, "channel": "/event/Low_Ink__e"},
            {
                "event": {"id": UUID, "schema_id": "s", "payload": INK},
                "replay_id": "AAA=",
                "topic": "/event/Low_Ink__e",
            },
            {"payload": INK, "event": {"EventUuid": UUID}, "topic_name": "/event/Low_Ink__e"},
        ],
    )
    def test_rules_listen_to_their_name(self, told: dict[str, Any]) -> None:
        event = accepted(told)
        assert event.types == ("salesforce.Low_Ink__e",)
        assert event.record is None
        assert event.data == INK
        assert event.external_id == UUID
        assert event.by == f"sf:{USER}"
        assert only(told).delivery_key == only({"payload": INK, "event": {"EventUuid": UUID}}).delivery_key

    def test_without_an_id_the_content_is_the_id(self) -> None:
        told = {"payload": INK, "channel": "/event/Low_Ink__e"}
        assert only(told) == only(told)
        assert only(told).delivery_key != only({**told, "payload": {**INK, "Printer__c": "Y"}}).delivery_key

    def test_without_an_id_the_place_in_the_channel_tells_it_apart(self) -> None:
        pubsub = [{"payload": INK, "channel": "/event/Low_Ink__e", "replay_id": place} for place in ("AAA=", "AAB=")]
        streamed = [{"data": {"payload": INK, "event": {"replayId": place}}, "channel": "/event/Low_Ink__e"}
                    for place in (1, 2)]  # fmt: skip
        for one, other in (pubsub, streamed):
            assert only(one) == only(one)
            assert only(one).delivery_key != only(other).delivery_key
            kept = only(one).kept
            assert kept is not None
            assert only(json.loads(kept[0])) == only(one)

    def test_without_a_name(self) -> None:
        assert accepted({"payload": INK, "event": {"EventUuid": UUID}}).types == ("salesforce.platform_event",)

    def test_what_is_kept_reads_the_same(self) -> None:
        for told in (
            {"data": {"payload": INK, "event": {"EventUuid": UUID}}, "channel": "/event/Low_Ink__e"},
            {"payload": INK, "channel": "/event/Low_Ink__e"},
        ):
            delivery = only(told)
            assert delivery.kept is not None
            assert only(json.loads(delivery.kept[0])) == delivery

    def test_a_time_that_is_none(self) -> None:
        told = {"payload": {**INK, "CreatedDate": "soon"}, "event": {"EventUuid": UUID}}
        assert only(told).reason == "bad_field: CreatedDate is no time"


class TestArrays:
    def test_every_element_is_an_event(self) -> None:
        found = read([change("Lead", "CREATE", LEAD, {}), {"payload": INK, "event": {"EventUuid": UUID}}])
        assert [one.type for one in found] == ["lead.created", "salesforce.platform_event"]

    def test_an_empty_one_is_nothing(self) -> None:
        assert read([]) == []
        assert SalesforceInbound().answer([]).body == b'{"status":"ok"}'

    def test_one_that_is_none_waits_beside_the_others(self) -> None:
        odd = {"ChangeEventHeader": 7}
        found = read([{}, change("Lead", "CREATE", LEAD, {}), odd])
        assert [(one.type, one.outcome, one.reason) for one in found] == [
            ("salesforce.unknown", "quarantined", "no_envelope"),
            ("lead.created", "accepted", None),
            ("salesforce.unknown", "quarantined", "bad_field: ChangeEventHeader must be an object"),
        ]
        assert found[0].kept == (b"{}", "application/json")

    def test_where_all_are_none_all_are_refused(self) -> None:
        with pytest.raises(InvalidInput) as refused:
            read([{}, 7])
        assert refused.value.stable_code == "no_envelope"

    @pytest.mark.parametrize(
        ("told", "code"),
        [
            ([{}] * 1_001, "too_many_events"),
            ({"ChangeEventHeader": header("Lead", "UPDATE", *[LEAD] * 2_001)}, "too_many_events"),
            (
                {"ChangeEventHeader": header("Lead", "UPDATE", *[LEAD] * 30), "Description": "x" * 1_000_000},
                "too_large",
            ),
        ],
        ids=["events", "records", "bytes"],
    )
    def test_a_small_body_makes_no_flood(self, told: Any, code: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            read(told)
        assert refused.value.stable_code == code


@pytest.mark.parametrize(
    "told",
    [{}, "x", None, 7, [7], [[]], {"data": 7}, {"meta": {"action": "change"}, "data": {"id": "8"}}, {"channel": "/x"},
     {"payload": INK}],
)  # fmt: skip
def test_anything_else_is_refused(told: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(told)
    assert refused.value.stable_code == "no_envelope"


def test_avro_is_to_be_decoded_by_who_relays_it() -> None:
    delivery = only({"event": {"id": "x", "schema_id": "s", "payload": "T2JqAQ=="}, "replay_id": "AAA="})
    assert (delivery.outcome, delivery.reason) == (
        "quarantined",
        "bad_field: payload is text: decode Avro before relaying it",
    )
    assert delivery == only(json.loads(delivery.kept[0])) if delivery.kept else False


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
IDS = st.sampled_from([LEAD, DEAL, "001*", "000000000000000AAA", "00Q", None, 7])
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "entityName": st.sampled_from(["Lead", "Opportunity", "Task", "Contact", "Account", "Case"]) | anything,
        "changeType": st.sampled_from(["CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_UPDATE", "GAP_OVERFLOW"])
        | anything,
        "recordIds": st.lists(IDS, max_size=3) | anything,
        "changedFields": st.lists(st.sampled_from(["Status", "Name.LastName", "0x1C", "2-0x3", "0xZ"])) | anything,
        "nulledFields": st.lists(st.sampled_from(["Status", "0x4"])) | anything,
        "diffFields": st.lists(st.sampled_from(["Status", "0x4"])) | anything,
        "transactionKey": st.text(max_size=5) | anything,
        "sequenceNumber": anything,
        "commitTimestamp": st.integers(0, 10**13) | anything,
        "commitNumber": anything,
        "changeOrigin": anything,
        "commitUser": IDS | anything,
    },
)
NAMES = ["Name", "Status", "StageName", "Amount", "OwnerId", "IsWon", "IsClosed", "CloseDate", "LastModifiedDate",
         "IsConverted", "ConvertedOpportunityId", "WhoId", "RecordTypeId", "Renewal__c", "Reason__c"]  # fmt: skip
FIELDS = st.dictionaries(st.sampled_from(NAMES), anything | IDS | st.just({"FirstName": None, "LastName": "B"}))


@given(HEADERS, FIELDS)
def test_any_change_event_is_read_ignored_or_quarantined(told: dict[str, Any], fields: dict[str, Any]) -> None:
    body = json.dumps({"ChangeEventHeader": told, **fields}).encode()
    if b"Infinity" in body:
        return
    try:
        found = SalesforceInbound().split_and_normalise(HookRequest(body, NOW), CONNECTION)
    except InvalidInput:
        return
    assert found
    for one in found:
        assert (one.event is None) is (one.reason is not None)
        assert one.outcome in ("accepted", "ignored", "quarantined")
        assert one.kept is not None
        again = SalesforceInbound().split_and_normalise(HookRequest(one.kept[0], NOW), CONNECTION)
        assert one in again


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30))
def test_any_text_in_a_message_is_read_or_refused(text: str) -> None:
    for body in (message(f"<sf:Id>{LEAD}</sf:Id><sf:Status>{text}</sf:Status>"), message(text), message("", text)):
        try:
            found = read(body)
        except InvalidInput:
            continue
        assert all((one.event is None) is (one.reason is not None) for one in found)
