"""Calls to Dataverse. A task has an id of our making, so that it is made once; a lead says whether it was qualified."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from taskhub.connectors.calling import Caller, their_time
from taskhub.connectors.dynamics.identity import work_id
from taskhub.connectors.dynamics.steps import API, HEADERS, Steps
from taskhub.connectors.outbound import Changes, Conversion, Converted, Record, Who, Work
from taskhub.errors import Conflict, InvalidInput, NotFound
from taskhub.policy.policies import Connection

SETS: Mapping[str, str] = {
    "lead": "leads",
    "deal": "opportunities",
    "contact": "contacts",
    "account": "accounts",
    "activity": "tasks",
}
TABLES: Mapping[str, str] = {"lead": "lead", "deal": "opportunity", "contact": "contact", "account": "account"}
# What a task is about: it takes one record only, the closest to the sale first.
CLOSEST = ("deal", "lead", "account", "contact")
OPEN, QUALIFIED, LOST = 0, 1, 2
# Which table a lookup points at, and what people read instead of a number.
NAMED = 'odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname,OData.Community.Display.V1.FormattedValue"'
DONE = {"statecode": 1, "statuscode": 5}
CANCELLED = {"statecode": 2, "statuscode": 6}
NOT_STARTED = {"statecode": 0, "statuscode": 2}


class DynamicsClient(Steps):
    """Implements ``Client`` and ``Subscriber``. Settings: ``tenant``, ``create_account``, ``create_contact``."""

    def __init__(self, caller: Caller, connection: Connection) -> None:
        super().__init__(caller, connection)
        self._caller, self._settings = caller, connection.settings

    def close(self) -> None:
        """Lets go of its connections."""
        self._caller.close()

    def who(self) -> Who:
        """Our application user and its organisation."""
        answer = self._caller.call("GET", f"{API}/WhoAmI", headers=HEADERS)
        body = answer.json()
        return Who(str(body["UserId"]), "", str(body["OrganizationId"]), their_time(answer))

    def fields(self, noun: str) -> Collection[str]:
        """Implements ``Describer``: the logical names."""
        _set(noun)
        table = {**TABLES, "activity": "task"}[noun]
        path = f"{API}/EntityDefinitions(LogicalName='{table}')/Attributes"
        return [str(row["LogicalName"]) for row in self._all_of(path, {"$select": "LogicalName"})]

    def read(self, noun: str, id: str) -> Record | None:
        """As it is now; None when there is none."""
        try:
            path = f"{API}/{_set(noun)}({_guid(id)})"
            record: Record = self._caller.json("GET", path, headers={**HEADERS, "Prefer": NAMED})
        except NotFound:
            return None
        return record

    def changes(self, noun: str, cursor: str | None) -> Changes:
        """``cursor`` is a delta link; without one, and when it has expired, everything comes."""
        if cursor is None:
            return self._tracked(f"{API}/{_set(noun)}", resync=False)
        try:
            return self._tracked(cursor, resync=False)
        except (InvalidInput, NotFound):
            return self._tracked(f"{API}/{_set(noun)}", resync=True)

    def everything(self, noun: str) -> Changes:
        """Implements ``Client``."""
        return self._tracked(f"{API}/{_set(noun)}", resync=False)

    def clock(self) -> datetime | None:
        """Implements ``Client``."""
        return self._caller.at

    def write_work(self, work: Work, *, first: bool = False) -> str:
        """Made only when it is not there: what somebody has changed or closed since stays as it is."""
        id = work_id(self._caller.name, work.task)
        body: dict[str, Any] = {"subject": work.title, "description": work.text}
        noun = next((noun for noun in CLOSEST if work.about.get(noun)), None)
        if noun:
            body[f"regardingobjectid_{TABLES[noun]}_task@odata.bind"] = f"/{SETS[noun]}({_guid(work.about[noun])})"
        if work.owner:
            body["ownerid@odata.bind"] = f"/systemusers({_guid(work.owner)})"
        if work.due_on:
            body["scheduledend"] = f"{work.due_on.isoformat()}T00:00:00Z"
        try:
            path = f"{API}/tasks({id})"
            self._caller.call("PATCH", path, json=body, headers={**HEADERS, "If-None-Match": "*"})
        except Conflict:
            if self.read("activity", id) is None:
                raise
        return id

    def complete_work(self, id: str) -> None:
        """Changes only: a task that was deleted is not made again by its end."""
        self._change_work(id, DONE)

    def find_work(self, work: Work) -> str | None:
        """Its id is of our making."""
        id = work_id(self._caller.name, work.task)
        return None if self.read("activity", id) is None else id

    def hand_work(self, id: str, owner: str) -> None:
        """To their user."""
        self._change_work(id, {"ownerid@odata.bind": f"/systemusers({_guid(owner)})"})

    def close_work(self, id: str, said: str) -> None:
        """Cancelled; its text says why."""
        now = self.read("activity", id)
        if now is None:
            raise NotFound(f"{self._caller.name} has no task {id} any more.")
        text = str(now.get("description") or "")
        self._change_work(id, {**CANCELLED, "description": text if said in text else f"{text}\n{said}".strip()})

    def reopen_work(self, id: str) -> None:
        """Not started, as at first."""
        self._change_work(id, NOT_STARTED)

    def _change_work(self, id: str, values: Mapping[str, Any]) -> None:
        path = f"{API}/tasks({_guid(id)})"
        self._caller.call("PATCH", path, json=values, headers={**HEADERS, "If-Match": "*"})

    def lose(self, noun: str, id: str, reason: str) -> None:
        """``reason`` is the number of a status reason. What is lost already stays as it is."""
        if not (reason.isascii() and reason.isdecimal()):
            raise InvalidInput(f"{reason!r} is no status reason of Dynamics: they are numbers. Look at lost_reasons.")
        now = self.read(noun, id)
        if now is None:
            raise NotFound(f"{self._caller.name} has no {noun} {id}. Was it deleted or merged there?")
        if now["statecode"] == LOST:
            return
        if now["statecode"] != OPEN:
            raise InvalidInput(f"The {noun} {id} has ended otherwise at {self._caller.name}: reopen it there first.")
        if noun == "lead":
            values = {"statecode": LOST, "statuscode": int(reason)}
            self._caller.call("PATCH", f"{API}/leads({_guid(id)})", json=values, headers={**HEADERS, "If-Match": "*"})
            return
        closing = {"subject": "Lost", "opportunityid@odata.bind": f"/opportunities({_guid(id)})"}
        body = {"Status": int(reason), "OpportunityClose": closing}
        self._caller.call("POST", f"{API}/LoseOpportunity", json=body, headers=HEADERS)

    def convert(self, order: Conversion, *, first: bool = False) -> Converted:
        """QualifyLead; a lead that was qualified before tells what came of it."""
        before = None if first else self._became(order.lead)
        if before is not None:
            return before
        body = {
            "CreateAccount": order.account is None and self._settings.get("create_account", True),
            "CreateContact": order.contact is None and self._settings.get("create_contact", True),
            "CreateOpportunity": order.make_deal,
            "Status": int(order.status or -1),
        }
        if order.account and order.make_deal:
            customer = {"@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": _guid(order.account)}
            body["OpportunityCustomerId"] = customer
        path = f"{API}/leads({_guid(order.lead)})/Microsoft.Dynamics.CRM.QualifyLead"
        try:
            self._caller.call("POST", path, json=body, headers=HEADERS)
        except (InvalidInput, Conflict):
            if (before := self._became(order.lead)) is None:
                raise
            return before
        # The lead's own links are what a later look finds as well.
        return self._became(order.lead) or Converted(False, job=order.lead)

    def converting(self, order: Conversion, job: str) -> Converted:
        """Asked again, the lead tells."""
        return self._became(order.lead) or Converted(False, job=job)

    def _became(self, lead: str) -> Converted | None:
        record = self.read("lead", lead)
        if record is None:
            raise NotFound(f"{self._caller.name} has no lead {lead}. Was it deleted or merged there?")
        if record["statecode"] == OPEN:
            return None
        if record["statecode"] != QUALIFIED:
            raise InvalidInput(f"Lead {lead} is disqualified at {self._caller.name}: reopen it there first.")
        names = ("qualifyingopportunityid", "parentaccountid", "parentcontactid")
        deal, account, contact = (record.get(f"_{name}_value") for name in names)
        return Converted(True, deal=deal, account=account, contact=contact)

    def _tracked(self, link: str, *, resync: bool) -> Changes:
        rows: list[Record] = []
        gone: list[str] = []
        while True:
            headers = {**HEADERS, "Prefer": f"odata.track-changes,{NAMED}"}
            body = self._caller.json("GET", link, headers=headers)
            for row in body["value"]:
                if "$deletedEntity" in str(row.get("@odata.context", "")):
                    gone.append(str(row["id"]))
                else:
                    rows.append(row)
            if "@odata.nextLink" not in body:
                break
            link = str(body["@odata.nextLink"])
        if "@odata.deltaLink" not in body:
            said = f"{self._caller.name} does not track changes of this table: switch change tracking on there."
            raise InvalidInput(said, code="no_change_tracking")
        return Changes(rows, gone, str(body["@odata.deltaLink"]), resync)


def _set(noun: str) -> str:
    if noun not in SETS:
        raise InvalidInput(f"Dynamics has no {noun}; it has {', '.join(SETS)}.")
    return SETS[noun]


def _guid(id: str) -> str:
    try:
        return str(uuid.UUID(id))
    except ValueError:
        raise InvalidInput(f"{id!r} is no id of Dynamics: they are GUIDs.") from None
