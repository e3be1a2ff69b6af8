"""What the fake Dataverse sends is shaped like what was published; it tries once more on three statuses only."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from taskhub.testing.crm.dataverse import FakeDataverse
from taskhub.testing.crm.dataverse.contexts import BARE
from taskhub.testing.crm.sender import Answer, Parcel
from tests.crm.shapes import unlike


def sending(status: int | None = 200) -> tuple[FakeDataverse, list[Parcel]]:
    got: list[Parcel] = []

    def post(parcel: Parcel) -> Answer:
        got.append(parcel)
        return Answer(status)

    fake = FakeDataverse(post=post)
    fake.steps.endpoints["e"] = {"serviceendpointid": "e", "url": "https://t.test/hooks/crm", "authtype": 4}
    for table in ("lead", "opportunity"):
        for message in ("Create", "Update", "Delete"):
            id = f"{table}-{message}"
            fake.steps.steps[id] = {
                "sdkmessageprocessingstepid": id, "name": id, "_eventhandler_value": "e", "statecode": 0,
                "sdkmessageid": {"name": message}, "sdkmessagefilterid": {"primaryobjecttypecode": table},
                "image": ("statecode", "statuscode"),
            }  # fmt: skip
    return fake, got


def values(entity: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: one["value"] for one in entity["Attributes"]}


def test_a_create_is_built_like_the_published_one(shared_data: Path) -> None:
    published = orjson.loads((shared_data / "crm-events/dataverse/lead_create_sync.json").read_bytes())
    fake, got = sending()
    fake.state.create(
        "lead", {"subject": "Hello", "lastname": "M"}, fake.state.act("593db65c-9747-e811-a94f-000000000001")
    )
    fake.steps.sender.run()
    body = orjson.loads(got[0].body)
    target, theirs = (one["InputParameters"][0]["value"] for one in (body, published))
    assert not unlike(body, published)
    assert not unlike(target, theirs)
    ours, known = values(target), values(theirs)
    common = ours.keys() & known.keys()
    assert {"statecode", "statuscode", "ownerid", "modifiedon", "createdon", "leadid", "subject"} <= common
    assert not [name for name in common if unlike(ours[name], known[name], name)]


def test_an_update_carries_what_was_sent_and_its_image_what_was(shared_data: Path) -> None:
    published = orjson.loads(
        (shared_data / "crm-events/dataverse/activity_setstate_update_async_pre_image.json").read_bytes()
    )
    fake, got = sending()
    lead = fake.state.create("lead", {"subject": "A"})
    fake.state.update("lead", lead, {"statuscode": 2})
    fake.steps.sender.run()
    body = orjson.loads(got[-1].body)
    assert set(values(body["InputParameters"][0]["value"])) == {"leadid", "statuscode", "modifiedon", "modifiedby"}
    images = {one["key"]: values(one["value"]) for one in body["PreEntityImages"]}
    assert images["pre"]["statuscode"]["Value"] == 1
    assert not unlike(body["PreEntityImages"][1], published["PreEntityImages"][0] | {"value": None})
    assert "AsynchronousStepPrimaryName" in images
    assert {name for name in published if name not in body} <= {
        "InitiatingUserAgent", "InitiatingUserAzureActiveDirectoryObjectId", "InitiatingUserApplicationId",
        "UserAzureActiveDirectoryObjectId", "AuthenticatedUserId",
    }  # fmt: skip


def test_a_qualification_is_one_correlation_with_its_call_as_parent(shared_data: Path) -> None:
    published = orjson.loads(
        (shared_data / "crm-events/dataverse/opportunity_assign_by_qualifylead_async.json").read_bytes()
    )
    fake, got = sending()
    lead = fake.state.create("lead", {"subject": "A"})
    fake.steps.sender.run()
    act = fake.state.act(name="QualifyLead", inputs={"CreateAccount": True})
    fake.state.create("opportunity", {"name": "A", "_originatingleadid_value": lead}, act)
    fake.state.update("lead", lead, {"statecode": 1, "statuscode": 3}, act)
    fake.steps.sender.run()
    bodies = [orjson.loads(parcel.body) for parcel in got[1:]]
    assert len({body["CorrelationId"] for body in bodies}) == 1
    for body in bodies:
        shared = {one["key"]: one["value"] for one in body["ParentContext"]["SharedVariables"]}
        assert shared["QualifyLead"] is True
        assert not unlike(body["ParentContext"], published["ParentContext"])


@pytest.mark.parametrize(("status", "tries"), [(500, 1), (429, 1), (None, 1), (502, 2), (503, 2), (504, 2), (204, 1)])
def test_one_more_try_comes_on_three_statuses_only(status: int | None, tries: int) -> None:
    fake, got = sending(status)
    fake.state.create("lead", {"subject": "A"})
    fake.steps.sender.run_out()
    assert (len(got), len(fake.steps.failed)) == (tries, 0 if status == 204 else 1)


@pytest.mark.parametrize("big", [True, False])
def test_what_is_too_big_comes_stripped(big: bool) -> None:
    fake, got = sending()
    fake.faults.stripped = not big
    lead = fake.state.create("lead", {"subject": "A", "description": "x" * 300_000 if big else None})
    fake.steps.sender.run()
    body = orjson.loads(got[0].body)
    assert not body.keys() & set(BARE)
    assert (body["PrimaryEntityId"], got[0].headers["x-ms-dynamics-msg-size-exceeded"]) == (lead, "true")
