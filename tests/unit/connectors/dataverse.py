"""Messages as Dataverse writes them, in a few words."""

from __future__ import annotations

from typing import Any

ORGANIZATION = "e4afcea5-0944-4066-b839-a318fe3b4e55"
LEAD = "e5f42b68-e14f-e911-a958-000d3a454330"
DEAL = "b77cca08-7450-e911-a95c-000d3a454977"
TASK = "841579d9-7e63-ef11-9e4a-00155d0001ea"
REP = "593db65c-9747-e811-a94f-000d3a395ecc"
OTHER_REP = "5979df9d-59ea-e811-a86f-000d3a265f6f"
APPLICATION = "da9e3c8f-3b7a-e811-a875-000d3a2654f3"
CORRELATION = "9ffd9d79-cc7d-4b8c-bbc0-37e2375d3cac"
_CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"
T0 = 1_777_884_000_000  # 2026-05-04 08:40:00 UTC


def choice(number: int | None) -> Any:
    return None if number is None else {"__type": f"OptionSetValue:{_CONTRACTS}", "Value": number}


def money(amount: float) -> Any:
    return {"__type": f"Money:{_CONTRACTS}", "Value": amount}


def ref(entity: str, id_: str, name: str | None = None) -> Any:
    told = {"Id": id_, "KeyAttributes": [], "LogicalName": entity, "Name": name, "RowVersion": None}
    return {"__type": f"EntityReference:{_CONTRACTS}", **told}


def date(second: float, offset: str = "") -> str:
    return f"/Date({T0 + round(second * 1000)}{offset})/"


def pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def row(
    entity: str, id_: str, values: dict[str, Any], labels: dict[str, Any] | None = None, version: str | None = None
) -> dict[str, Any]:
    return {
        "__type": f"Entity:{_CONTRACTS}", "Attributes": pairs(values), "EntityState": None,
        "FormattedValues": pairs(labels or {}), "Id": id_, "KeyAttributes": [], "LogicalName": entity,
        "RelatedEntities": [], "RowVersion": version,
    }  # fmt: skip


def context(message: str, entity: str, id_: str, inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {
        "BusinessUnitId": "b30c16dc-7546-e811-a955-000d3a28937c", "CorrelationId": CORRELATION, "Depth": 1,
        "InitiatingUserId": REP, "InputParameters": pairs(inputs), "IsInTransaction": False,
        "MessageName": message, "Mode": 1, "OperationCreatedOn": date(1, "+0000"),
        "OperationId": "68397f66-0fec-40c6-be86-d6b1b6a4bd57", "OrganizationId": ORGANIZATION,
        "OrganizationName": "org9e025dde", "OutputParameters": [], "OwningExtension": ref("step", LEAD[:-1] + "1"),
        "ParentContext": None, "PostEntityImages": [], "PreEntityImages": [], "PrimaryEntityId": id_,
        "PrimaryEntityName": entity, "RequestId": None, "SecondaryEntityName": "none", "SharedVariables": [],
        "Stage": 40, "UserId": REP,
    }  # fmt: skip
    return {**told, **more}


def create(entity: str, id_: str, values: dict[str, Any], second: float = 0, **more: Any) -> dict[str, Any]:
    """The whole row, as a Create sends it."""
    labels = more.pop("labels", None)
    target = row(entity, id_, {f"{entity}id": id_, **values, "modifiedon": date(second)}, labels)
    return context("Create", entity, id_, {"Target": target}, **more)


def update(
    entity: str, id_: str, values: dict[str, Any], before: dict[str, Any] | None = None, second: float = 0, **more: Any
) -> dict[str, Any]:
    """What changed; ``before`` is a registered pre-image."""
    version, labels = more.pop("version", None), more.pop("labels", None)
    target = row(entity, id_, {**values, "modifiedon": date(second)}, labels, version)
    automatic = {"key": "AsynchronousStepPrimaryName", "value": row(entity, id_, {f"{entity}id": id_})}
    images = [] if before is None else [{"key": "before", "value": row(entity, id_, before)}]
    told = {"PreEntityImages": images, "PostEntityImages": [automatic], **more}
    return context("Update", entity, id_, {"Target": target}, **told)


def qualifying(*parents: str) -> dict[str, Any]:
    """The call of qualifying the lead, as a parent of what it caused."""
    inputs = {
        "CreateAccount": True, "CreateContact": True, "CreateOpportunity": True, "Status": choice(3),
        "LeadId": ref("lead", LEAD), "SourceCampaignId": None,
    }  # fmt: skip
    return context("QualifyLead", "lead", LEAD, inputs, Stage=30)
