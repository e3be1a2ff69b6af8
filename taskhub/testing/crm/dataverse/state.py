"""What the fake Dataverse knows: rows as its web API shows them, a log of changes, and what leaves it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from taskhub.testing.clock import SetClock

SPACE = uuid.UUID("2d7c4b5a-90a4-4a51-8d5f-5f3f0e6f9b21")
# Table → its set in the API.
SETS: Mapping[str, str] = {
    "lead": "leads", "opportunity": "opportunities", "task": "tasks", "account": "accounts", "contact": "contacts",
    "processstage": "processstages", "leadtoopportunitysalesprocess": "leadtoopportunitysalesprocesses",
    "opportunitysalesprocess": "opportunitysalesprocesses",
}  # fmt: skip
NEW: Mapping[str, Mapping[str, Any]] = {
    "lead": {
        "subject": "", "fullname": None, "firstname": None, "lastname": None, "companyname": None, "statecode": 0,
        "statuscode": 1, "leadqualitycode": 2, "_qualifyingopportunityid_value": None, "_parentaccountid_value": None,
        "_parentcontactid_value": None, "emailaddress1": None, "description": None,
    },
    "opportunity": {
        "name": "", "statecode": 0, "statuscode": 1, "_originatingleadid_value": None, "_customerid_value": None,
        "estimatedvalue": None, "actualvalue": None, "stepname": None,
    },
    "task": {
        "subject": "", "description": None, "statecode": 0, "statuscode": 2, "_regardingobjectid_value": None,
        "scheduledend": None, "actualend": None, "prioritycode": 1, "percentcomplete": 0,
    },
    "account": {"name": ""},
    "contact": {"firstname": None, "lastname": None, "_parentcustomerid_value": None},
    "processstage": {"stagename": ""},
    "leadtoopportunitysalesprocess": {
        "_activestageid_value": None, "_leadid_value": None, "_opportunityid_value": None, "name": "",
    },
    "opportunitysalesprocess": {"_activestageid_value": None, "_opportunityid_value": None, "name": ""},
}  # fmt: skip
# Columns that its tables have and the fake has no use for.
IDLE: Mapping[str, tuple[str, ...]] = {
    "lead": ("telephone1", "estimatedamount", "stageid", "processid", "transactioncurrencyid", "masterid", "merged"),
    "opportunity": (
        "stageid", "processid", "transactioncurrencyid", "estimatedclosedate", "parentaccountid", "parentcontactid",
    ),
    "account": ("emailaddress1", "telephone1"),
    "contact": ("emailaddress1", "telephone1", "fullname"),
}  # fmt: skip
EVERYWHERE = ("ownerid", "createdon", "createdby", "modifiedon", "modifiedby")
PROCESS_ID = "businessprocessflowinstanceid"


@dataclass(frozen=True, slots=True)
class Act:
    """One call of a user: everything it causes shares its correlation. ``name`` and ``inputs`` of the outer message."""

    correlation: str
    by: str
    name: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One row that changed: ``message`` Create, Update, Delete or Merge, ``values`` what was sent."""

    message: str
    table: str
    id: str
    values: Mapping[str, Any]
    before: Mapping[str, Any]
    act: Act
    at: datetime
    number: int


@dataclass
class State:
    """Rows by table and id. ``log`` numbers every change for delta links."""

    clock: SetClock
    organization: str = "e4afcea5-0944-4066-b839-a318fe3b4e55"
    unit: str = "b30c16dc-7546-e811-a955-000d3a28937c"
    robot: str = "593db65c-9747-e811-a94f-000d3a395ecc"
    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in NEW})
    log: list[tuple[str, str]] = field(default_factory=list)
    forgotten: int = 0  # delta tokens below this number have expired
    heard: list[Callable[[Change], None]] = field(default_factory=list)
    count: int = 0
    own: dict[str, frozenset[str]] = field(default_factory=dict)  # table → columns the organisation made

    def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns, with those of its own that any row has."""
        held = {name for row in self.rows[table].values() for name in row}
        plain = {name.removeprefix("_").removesuffix("_value") for name in {*NEW[table], *held}}
        return frozenset({*plain, *IDLE.get(table, ()), *EVERYWHERE, table_key(table), *self.own.get(table, ())})

    def id(self, what: str = "row") -> str:
        """A fresh GUID."""
        self.count += 1
        return str(uuid.uuid5(SPACE, f"{what} {self.count}"))

    def act(self, by: str | None = None, name: str | None = None, inputs: Mapping[str, Any] | None = None) -> Act:
        """A new call; ``by`` None: our application user."""
        return Act(self.id("correlation"), by or self.robot, name, inputs or {})

    def create(self, table: str, values: Mapping[str, Any], act: Act | None = None, *, id: str | None = None) -> str:
        """A new row; returns its id."""
        act, id = act or self.act(), id or self.id()
        sent = {f"{table_key(table)}": id, "_ownerid_value": act.by, **values}
        full = {**NEW[table], **sent, "createdon": self.stamp(), "_createdby_value": act.by, **self._touched(act)}
        if table == "lead" and not full["fullname"]:
            full["fullname"] = " ".join(filter(None, (full["firstname"], full["lastname"])))
        self.rows[table][id] = full
        self._tell("Create", table, id, full, {}, act)
        return id

    def update(self, table: str, id: str, values: Mapping[str, Any], act: Act | None = None) -> None:
        """Set ``values``; the event carries them whether they differ or not. KeyError: no such row."""
        act, row = act or self.act(), self.rows[table][id]
        before, sent = dict(row), {**values, **self._touched(act)}
        row.update(sent)
        self._tell("Update", table, id, {table_key(table): id, **sent}, before, act)

    def merge(self, table: str, winner: str, loser: str, act: Act) -> None:
        """One row goes into another: it stays, closed, and says where it went."""
        given = {"SubordinateId": {"__type": "Guid:#System", "__value": loser}, "PerformParentingChecks": False}
        closed = {"lead": (2, 7)}.get(table, (1, 2))
        went = {
            "merged": True,
            "_masterid_value": winner,
            **dict(zip(("statecode", "statuscode"), closed, strict=True)),
        }
        self.update(table, loser, went, replace(act, name="Merge", inputs=given))
        self._tell("Merge", table, winner, given, {}, act)

    def delete(self, table: str, id: str, act: Act | None = None) -> None:
        """The row is gone."""
        before = self.rows[table].pop(id)
        self._tell("Delete", table, id, {}, before, act or self.act())

    def stamp(self) -> str:
        """Now, in whole seconds, as rows show it."""
        return self.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _touched(self, act: Act) -> dict[str, Any]:
        return {"modifiedon": self.stamp(), "_modifiedby_value": act.by}

    def _tell(
        self, message: str, table: str, id: str, values: Mapping[str, Any], before: Mapping[str, Any], act: Act
    ) -> None:
        self.log.append((table, id))
        self.count += 1
        change = Change(message, table, id, dict(values), before, act, self.clock.now, self.count)
        for hear in self.heard:
            hear(change)


def table_key(table: str) -> str:
    """The name of a table's id; activities share theirs."""
    if table.endswith("salesprocess"):
        return PROCESS_ID
    return "activityid" if table == "task" else f"{table}id"
