"""What the fake Salesforce knows, and the changes that leave it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from taskhub.testing.clock import SetClock

PREFIX: Mapping[str, str] = {
    "Lead": "00Q", "Account": "001", "Contact": "003", "Opportunity": "006", "Task": "00T", "Event": "04l",
}  # fmt: skip
CLOSED = "Closed - Converted"
KEY_FIELD = "Taskhub_Id__c"
# Flags follow from the stage.
ENDS: Mapping[str, Mapping[str, bool]] = {
    "Closed Won": {"IsClosed": True, "IsWon": True}, "Closed Lost": {"IsClosed": True, "IsWon": False},
}  # fmt: skip
FIELDS: Mapping[str, Mapping[str, Any]] = {
    "Lead": {
        "Company": "", "LastName": "", "FirstName": None, "Status": "Open - Not Contacted", "IsConverted": False,
        "ConvertedDate": None, "ConvertedAccountId": None, "ConvertedContactId": None, "ConvertedOpportunityId": None,
        "LeadSource": "Web", "Email": None, "Phone": None, "Rating": None,
    },
    "Account": {"Name": "", "Type": None},
    "Contact": {"LastName": "", "AccountId": None, "Email": None},
    "Opportunity": {
        "Name": "", "AccountId": None, "StageName": "Prospecting", "Amount": None, "CloseDate": None, "IsClosed": False,
        "IsWon": False, "ForecastCategory": "Pipeline",
    },
    "Task": {
        "Subject": "", "Status": "Not Started", "Priority": "Normal", "ActivityDate": None, "WhoId": None,
        "WhatId": None, "Description": None, "TaskSubtype": "Task", "IsClosed": False, KEY_FIELD: None,
    },
}  # fmt: skip

STAMPED = (
    "Id", "OwnerId", "CreatedById", "CreatedDate", "LastModifiedDate", "LastModifiedById", "SystemModstamp",
    "IsDeleted",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one record; those of a transaction share ``key`` and are numbered from 1."""

    entity: str
    id: str
    kind: str  # CREATE, UPDATE, DELETE
    values: Mapping[str, Any]
    key: int
    sequence: int
    by: str
    origin: str
    at: datetime


@dataclass
class State:
    """Records by object and id; ``heard`` is told each change."""

    clock: SetClock
    organization: str = "00D5f000000HBdMEAW"
    robot: str = "0055f000005mc66AAA"
    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in FIELDS})
    deleted: list[tuple[str, str, datetime]] = field(default_factory=list)
    bin: dict[str, dict[str, Any]] = field(default_factory=dict)  # what is deleted, by id
    heard: list[Callable[[Change], None]] = field(default_factory=list)
    count: int = 0

    def id(self, entity: str) -> str:
        """A fresh id of 18 characters."""
        self.count += 1
        return full(f"{PREFIX[entity]}5f{self.count:010d}")

    def save(
        self, writes: Sequence[tuple[str, str | None, Mapping[str, Any]]], *, by: str = "", origin: str = ""
    ) -> list[str]:
        """One transaction: (object, id or None for a new record, values). Returns the ids. KeyError: no such record."""
        self.count += 1
        key, told = self.count, []
        for sequence, (entity, id, values) in enumerate(writes, 1):
            kind = "UPDATE" if id else "CREATE"
            saved = id or str(values.get("Id") or self.id(entity))
            new = self._write(entity, saved, values, kind, by or self.robot)
            told.append(Change(entity, saved, kind, new, key, sequence, by or self.robot, origin, self.clock.now))
        for change in told:
            for hear in self.heard:
                hear(change)
        return [change.id for change in told]

    def _write(self, entity: str, id: str, values: Mapping[str, Any], kind: str, by: str) -> dict[str, Any]:
        """What is new in the record, which is written."""
        at = self.stamp()
        if entity == "Opportunity" and "StageName" in values:
            values = {**ENDS.get(values["StageName"], {"IsClosed": False, "IsWon": False}), **values}
        if kind == "CREATE":
            made = {
                **FIELDS[entity],
                "OwnerId": by,
                "CreatedById": by,
                "CreatedDate": at,
                "IsDeleted": False,
                **values,
                "Id": id,
            }
            self.records[entity][id] = {**made, "LastModifiedDate": at, "LastModifiedById": by, "SystemModstamp": at}
            return {**made, "LastModifiedDate": at}
        record = self.records[entity][id]
        new = {name: value for name, value in values.items() if record.get(name) != value}
        record.update(new, LastModifiedDate=at, LastModifiedById=by, SystemModstamp=at)
        return {**new, "LastModifiedDate": at}

    def merge(self, entity: str, winner: str, loser: str, *, by: str = "") -> None:
        """One record goes into another: told as a deletion and an update."""
        self.remove(entity, loser, by=by, master=winner)
        self.save([(entity, winner, {})], by=by)

    def remove(self, entity: str, id: str, *, by: str = "", master: str | None = None) -> None:
        """It is gone, and stands in the list of what is gone."""
        self.bin[id] = {**self.records[entity].pop(id), "IsDeleted": True, "MasterRecordId": master, "entity": entity}
        self.deleted.append((entity, id, self.clock.now))
        self.count += 1
        for hear in self.heard:
            hear(Change(entity, id, "DELETE", {}, self.count, 1, by or self.robot, "", self.clock.now))

    def stamp(self) -> str:
        """Now, as records show it."""
        return self.clock.now.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def full(id: str) -> str:
    """15 characters and the three that say their case again."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    parts = (id[start : start + 5] for start in (0, 5, 10))
    return id + "".join(letters[sum(1 << place for place, char in enumerate(part) if char.isupper())] for part in parts)
