"""Calls to Salesforce. Tasks are upserted by a key of ours; a lead says itself whether it was converted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from taskhub.clock import real_now
from taskhub.connectors.calling import Caller, their_time
from taskhub.connectors.outbound import Changes, Conversion, Converted, Record, Who, Work
from taskhub.connectors.salesforce import convert_lead
from taskhub.connectors.salesforce.dialect import CALLER
from taskhub.connectors.salesforce.merging import MASTER, MERGED, asked
from taskhub.connectors.salesforce.records import key_field
from taskhub.errors import InvalidInput, NotFound, OutcomeUnknown
from taskhub.policy.policies import Connection

OBJECTS: Mapping[str, str] = {
    "lead": "Lead",
    "deal": "Opportunity",
    "contact": "Contact",
    "account": "Account",
    "activity": "Task",
}
VERSION, DONE, NOT_STARTED = "66.0", "Completed", "Not Started"
LOST: Mapping[str, str] = {"deal": "Closed Lost", "lead": "Closed - Not Converted"}
HEADERS = {"Sforce-Call-Options": f"client={CALLER}"}
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
OVERLAP = timedelta(minutes=1)  # a transaction is stamped before it is seen; deletions want a minute at least
TOLD_FOR = timedelta(days=14)  # who asks for deletions of longer ago is refused, and would be at every look


class SalesforceClient:
    """Implements ``Client``. Settings: ``api_version``, ``task_key_field``, ``converted_status``, words of tasks."""

    def __init__(self, caller: Caller, connection: Connection) -> None:
        settings = connection.settings
        self._caller = caller
        self._version = str(settings.get("api_version") or VERSION)
        self._data = f"/services/data/v{self._version}"
        self._key_field = key_field(connection)
        self._done = str(settings.get("task_done") or DONE)
        self._closed = str(settings.get("task_cancelled") or self._done)
        self._open = str(settings.get("task_open") or NOT_STARTED)
        self._status = settings.get("converted_status")
        self._statuses: Mapping[str, Mapping[str, str]] = settings.get("statuses") or {}
        self._reasons = {
            noun: fields["lost_reason"] for noun, fields in connection.fields.items() if "lost_reason" in fields
        }
        self._own = {noun: sorted(set(fields.values())) for noun, fields in connection.fields.items()}
        if connection.write_back.tasks != "off":
            self._own["activity"] = sorted({*self._own.get("activity", ()), self._key_field})

    def close(self) -> None:
        """Lets go of its connections."""
        self._caller.close()

    def who(self) -> Who:
        """The user and organisation of the session."""
        answer = self._caller.call("GET", "/services/oauth2/userinfo", headers=HEADERS)
        body = answer.json()
        return Who(str(body["user_id"]), str(body.get("name") or ""), str(body["organization_id"]), their_time(answer))

    def names(self) -> Mapping[str, Mapping[str, str]]:
        """Implements ``Namer``: stages are named by their label."""
        rows = self._query("SELECT MasterLabel FROM OpportunityStage")
        return {"stages.deal": {str(row["MasterLabel"]): "" for row in rows}}

    def read(self, noun: str, id: str) -> Record | None:
        """As it is now; None when there is none."""
        try:
            body = self._get(f"/sobjects/{_object(noun)}/{_safe(id)}")
        except NotFound:
            return None
        return None if body.get("IsDeleted") is True else body

    def went(self, noun: str, ids: Sequence[str]) -> Mapping[str, str]:
        """Implements ``Merger``."""
        if noun not in MERGED:
            return {}
        queries = asked(_object(noun), map(_safe, ids))
        rows = [row for query in queries for row in self._query(query, "queryAll")]
        return {str(row["Id"]): str(row[MASTER]) for row in rows if row.get(MASTER)}

    def changes(self, noun: str, cursor: str | None) -> Changes:
        """``cursor`` is an instant; deletions are kept for some days over there."""
        now = self.who().at or real_now()
        if cursor is None:
            return Changes((), (), _instant(now))
        rows, absent = self._since(noun, _parsed(cursor))
        span = {"start": _instant(max(_parsed(cursor) - OVERLAP, now - TOLD_FOR)), "end": _instant(now + OVERLAP)}
        gone = self._get(f"/sobjects/{_object(noun)}/deleted/", params=span)["deletedRecords"]
        latest = max((_parsed(row["SystemModstamp"]) for row in rows), default=now)
        after = max(_parsed(cursor), min(latest, now) - OVERLAP)
        return Changes(rows, tuple(str(one["id"]) for one in gone), _instant(after), absent=absent)

    def everything(self, noun: str) -> Changes:
        """Begins before the list is read."""
        begun = (self.who().at or real_now()) - OVERLAP
        rows, absent = self._since(noun, FIRST)
        return Changes(rows, (), _instant(begun), absent=absent)

    def clock(self) -> datetime | None:
        """Implements ``Client``."""
        return self._caller.at

    def fields(self, noun: str) -> Collection[str]:
        """Implements ``Describer``."""
        told = self._get(f"/sobjects/{_object(noun)}/describe")["fields"]
        return [str(row["name"]) for row in told]

    def _since(self, noun: str, since: datetime) -> tuple[list[dict[str, Any]], Sequence[str]]:
        """The records, and fields of their own that are not there: they do not keep the others from us."""
        where = f"SystemModstamp >= {_instant(since)} ORDER BY SystemModstamp"
        own = [name for name in self._own.get(noun, ()) if name.endswith("__c")]

        def asked(names: Sequence[str]) -> list[dict[str, Any]]:
            return list(self._query(_soql(", ".join(["FIELDS(STANDARD)", *names]), _object(noun), where)))

        try:
            return asked(own), ()
        except InvalidInput as error:
            if "INVALID_FIELD" not in error.message:
                raise
            there = self.fields(noun)
            absent = [name for name in own if name not in there]
            if not absent:
                raise
        return asked([name for name in own if name in there]), absent

    def write_work(self, work: Work, *, first: bool = False) -> str:
        """An upsert: written twice it is one task."""
        body: dict[str, Any] = {"Subject": work.title, "Description": work.text}
        about = work.about
        who = about.get("contact") or about.get("lead")
        what = about.get("deal") or about.get("account")
        body |= {"WhoId": who} if who else {}
        # With a lead as its person a task takes nothing else.
        body |= {"WhatId": what} if what and (not who or who == about.get("contact")) else {}
        body |= {"OwnerId": work.owner} if work.owner else {}
        body |= {"ActivityDate": work.due_on.isoformat()} if work.due_on else {}
        path = f"/sobjects/Task/{_safe(self._key_field)}/{_safe(work.task)}"
        answer = self._caller.call("PATCH", self._data + path, json=body, headers=HEADERS)
        if answer.status_code != 204:
            return str(answer.json()["id"])
        found = self.find_work(work)
        if found is None:
            raise OutcomeUnknown(f"{self._caller.name} has taken a task and does not show it.", retry_after=5)
        return found

    def find_work(self, work: Work) -> str | None:
        """By our key."""
        rows = list(self._query(_soql("Id", "Task", f"{_safe(self._key_field)} = '{_safe(work.task)}'")))
        return str(rows[0]["Id"]) if rows else None

    def hand_work(self, id: str, owner: str) -> None:
        """To their user."""
        self._change_work(id, OwnerId=_safe(owner))

    def complete_work(self, id: str) -> None:
        """The word that means done is a setting."""
        self._change_work(id, Status=self._done)

    def close_work(self, id: str, said: str) -> None:
        """By the word of a setting, else the one that means done; a line in its text tells the difference."""
        now = self.read("activity", id)
        if now is None:
            raise NotFound(f"{self._caller.name} has no task {id} any more.")
        text = str(now.get("Description") or "")
        self._change_work(id, Status=self._closed, Description=text if said in text else f"{text}\n{said}".strip())

    def reopen_work(self, id: str) -> None:
        """The word it begins with is a setting."""
        self._change_work(id, Status=self._open)

    def _change_work(self, id: str, **values: str) -> None:
        path = f"{self._data}/sobjects/Task/{_safe(id)}"
        self._caller.call("PATCH", path, json=values, headers=HEADERS)

    def lose(self, noun: str, id: str, reason: str) -> None:
        """By the stage or status that means lost; the reason goes into the field that is mapped for it."""
        statuses = self._statuses.get(noun, {})
        word = next((theirs for theirs, ours in statuses.items() if ours == "lost"), LOST.get(noun, ""))
        values = {"StageName" if noun == "deal" else "Status": word}
        if self._reasons.get(noun):
            values[self._reasons[noun]] = reason
        self._caller.call("PATCH", f"{self._data}/sobjects/{_object(noun)}/{_safe(id)}", json=values, headers=HEADERS)

    def convert(self, order: Conversion, *, first: bool = False) -> Converted:
        """One transaction over there; a lead that was converted before tells what came of it."""
        before = None if first else self._became(order.lead)
        if before is not None:
            return before
        status = order.status or self._status or self._converted_status()
        answer = self._caller.call(
            "POST",
            f"/services/Soap/u/{self._version}",
            content=lambda key: convert_lead.body(key, order, str(status)),
            headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'},
        )
        told = convert_lead.result(self._caller.name, answer.content)
        if told.done is not None:
            return told.done
        if told.code == convert_lead.CONVERTED and (before := self._became(order.lead)) is not None:
            return before
        raise InvalidInput(f"{self._caller.name} does not convert lead {order.lead}: {told.code}: {told.message}")

    def converting(self, order: Conversion, job: str) -> Converted:
        """Conversions are done when they are answered; asked again, the lead tells."""
        return self._became(order.lead) or Converted(False, job=job)

    def key_field_is_there(self) -> str | None:
        """None when tasks have the field that holds our key, else what the system says."""
        try:
            list(self._query(_soql("Id", "Task", f"{_safe(self._key_field)} = 'taskhub' LIMIT 1")))
        except InvalidInput as error:
            return error.message
        return None

    def _became(self, lead: str) -> Converted | None:
        record = self.read("lead", lead)
        if record is None:
            raise NotFound(f"{self._caller.name} has no lead {lead}. Was it deleted or merged there?")
        if record.get("IsConverted") is not True:
            return None
        names = ("ConvertedOpportunityId", "ConvertedAccountId", "ConvertedContactId")
        deal, account, contact = (record.get(name) for name in names)
        return Converted(True, deal=deal, account=account, contact=contact)

    def _converted_status(self) -> str:
        rows = list(self._query(_soql("MasterLabel", "LeadStatus", "IsConverted = true")))
        if not rows:
            raise InvalidInput(f"{self._caller.name} has no lead status that means converted: set converted_status.")
        return str(rows[0]["MasterLabel"])

    def _query(self, text: str, resource: str = "query") -> Iterator[dict[str, Any]]:
        body = self._get(f"/{resource}", params={"q": text})
        while True:
            yield from body["records"]
            if body["done"]:
                return
            body = self._caller.json("GET", body["nextRecordsUrl"], headers=HEADERS)

    def _get(self, path: str, **options: Any) -> Any:
        return self._caller.json("GET", self._data + path, headers=HEADERS, **options)


def _object(noun: str) -> str:
    if noun not in OBJECTS:
        raise InvalidInput(f"Salesforce has no {noun}; it has {', '.join(OBJECTS)}.")
    return OBJECTS[noun]


def _soql(fields: str, object_: str, where: str) -> str:
    """Everything in it comes from our own words, from ``_safe`` or from ``_instant``."""
    return f"SELECT {fields} FROM {object_} WHERE {where}"  # noqa: S608


def _safe(id: str) -> str:
    """An id or a name inside an address or a query: letters, digits and _ only."""
    if not id or not id.isascii() or not id.replace("_", "").replace("-", "").isalnum():
        raise InvalidInput(f"{id!r} is no id of Salesforce.")
    return id


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parsed(value: str) -> datetime:
    return datetime.fromisoformat(value)
