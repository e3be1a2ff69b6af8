"""The examples of the CloudEvents specification itself."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from taskhub.events.cloudevents import read_cloudevents
from taskhub.events.model import Delivery

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
OUTCOMES = {
    "structured_xml_data.json": [("ignored", "opaque_data")],
    "structured_json_object_null_subject.json": [("accepted", None)],
    "batch_two_events.json": [("ignored", "opaque_data"), ("accepted", None)],
    "binary_xml_data.http.json": [("ignored", "opaque_data")],
}


def deliveries(path: Path) -> list[Delivery]:
    body = path.read_bytes()
    value = json.loads(body)
    if "headers" in value:
        return read_cloudevents(value["headers"], value["body"].encode(), NOW)
    form = "cloudevents-batch" if isinstance(value, list) else "cloudevents"
    return read_cloudevents({"content-type": f"application/{form}+json"}, body, NOW)


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcome(shared_data: Path, name: str) -> None:
    found = deliveries(shared_data / "crm-events" / "cloudevents" / name)
    assert [(delivery.outcome, delivery.reason) for delivery in found] == OUTCOMES[name]
    assert found == deliveries(shared_data / "crm-events" / "cloudevents" / name)


def test_no_example_is_left_out(shared_data: Path) -> None:
    assert {path.name for path in (shared_data / "crm-events" / "cloudevents").iterdir()} == set(OUTCOMES)
