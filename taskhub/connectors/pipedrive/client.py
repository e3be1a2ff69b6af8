"""Calls to Pipedrive. It knows no idempotency key: what an earlier try may have made is looked for, by a mark."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from taskhub.connectors.calling import Caller, their_time
from taskhub.connectors.outbound import Changes, Conversion, Converted, Record, Who, Work
from taskhub.connectors.pipedrive.identity import mark_of
from taskhub.connectors.pipedrive.losing import Losing
from taskhub.connectors.pipedrive.names import definitions, names
from taskhub.connectors.pipedrive.options import options_of
from taskhub.connectors.pipedrive.webhooks import Webhooks
from taskhub.errors import InvalidInput, NotFound, OutcomeUnknown
from taskhub.policy.policies import Options

PATHS: Mapping[str, str] = {
    "lead": "/api/v1/leads",
    "deal": "/api/v2/deals",
    "activity": "/api/v2/activities",
    "contact": "/api/v2/persons",
    "account": "/api/v2/organizations",
}
PAGE = 500
LINKS: Mapping[str, str] = {"deal": "deal_id", "lead": "lead_id", "contact": "person_id", "account": "org_id"}
# The narrowest first: where a piece of work is looked for again.
NARROW = ("deal", "lead", "contact", "account")
OVERLAP = timedelta(seconds=60)  # deals keep whole seconds, and clocks of two houses differ
EARLY_COPY = timedelta(days=2)
FIRST = "1970-01-01T00:00:00Z"


class PipedriveClient(Losing, Webhooks):
    """Implements ``Client``, ``Reverser``, ``Subscriber``, ``Namer``, ``Describer`` and ``Chooser``."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self._caller = caller

    def close(self) -> None:
        """Lets go of its connections."""
        self._caller.close()

    def who(self) -> Who:
        """The user of the key, and the company it belongs to."""
        answer = self._caller.call("GET", "/api/v1/users/me")
        data = answer.json()["data"]
        return Who(str(data["id"]), str(data.get("name") or ""), str(data.get("company_id") or ""), their_time(answer))

    def names(self) -> Mapping[str, Mapping[str, str]]:
        """Implements ``Namer``."""
        return names(self._caller)

    def fields(self, noun: str) -> Collection[str]:
        """Implements ``Describer``."""
        return [str(row["key"]) for row in definitions(self._caller, noun)]

    def options(self, noun: str, keys: Sequence[str]) -> Mapping[str, Options | None]:
        """Implements ``Chooser``."""
        return options_of(definitions(self._caller, noun), keys)

    def read(self, noun: str, id: str) -> Record | None:
        """As it is now; None when there is none."""
        try:
            data = self._caller.json("GET", f"{_path(noun)}/{_safe(id)}")["data"]
        except NotFound:
            return None
        return None if data is None or data.get("is_deleted") is True else data

    def changes(self, noun: str, cursor: str | None) -> Changes:
        """``cursor`` is an instant. Deletions are not listed anywhere: a read finds them."""
        if cursor is None:
            return Changes((), (), _instant(self._now()))
        rows = list(self._leads(cursor) if noun == "lead" else self._list(_path(noun), updated_since=cursor))
        latest = max((_parsed(row["update_time"]) for row in rows if row.get("update_time")), default=None)
        # A little before the latest, so that what was written in the same second is not passed over.
        after = max(_parsed(cursor), latest - OVERLAP) if latest else _parsed(cursor)
        return Changes(rows, (), _instant(after))

    def everything(self, noun: str) -> Changes:
        """Begins before the list is read."""
        begun = _instant(self._now() - OVERLAP)
        rows = list(self._leads(FIRST) if noun == "lead" else self._list(_path(noun)))
        return Changes(rows, (), begun)

    def clock(self) -> datetime | None:
        """Implements ``Client``."""
        return self._caller.at

    def write_work(self, work: Work, *, first: bool = False) -> str:
        """An activity whose subject bears our mark; it stands alone where what it is about is gone by now."""
        mark = mark_of(self._caller.name, work.task)
        found = None if first else self.find_work(work)
        if found is not None:
            return found
        body: dict[str, Any] = {"subject": f"{work.title} [{mark}]", "type": "task", "note": work.text}
        links = {LINKS[noun]: _number(noun, id) for noun, id in work.about.items() if noun in LINKS}
        if work.owner:
            body["owner_id"] = _number("user", work.owner)
        if work.due_on:
            body["due_date"] = work.due_on.isoformat()
        try:
            return self._add_work({**body, **links})
        except InvalidInput:
            # A lead that was converted or deleted is listed nowhere: its word may have been lost on the way here.
            if not self._is_gone(work.about):
                raise
        return self._add_work(body)

    def _add_work(self, body: dict[str, Any]) -> str:
        return str(_member(self._caller.json("POST", PATHS["activity"], json=body), "id"))

    def _is_gone(self, about: Mapping[str, str]) -> bool:
        return any(noun in LINKS and self.read(noun, id) is None for noun, id in about.items())

    def find_work(self, work: Work) -> str | None:
        """By our mark."""
        return self._marked(work, mark_of(self._caller.name, work.task))

    def hand_work(self, id: str, owner: str) -> None:
        """Raises ``InvalidInput`` for a user that is none."""
        self._change_work(id, owner_id=_number("user", owner))

    def complete_work(self, id: str) -> None:
        """Done; the time stays that of the first call."""
        self._change_work(id, done=True)

    def close_work(self, id: str, said: str) -> None:
        """They know no other end than done: a line in its note tells the difference."""
        now = self.read("activity", id)
        if now is None:
            raise NotFound(f"{self._caller.name} has no activity {id} any more.")
        note, line = str(now.get("note") or ""), html.escape(said)
        self._change_work(id, done=True, note=note if line in note else f"{note}<br>{line}".removeprefix("<br>"))

    def reopen_work(self, id: str) -> None:
        """As it was, at its old place."""
        self._change_work(id, done=False)

    def _change_work(self, id: str, **values: Any) -> None:
        self._caller.call("PATCH", f"{PATHS['activity']}/{_safe(id)}", json=values)

    def convert(self, order: Conversion, *, first: bool = False) -> Converted:
        """Begins a job over there; ``converting`` tells its end. A lead that is gone has been converted before."""
        if not first and self.read("lead", order.lead) is None:
            return self._became(order)
        body = {"stage_id": int(order.stage)} if order.stage else {}
        try:
            answer = self._caller.json("POST", f"/api/v2/leads/{_safe(order.lead)}/convert/deal", json=body)
        except NotFound:
            return self._became(order)
        return Converted(False, job=str(_member(answer, "conversion_id")))

    def converting(self, order: Conversion, job: str) -> Converted:
        """Raises ``InvalidInput`` when they have refused it."""
        path = f"/api/v2/leads/{_safe(order.lead)}/convert/status/{_safe(job)}"
        try:
            data = self._caller.json("GET", path)["data"]
        except NotFound:  # jobs are forgotten after some days
            return self._became(order)
        if data["status"] == "completed":
            return Converted(True, deal=str(data["deal_id"]), contact=order.contact, account=order.account)
        if data["status"] in ("failed", "rejected"):
            if self.read("lead", order.lead) is None:
                return self._became(order)
            raise InvalidInput(f"{self._caller.name} has {data['status']} the conversion of lead {order.lead}.")
        return Converted(False, job=job)

    def _became(self, order: Conversion) -> Converted:
        """The deal a lead has become: the first of its title, person and company since it was asked for."""
        links = {"person_id": order.contact, "org_id": order.account}
        narrow = {name: value for name, value in links.items() if value}
        since = _instant(order.asked_at - OVERLAP)
        rows = self._list(PATHS["deal"], updated_since=since, **narrow)
        made = [row for row in rows if row["title"] == order.title and _parsed(row["add_time"]) >= _parsed(since)]
        if not made:
            said = f"{self._caller.name} has no lead {order.lead} any more, and no deal {order.title!r} made of it."
            raise NotFound(f"{said} Was it deleted there?")
        first = min(made, key=lambda row: (row["add_time"], row["id"]))
        return Converted(True, deal=str(first["id"]), contact=order.contact, account=order.account)

    def _marked(self, work: Work, mark: str) -> str | None:
        """What an earlier try has made. Looked for where it would be; a user may have changed the words around."""
        noun = next((noun for noun in NARROW if work.about.get(noun)), None)
        if noun is not None:
            found = self._bears(mark, {LINKS[noun]: work.about[noun]})
            if found is not None:
                return found
        elif work.owner:
            return self._bears(mark, {"owner_id": work.owner})
        # It may stand alone, because what it was about then was gone.
        return self._bears(mark, {"updated_since": _instant((self._caller.at or self._now()) - EARLY_COPY)})

    def _bears(self, mark: str, narrow: dict[str, Any]) -> str | None:
        rows = self._list(PATHS["activity"], sort_by="add_time", sort_direction="desc", **narrow)
        return next((str(row["id"]) for row in rows if mark in str(row.get("subject"))), None)

    def _list(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        cursor: str | None = ""
        while cursor is not None:
            params = {"sort_by": "update_time", "limit": PAGE, **query, **({"cursor": cursor} if cursor else {})}
            body = self._caller.json("GET", path, params=params)
            yield from body["data"] or ()
            cursor = (body.get("additional_data") or {}).get("next_cursor")

    def _leads(self, cursor: str) -> Iterator[dict[str, Any]]:
        """No ``updated_since``: from the latest down to the watermark."""
        start: int | None = 0
        since = _parsed(cursor)
        while start is not None:
            params = {"sort": "update_time DESC", "start": start, "limit": PAGE}
            body = self._caller.json("GET", PATHS["lead"], params=params)
            rows = body["data"] or []
            new = [row for row in rows if _parsed(row["update_time"]) >= since]
            yield from new
            pages = (body.get("additional_data") or {}).get("pagination") or {}
            start = pages["next_start"] if len(new) == len(rows) and pages.get("more_items_in_collection") else None

    def _now(self) -> datetime:
        """Their clock, which stamps their records."""
        at = self.who().at
        if at is None:
            raise InvalidInput(f"{self._caller.name} does not tell its time; no place to begin is known.")
        return at


def _path(noun: str) -> str:
    if noun not in PATHS:
        raise InvalidInput(f"Pipedrive has no {noun}; it has {', '.join(PATHS)}.")
    return PATHS[noun]


def _safe(id: str) -> str:
    """An id inside an address: anything that could name another place is refused."""
    if not id or not id.replace("-", "").replace("_", "").isalnum() or not id.isascii():
        raise InvalidInput(f"{id!r} is no id of Pipedrive.")
    return id


def _number(noun: str, id: str) -> int | str:
    """Everything but a lead is numbered."""
    if noun == "lead":
        return _safe(id)
    if not (id.isascii() and id.isdecimal()):
        raise InvalidInput(f"{id!r} is no {noun} of Pipedrive: its ids are numbers.")
    return int(id)


def _member(body: Any, name: str) -> Any:
    try:
        return body["data"][name]
    except (KeyError, TypeError):
        # A success that does not say what it made: what it made has to be looked for.
        raise OutcomeUnknown(f"Pipedrive's answer has no {name}; it is looked for.", retry_after=1) from None


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parsed(value: str) -> datetime:
    at = datetime.fromisoformat(value.replace(" ", "T"))
    return at if at.tzinfo else at.replace(tzinfo=UTC)
