"""What leaves Salesforce: outbound messages until they are acknowledged, and change events as a relay posts them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

import orjson

from taskhub.testing.crm.faults import Faults
from taskhub.testing.crm.salesforce.state import Change, State
from taskhub.testing.crm.sender import Answer, Parcel, Post, Sender, later

SPACE = uuid.UUID("0f1f9c2e-9a53-4f5e-8f66-6a3ac1f4a1d5")
BATCH, KEPT = 100, timedelta(hours=24)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(hours=2)
SOAP = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body>{}</soapenv:Body></soapenv:Envelope>"
)
SESSION = "00D5f000000HBdM!fake-session-of-outbound-messages"


@dataclass(frozen=True, slots=True)
class Notification:
    """A record that changed; what it holds is read when it is sent."""

    id: str
    entity: str
    record: str
    since: datetime


class OutboundMessages:
    """One action: ``url`` None sends nothing. ``session``: whether the SessionId is included."""

    def __init__(self, state: State, faults: Faults, post: Post) -> None:
        self._state, self._faults = state, faults
        self.url: str | None = None
        self.entities: Sequence[str] = ("Lead", "Opportunity")
        self.session = True
        self._pending: list[Notification] = []
        self.sender = Sender(state.clock, faults, post, self._after, self._render)
        state.heard.append(self._heard)

    def run(self) -> int:
        """Cut what is pending into batches and send what is due."""
        self._cut()
        return self.sender.run()

    def run_out(self) -> int:
        """Until everything is acknowledged or a day old."""
        self._cut()
        return self.sender.run_out()

    def _heard(self, change: Change) -> None:
        if self.url and change.entity in self.entities and change.kind != "DELETE":
            note = Notification(self._state.id("Event"), change.entity, change.id, self._state.clock.now)
            self._pending.append(note)

    def _cut(self) -> None:
        notes, self._pending = self._pending, []
        if self._faults.shuffle is not None:
            self._faults.shuffle.shuffle(notes)
        for entity in self.entities:  # one action is of one object
            of = [note for note in notes if note.entity == entity]
            for start in range(0, len(of), BATCH):
                self.sender.put(self._parcel(of[start : start + BATCH]))

    def _parcel(self, notes: Sequence[Notification]) -> Parcel:
        headers = {"content-type": "text/xml; charset=utf-8", "soapaction": '""'}
        return Parcel(str(self.url), b"", headers, self._state.clock.now, tag=tuple(notes))

    def _after(self, parcel: Parcel, answer: Answer) -> list[Parcel]:
        """Anything but a 200 with Ack true comes again: cut anew, and with what the records hold by then."""
        notes: Sequence[Notification] = parcel.tag
        now = self._state.clock.now
        taken = answer.status == 200 and b"<Ack>true</Ack>" in answer.body
        at = now + min(FIRST_WAIT * 2 ** (parcel.attempt - 1), LONGEST_WAIT)
        alive = [note for note in notes if at - note.since <= KEPT]
        if taken or not alive:
            return []
        half = (len(alive) + 1) // 2
        cuts = [alive[half:], alive[:half]]
        return [later(parcel, at, tag=tuple(cut)) for cut in cuts if cut]

    def _render(self, parcel: Parcel) -> Parcel:
        return replace(parcel, body=self._body(parcel.tag))

    def _body(self, notes: Sequence[Notification]) -> bytes:
        session = f"<SessionId>{SESSION}</SessionId>" if self.session else '<SessionId xsi:nil="true"/>'
        head = (
            f"<OrganizationId>{self._state.organization}</OrganizationId><ActionId>04k5f0000000001AAA</ActionId>{session}"
            "<EnterpriseUrl>https://fake.my.salesforce.com/services/Soap/c/66.0</EnterpriseUrl>"
            "<PartnerUrl>https://fake.my.salesforce.com/services/Soap/u/66.0</PartnerUrl>"
        )
        told = "".join(map(self._notification, notes))
        body = f'<notifications xmlns="http://soap.sforce.com/2005/09/outbound">{head}{told}</notifications>'
        return SOAP.format(body).encode()

    def _notification(self, note: Notification) -> str:
        record = self._state.records[note.entity].get(note.record, {"Id": note.record})
        fields = "".join(
            f"<sf:{name}>{escape(_text(value))}</sf:{name}>" for name, value in record.items() if value is not None
        )
        kind = f'xsi:type="sf:{note.entity}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"'
        return f"<Notification><Id>{note.id}</Id><sObject {kind}>{fields}</sObject></Notification>"


class Relay:
    """Change events, decoded, one body each; a customer's middleware posts them and tries three times."""

    def __init__(self, state: State, faults: Faults, post: Post) -> None:
        self._state, self._faults = state, faults
        self.url: str | None = None
        self.headers: Mapping[str, str] = {}
        self.sender = Sender(state.clock, faults, post, self._after)
        state.heard.append(self._heard)

    def _heard(self, change: Change) -> None:
        if self.url:
            bare = {"gaps": self._faults.gaps, "overflow": self._faults.overflow}
            self._faults.struck |= {name for name, on in bare.items() if on}
            body = orjson.dumps(event_of(change, gap=bare["gaps"], overflow=bare["overflow"]))
            headers = {"content-type": "application/json", **self.headers}
            self.sender.put(Parcel(self.url, body, headers, self._state.clock.now))

    def _after(self, parcel: Parcel, answer: Answer) -> list[Parcel]:
        taken = answer.status is not None and 200 <= answer.status < 300
        wait = timedelta(seconds=10 * parcel.attempt)
        return [] if taken or parcel.attempt >= 3 else [later(parcel, self._state.clock.now + wait)]


def event_of(change: Change, *, gap: bool = False, overflow: bool = False) -> dict[str, Any]:
    """A change event. A gap has no data, an overflow names no record."""
    bare, millis = gap or overflow, int(change.at.timestamp() * 1000)
    kind = "GAP_OVERFLOW" if overflow else f"GAP_{change.kind}" if gap else change.kind
    header = {
        "entityName": change.entity, "recordIds": ["000000000000000AAA" if overflow else change.id], "changeType": kind,
        "changeOrigin": "" if bare else change.origin, "transactionKey": str(uuid.uuid5(SPACE, str(change.key))),
        "sequenceNumber": change.sequence, "commitTimestamp": millis, "commitNumber": millis * 1000 + change.sequence,
        "commitUser": change.by, "nulledFields": [], "diffFields": [],
        "changedFields": [] if bare or change.kind != "UPDATE" else [name for name in change.values if name != "Id"],
    }  # fmt: skip
    values = {name: None if bare else value for name, value in change.values.items() if name != "Id"}
    return {"ChangeEventHeader": header, **values}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).replace("+0000", "Z")
