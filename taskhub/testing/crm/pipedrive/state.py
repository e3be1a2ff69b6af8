"""What the fake Pipedrive knows, and the facts that leave it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from taskhub.testing.clock import SetClock

SPACE = uuid.UUID("5a3c1e7e-0b7f-4c0e-9a55-3d2f6c1b7a10")
BLANK: Mapping[str, Mapping[str, Any]] = {
    "lead": {
        "channel": None, "channel_id": None, "creator_id": None, "custom_fields": {}, "expected_close_date": None,
        "is_archived": False, "label_ids": [], "next_activity_id": None, "organization_id": None,
        "origin": "ManuallyCreated", "origin_id": None, "owner_id": None, "person_id": None,
        "source_name": "Manually created", "title": "", "was_seen": True, "value": None,
    },
    "deal": {
        "channel": None, "channel_id": None, "close_time": None, "creator_user_id": None, "currency": "EUR",
        "custom_fields": {}, "expected_close_date": None, "first_won_time": None, "label_ids": [], "lost_reason": None,
        "lost_time": None, "org_id": None, "origin": "ManuallyCreated", "origin_id": None, "owner_id": None,
        "person_id": None, "pipeline_id": 1, "probability": None, "stage_change_time": None, "stage_id": 1,
        "status": "open", "title": "", "value": 0, "visible_to": "3", "won_time": None,
    },
    "activity": {
        "active_flag": True, "busy_flag": None, "custom_fields": {}, "deal_id": None, "done": False, "due_date": None,
        "due_time": None, "duration": None, "lead_id": None, "location": None, "org_id": None, "owner_id": None,
        "person_id": None, "public_description": "", "subject": "", "type": "task", "update_user_id": None,
    },
    "person": {
        "custom_fields": {}, "emails": [], "first_name": None, "label_ids": [], "last_name": None, "name": "",
        "org_id": None, "owner_id": None, "phones": [], "picture_id": None, "visible_to": "3",
    },
    "organization": {
        "address": None, "custom_fields": {}, "label_ids": [], "name": "", "owner_id": None, "visible_to": "3",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """One change, as a webhook tells it. ``by`` is the user who made it."""

    action: str
    entity: str
    id: str
    data: Mapping[str, Any] | None
    previous: Mapping[str, Any] | None
    by: int
    source: str
    at: datetime
    number: int
    merged: Mapping[str, str] = field(default_factory=dict)


@dataclass
class State:
    """Records by entity and id. Each change tells ``heard`` a fact."""

    clock: SetClock
    company: int = 8087566
    robot: int = 12345679  # the user whose key the API is called with
    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in BLANK})
    names: dict[str, dict[int, str]] = field(
        default_factory=lambda: {
            "stages": {1: "Qualified", 2: "Contact Made", 3: "Demo Scheduled", 4: "Proposal Made"},
            "pipelines": {1: "Sales"},
            "users": {12345679: "taskhub", 12415231: "Lea"},
        }
    )
    fields: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {
            name: [] for name in ("dealFields", "personFields", "organizationFields", "activityFields")
        }
    )
    notes: list[dict[str, Any]] = field(default_factory=list)
    hooks: dict[int, dict[str, Any]] = field(default_factory=dict)
    conversions: dict[str, dict[str, Any]] = field(default_factory=dict)
    heard: list[Callable[[Fact], None]] = field(default_factory=list)
    count: int = 0

    def number(self) -> int:
        """A fresh number; ids and events share the row."""
        self.count += 1
        return self.count

    def add(self, entity: str, values: Mapping[str, Any], *, by: int | None = None) -> dict[str, Any]:
        """A new record. Leads have UUIDs, everything else numbers. ``by`` None: through the API."""
        number = self.number()
        id: Any = str(uuid.uuid5(SPACE, str(number))) if entity == "lead" else number
        made = self.stamp(entity)
        owner = {"owner_id": by or self.robot}
        record = {**BLANK[entity], **owner, **values, "id": id, "add_time": made, "update_time": made}
        self.records[entity][str(id)] = record
        self._tell("create", entity, record, None, by)
        return record

    def change(self, entity: str, id: str, values: Mapping[str, Any], *, by: int | None = None) -> dict[str, Any]:
        """Set ``values``; nothing is told when they are what they were. KeyError: no such record."""
        record = self.records[entity][id]
        values = {**values, **self._followed(entity, record, values)}
        old = {name: record.get(name) for name, value in values.items() if record.get(name) != value}
        if old:
            old["update_time"] = record["update_time"]
            record.update(values, update_time=self.stamp(entity))
            self._tell("change", entity, record, old, by)
        return record

    def merge(self, entity: str, winner: str, loser: str, *, by: int | None = None) -> None:
        """One record goes into another; each half of the telling names the other."""
        self._tell("delete", entity, None, self.records[entity].pop(loser), by, {"merged_to_id": winner})
        record = self.records[entity][winner]
        old = {"update_time": record["update_time"]}
        record["update_time"] = self.stamp(entity)
        self._tell("change", entity, record, old, by, {"merged_from_id": loser})

    def remove(self, entity: str, id: str, *, by: int | None = None) -> None:
        """It is gone; its last state is told."""
        self._tell("delete", entity, None, self.records[entity].pop(id), by)

    def definitions(self, entity: str) -> dict[str, str]:
        """Key → type of the fields a company has made; leads have those of deals."""
        rows = self.fields.get("dealFields" if entity == "lead" else f"{entity}Fields", [])
        return {row["key"]: row["field_type"] for row in rows}

    def stamp(self, entity: str) -> str:
        """Deals and activities keep whole seconds, leads milliseconds."""
        if entity == "lead":
            return self.clock.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return self.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _followed(self, entity: str, record: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """Times that follow from a change."""
        at, more = self.stamp(entity), dict[str, Any]()
        if entity == "deal" and values.get("stage_id", record["stage_id"]) != record["stage_id"]:
            more["stage_change_time"] = at
        status = values.get("status")
        if entity == "deal" and status in ("won", "lost") and status != record["status"]:
            more |= {f"{status}_time": at, "close_time": at}
            if status == "won":
                more["first_won_time"] = record["first_won_time"] or at
        if entity == "activity" and values.get("done") is True and not record["done"]:
            more["marked_as_done_time"] = at
        return more

    def _tell(
        self, action: str, entity: str, record: Mapping[str, Any] | None, old: Mapping[str, Any] | None, by: int | None,
        merged: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        known = record or old or {}
        fact = Fact(
            action, entity, str(known["id"]), dict(record) if record is not None else None,
            dict(old) if old is not None else None, by or self.robot, "app" if by else "api", self.clock.now,
            self.number(), merged or {},
        )  # fmt: skip
        for hear in self.heard:
            hear(fact)
