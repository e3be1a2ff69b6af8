"""A row of Dataverse as its web API shows it, in our words. Pure.

Lookups come as ``_name_value`` with a bare id. What table it is of, and what people read instead of a number, stand
beside it as annotations, where they were asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.connectors.dynamics.normalise import data_of, fields_of
from taskhub.connectors.dynamics.records import merged_into, prefixed
from taskhub.connectors.dynamics.values import Reference, guid, instant
from taskhub.connectors.reading import State
from taskhub.events.fields import BadField
from taskhub.events.model import RecordRef
from taskhub.policy.policies import Connection

TABLE = "@Microsoft.Dynamics.CRM.lookuplogicalname"
LABEL = "@OData.Community.Display.V1.FormattedValue"
KEYS: Mapping[str, str] = {
    "lead": "leadid", "deal": "opportunityid", "contact": "contactid", "account": "accountid", "activity": "activityid",
}  # fmt: skip
# Columns that point at one table only; the others say theirs.
_TABLES: Mapping[str, str] = {
    "ownerid": "systemuser", "modifiedby": "systemuser", "createdby": "systemuser",
    "qualifyingopportunityid": "opportunity",
    "originatingleadid": "lead", "parentaccountid": "account", "parentcontactid": "contact", "stageid": "processstage",
    "transactioncurrencyid": "transactioncurrency",
}  # fmt: skip


def state_of(noun: str, raw: Mapping[str, Any], connection: Connection) -> State:
    """Raises ``BadField``."""
    given = prefixed(connection, raw.get(KEYS[noun]))
    if given is None:
        raise BadField(KEYS[noun], "is missing")
    ref = RecordRef(noun, given)
    attributes, labels = _attributes(raw)
    made_at, version = (instant(name, raw.get(name)) for name in ("createdon", "modifiedon"))
    merged = merged_into(noun, attributes, connection)
    data = data_of(ref, merged or fields_of(noun, attributes, labels, connection))
    by, made_by = (prefixed(connection, attributes.get(name)) for name in ("modifiedby", "createdby"))
    return State(ref, data, version or made_at, made_at, by, handed_on=made_by is not None and made_by != by)


def _attributes(raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    attributes: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for name, value in raw.items():
        if "@" in name:
            continue
        plain = name.removeprefix("_").removesuffix("_value") if name.startswith("_") else name
        label = raw.get(name + LABEL)
        if isinstance(label, str) and label.strip():
            labels[plain] = label
        attributes[plain] = value if plain == name else _pointed(plain, value, raw.get(name + TABLE), labels.get(plain))
    return attributes, labels


def _pointed(plain: str, value: Any, table: Any, label: str | None) -> Reference | None:
    found = guid(value)
    of = table if isinstance(table, str) else _TABLES.get(plain, "")
    return None if found is None else Reference(of.lower(), found, label)
