"""CloudEvents in their three forms: accepted, ignored, quarantined or refused."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from taskhub.errors import InvalidInput
from taskhub.events.cloudevents import MAX_BATCH, read_cloudevents
from taskhub.events.model import Delivery, RecordRef

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MINIMAL = {"specversion": "1.0", "id": "e1", "source": "/crm", "type": "lead.created", "subject": "L1"}


def send(value: Any, content_type: str | None = STRUCTURED) -> list[Delivery]:
    headers = {} if content_type is None else {"content-type": content_type}
    return read_cloudevents(headers, json.dumps(value).encode(), NOW)


def one(**more: Any) -> Delivery:
    [delivery] = send({**MINIMAL, **more})
    return delivery


def refusal(headers: dict[str, str], body: bytes) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        read_cloudevents(headers, body, NOW)
    return refused.value


def binary(body: bytes = b"", content_type: str | None = "application/json", **attributes: str) -> Delivery:
    said = {"specversion": "1.0", "id": "e1", "source": "/crm", "type": "lead.created", "subject": "L1", **attributes}
    headers = {f"ce-{name}": value for name, value in said.items()}
    if content_type:
        headers["content-type"] = content_type
    [delivery] = read_cloudevents(headers, body, NOW)
    return delivery


def test_a_minimal_event_happens_when_it_arrives() -> None:
    delivery = one()
    assert delivery.outcome == "accepted"
    assert delivery.occurred_at is None
    assert delivery.event is not None
    assert delivery.event.occurred_at == NOW
    assert delivery.event.record == RecordRef("lead", "L1")


def test_the_same_event_reads_the_same_in_every_form() -> None:
    data = {"lead": {"id": "L1", "name": "Ünïcode", "amount": 1200.0}}
    time = "2026-05-01T10:00:00+02:00"
    [batched] = send([{**MINIMAL, "time": time, "data": data}], BATCH)
    structured = one(time="2026-05-01T08:00:00Z", data=data, subject="L1", traceparent="00-abc-01")
    encoded = one(time=time, data_base64=base64.b64encode(json.dumps(data).encode()).decode())
    in_headers = binary(json.dumps(data).encode(), time=time)
    assert batched == structured == encoded == in_headers


@pytest.mark.parametrize("content_type", [STRUCTURED, f"{STRUCTURED}; charset=UTF-8", "application/json"])
def test_content_types_that_are_taken(content_type: str) -> None:
    assert send(MINIMAL, content_type)[0].outcome == "accepted"


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/xml", "application/cloudevents+xml", "multipart/form-data",
     f"{STRUCTURED}; charset=iso-8859-1", "application/json; charset=utf-16"],
)  # fmt: skip
def test_content_types_that_are_refused(content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    assert refusal(headers, json.dumps(MINIMAL).encode()).stable_code == "unsupported_media_type"


@pytest.mark.parametrize("name", ["id", "source", "type", "specversion"])
@pytest.mark.parametrize("gone", [None, "", "absent"])
def test_required_attributes(name: str, gone: str | None) -> None:
    event = {**MINIMAL, name: gone}
    if gone == "absent":
        del event[name]
    refused = refusal({"content-type": STRUCTURED}, json.dumps(event).encode())
    assert (refused.stable_code, refused.fields["attribute"]) == ("missing_attribute", name)


@pytest.mark.parametrize(
    ("attribute", "value", "code"),
    [
        ("specversion", "0.3", "bad_attribute"),
        ("specversion", 1.0, "bad_attribute"),
        ("id", 7, "bad_attribute"),
        ("id", "a\nb", "bad_attribute"),
        ("source", "x" * 2_000, "bad_attribute"),
        ("subject", ["L1"], "bad_attribute"),
        ("type", {"a": 1}, "bad_attribute"),
        ("time", "2026-01-01T00:00:00", "bad_time"),
        ("time", "0001-01-01T00:00:00Z", "bad_time"),
        ("time", "9999-12-31T23:59:59Z", "bad_time"),
        ("time", 1_700_000_000, "bad_time"),
        ("time", "", "bad_time"),
        ("time", "2026-01-01T00:00:00+25:00", "bad_time"),
    ],
)
def test_bad_attributes(attribute: str, value: object, code: str) -> None:
    refused = refusal({"content-type": STRUCTURED}, json.dumps({**MINIMAL, attribute: value}).encode())
    assert refused.stable_code == code
    assert refused.fields["attribute"] == attribute


def test_both_kinds_of_data_are_refused() -> None:
    body = json.dumps({**MINIMAL, "data": {}, "data_base64": "e30="}).encode()
    assert refusal({"content-type": STRUCTURED}, body).stable_code == "bad_attribute"


@pytest.mark.parametrize(("body", "code"), [(b"[]", "not_an_object"), (b'"x"', "not_an_object"), (b"{", "not_json")])
def test_not_an_event(body: bytes, code: str) -> None:
    assert refusal({"content-type": STRUCTURED}, body).stable_code == code


def test_null_attributes_are_absent() -> None:
    delivery = one(subject=None, time=None, data={"lead": {"id": "L9"}}, datacontenttype=None)
    assert delivery.subject is None
    assert delivery.outcome == "accepted"


class TestBatch:
    def test_may_be_empty(self) -> None:
        assert send([], BATCH) == []

    def test_is_refused_as_a_whole(self) -> None:
        bad = {name: value for name, value in MINIMAL.items() if name != "id"}
        refused = refusal({"content-type": BATCH}, json.dumps([MINIMAL, bad]).encode())
        assert (refused.stable_code, refused.fields["index"]) == ("missing_attribute", 1)

    def test_holds_so_many_and_no_more(self) -> None:
        refused = refusal({"content-type": BATCH}, json.dumps([MINIMAL] * (MAX_BATCH + 1)).encode())
        assert refused.stable_code == "too_many_events"

    def test_is_an_array(self) -> None:
        assert refusal({"content-type": BATCH}, b"{}").stable_code == "not_an_array"

    def test_keeps_quarantined_beside_accepted(self) -> None:
        odd = {**MINIMAL, "id": "e2", "data": {"lead": "L1"}}
        assert [delivery.outcome for delivery in send([MINIMAL, odd], BATCH)] == ["accepted", "quarantined"]


class TestBinary:
    def test_decodes_once(self) -> None:
        delivery = binary(subject="Euro%20%E2%82%AC%20%F0%9F%98%80%2525")
        assert delivery.subject == "Euro € 😀%25"

    def test_unquotes(self) -> None:
        assert binary(id='"a\\"b"').external_id == 'a"b'

    @pytest.mark.parametrize("value", ["%zz", "%", "%E2%82", "%FF", "a%00b", "%ED%A0%80"])
    def test_refuses_what_is_no_encoded_text(self, value: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            binary(subject=value)
        assert refused.value.stable_code == "bad_attribute"

    def test_without_body(self) -> None:
        assert binary(content_type=None).outcome == "accepted"

    def test_json_that_is_none_is_refused(self) -> None:
        with pytest.raises(InvalidInput) as refused:
            binary(b"{oops")
        assert refused.value.stable_code == "not_json"

    def test_other_data_stays_opaque(self) -> None:
        delivery = binary(b"<lead/>", "application/xml")
        assert (delivery.outcome, delivery.reason) == ("ignored", "opaque_data")


@pytest.mark.parametrize(
    "more",
    [
        {"datacontenttype": "text/xml", "data": "<a/>"},
        {"datacontenttype": "application/vnd.apache.thrift.binary", "data_base64": "... prose ..."},
        {"data_base64": "not base64!"},
        {"data_base64": base64.b64encode(b"not json").decode()},
        {"data_base64": 7},
        {"type": "com.example.list", "data": [1, 2]},
        {"type": "com.example.text", "data": "hello"},
    ],
)
def test_data_we_cannot_read_stays_opaque(more: dict[str, Any]) -> None:
    delivery = one(**more)
    assert (delivery.outcome, delivery.reason, delivery.event) == ("ignored", "opaque_data", None)


def test_an_unknown_type_is_accepted() -> None:
    delivery = one(type="com.example.signed", subject=None, data={"deal": {"id": 7}, "pages": 3})
    assert delivery.event is not None
    assert delivery.event.record == RecordRef("deal", "7")
    assert delivery.event.data["pages"] == 3


def test_identity_and_body() -> None:
    first = one(data={"lead": {"id": "L1", "name": "A"}})
    other_body = one(data={"lead": {"id": "L1", "name": "B"}})
    other_source = one(source="/erp", data={"lead": {"id": "L1", "name": "A"}})
    assert first.delivery_key == other_body.delivery_key != other_source.delivery_key
    assert first.body_hash == other_source.body_hash != other_body.body_hash


def test_nobody_else_speaks_for_us() -> None:
    ours = {**MINIMAL, "source": "taskhub"}
    assert refusal({"content-type": STRUCTURED}, json.dumps(ours).encode()).stable_code == "reserved_source"
    assert refusal({"content-type": BATCH}, json.dumps([MINIMAL, ours]).encode()).fields["index"] == 1
    with pytest.raises(InvalidInput, match="source of your own"):
        binary(source="taskhub")
    assert one(source="taskhub.example").outcome == "accepted"
