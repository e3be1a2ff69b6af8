"""Bodies of Dataverse's webhooks: RemoteExecutionContext, each value with its kind."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from taskhub.testing.crm.dataverse.state import SPACE, Change, State, table_key

CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"
LOOKUPS: Mapping[str, str] = {
    "ownerid": "systemuser", "modifiedby": "systemuser", "createdby": "systemuser", "parentaccountid": "account",
    "parentcontactid": "contact", "qualifyingopportunityid": "opportunity", "originatingleadid": "lead",
    "customerid": "account", "parentcustomerid": "account", "regardingobjectid": "lead",
    "activestageid": "processstage", "leadid": "lead", "opportunityid": "opportunity",
}  # fmt: skip
OPTIONS = frozenset({"statecode", "statuscode", "leadqualitycode", "prioritycode"})
MONEY = frozenset({"estimatedvalue", "actualvalue", "estimatedamount"})
DATES = frozenset({"createdon", "modifiedon", "scheduledend", "actualend"})
BARE = ("ParentContext", "InputParameters", "PreEntityImages", "PostEntityImages")


def body_of(change: Change, state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    """An asynchronous step after the operation. A change inside of a larger call has it as its parent."""
    operation = str(uuid.uuid5(SPACE, f"operation {change.number} {step['sdkmessageprocessingstepid']}"))
    whole = {**_context(change, state), "OperationId": operation, "Stage": 40}
    whole["OwningExtension"] = _reference("sdkmessageprocessingstep", step["sdkmessageprocessingstepid"])
    whole["InputParameters"] = [{"key": "Target", "value": _target(change)}]
    if change.message == "Merge":
        whole["InputParameters"] += [{"key": name, "value": value} for name, value in change.values.items()]
    whole["PreEntityImages"] = _images(change, step)
    inner = {**whole, "ParentContext": None, "Stage": 30, "PreEntityImages": []}
    if change.act.name:
        given = {name: value for name, value in change.act.inputs.items() if name != "OpportunityCustomerId"}
        inner["MessageName"] = change.act.name
        inner["InputParameters"] = [{"key": name, "value": value} for name, value in given.items()]
        inner["SharedVariables"] = [{"key": change.act.name, "value": True}]
        whole["Depth"] = 2
    whole["ParentContext"] = inner
    return whole


def stripped(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is left of a body that is too big."""
    return {name: value for name, value in body.items() if name not in BARE}


def _context(change: Change, state: State) -> dict[str, Any]:
    millis = int(change.at.timestamp()) * 1000
    return {
        "BusinessUnitId": state.unit, "CorrelationId": change.act.correlation, "Depth": 1,
        "InitiatingUserId": change.act.by, "InputParameters": [], "IsExecutingOffline": False,
        "IsInTransaction": False, "IsOfflinePlayback": False, "IsolationMode": 1, "MessageName": change.message,
        "Mode": 1, "OperationCreatedOn": f"/Date({millis}+0000)/", "OperationId": "",
        "OrganizationId": state.organization, "OrganizationName": "org9e025dde", "OutputParameters": [],
        "OwningExtension": {}, "ParentContext": None, "PostEntityImages": [], "PreEntityImages": [],
        "PrimaryEntityId": change.id, "PrimaryEntityName": change.table,
        "RequestId": str(uuid.uuid5(SPACE, f"request {change.act.correlation}")), "SecondaryEntityName": "none",
        "SharedVariables": [], "UserId": change.act.by,
    }  # fmt: skip


def _target(change: Change) -> dict[str, Any]:
    if change.message in ("Delete", "Merge"):
        return _reference(change.table, change.id, kind=True)
    return {"__type": f"Entity:{CONTRACTS}", **_entity(change.table, change.id, change.values)}


def _entity(table: str, id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    told = {_bare(name): value for name, value in values.items()}
    return {
        "Attributes": [{"key": name, "value": _value(table, name, value)} for name, value in told.items()],
        "EntityState": None, "FormattedValues": [], "Id": id, "KeyAttributes": [], "LogicalName": table,
        "RelatedEntities": [], "RowVersion": None,
    }  # fmt: skip


def _images(change: Change, step: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The image a step asks for, and the one that asynchronous steps add by themselves."""
    if not change.before:
        return []
    names = [name for name in step.get("image", ()) if name in change.before]
    asked = {name: change.before[name] for name in names}
    key = table_key(change.table)
    images = [
        ("AsynchronousStepPrimaryName", {key: change.id}),
        *([(step.get("alias", "pre"), asked)] if asked else []),
    ]
    return [{"key": alias, "value": _entity(change.table, change.id, values)} for alias, values in images]


def _bare(name: str) -> str:
    return name.removeprefix("_").removesuffix("_value") if name.startswith("_") else name


def _value(table: str, name: str, value: Any) -> Any:
    if value is None:
        return None
    if name == "masterid":
        return _reference(table, value, kind=True)
    if name in LOOKUPS and name != table_key(table):
        return _reference(LOOKUPS[name], value, kind=True)
    if name in OPTIONS:
        return {"__type": f"OptionSetValue:{CONTRACTS}", "Value": value}
    if name in MONEY:
        return {"__type": f"Money:{CONTRACTS}", "Value": value}
    if name in DATES:
        return f"/Date({int(datetime.fromisoformat(value).timestamp() * 1000)})/"
    return value


def _reference(table: str, id: str, *, kind: bool = False) -> dict[str, Any]:
    known = {"__type": f"EntityReference:{CONTRACTS}"} if kind else {}
    return {**known, "Id": id, "KeyAttributes": [], "LogicalName": table, "Name": None, "RowVersion": None}
