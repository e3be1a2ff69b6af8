"""A lead becomes a customer, all or nothing: account, contact, deal, follow-up task; and back while nobody went on.

The lead is the lock: of many who convert it at once one does, the others are told who and when. Nothing is made twice
either: what an account or contact is found by is held until the commit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from taskhub.acts import named
from taskhub.db.tx import Tx
from taskhub.errors import Conflict, VersionClash
from taskhub.events.model import RecordRef
from taskhub.failpoints import failpoint
from taskhub.ids import new_id
from taskhub.notes import service as notes
from taskhub.sales import conversion, converted, path, recording
from taskhub.sales import service as sales
from taskhub.sales.conversion import Asked, Drafts
from taskhub.sales.model import CONVERTED, Conversion, RecordState
from taskhub.sales.native import Said
from taskhub.tasks import service as tasks
from taskhub.tasks.model import NewTask, Task

FollowUp = Callable[[RecordState, RecordState | None], NewTask]


@dataclass(frozen=True, slots=True)
class Converted:
    """Everything a conversion leads to; ``made`` are the nouns it made, the others were there."""

    id: str
    lead: RecordState
    account: RecordState
    contact: RecordState | None
    deal: RecordState | None
    follow_up: Task | None
    made: tuple[str, ...]


class _Work:
    """One conversion under way: what is locked, what was made, the events that say so."""

    def __init__(self, tx: Tx, states: dict[str, RecordState]) -> None:
        self.tx = tx
        self.states = states
        self.at: datetime = recording.moment(tx, states.values())
        self.made: list[str] = []
        self.events: list[str] = []

    def make(self, noun: str, fields: dict[str, Any]) -> RecordState:
        kept = {name: value for name, value in fields.items() if value is not None}
        told = recording.tell(self.tx, "create", Said(RecordRef(noun, new_id()), None, kept), at=self.at)
        self.made.append(noun)
        self.events.append(told.event)
        self.states[noun] = told.state
        return told.state

    def id_of(self, noun: str) -> str | None:
        return self.states[noun].ref.id if noun in self.states else None


def convert(
    tx: Tx, lead: str, asked: Asked, follow_up: FollowUp | None = None, version: int | None = None
) -> Converted:  # fmt: skip
    """One transaction. Raises NotFound, InvalidInput, or Conflict that says who converted it and when."""
    ref = RecordRef("lead", lead)
    seen = sales.get(tx, ref)
    recording.refuse_foreign(seen)
    named.check(tx, {"owner": (asked.deal or {}).get("owner")})
    drafts = conversion.drafted(seen, asked, tx.policies)
    work = _Work(tx, converted.locked(tx, ref, converted.matched(tx, drafts), version))
    path.refuse_ended(work.states["lead"])
    converted.refuse_live(tx, lead)
    if work.states["lead"].newest != seen.newest:
        raise VersionClash("The lead was changed at this very moment: read it again.", version=seen.version)
    failpoint("convert.locked")
    since = _customer(work, drafts)
    _contact(work, drafts)
    failpoint("convert.contact_known")
    _deal(work, drafts)
    failpoint("convert.deal_made")
    _close(work, since)
    failpoint("convert.lead_converted")
    task = None if follow_up is None else _follow_up(work, follow_up)
    failpoint("convert.followed_up")
    _keep(work, seen, task, since=since)
    failpoint("convert.kept")
    get = work.states.get
    return Converted(
        tx.act_id, work.states["lead"], work.states["account"], get("contact"), get("deal"), task, tuple(work.made)
    )


def _follow_up(work: _Work, order: FollowUp) -> Task:
    """Newer than the conversion: what a rule closes because of it is older work."""
    new = order(work.states["lead"], work.states.get("deal"))
    return tasks.create(work.tx, replace(new, version=(work.at + work.at.resolution, work.tx.act_id)))


def _customer(work: _Work, drafts: Drafts) -> str | None:
    """The account; what it says about since when they are a customer, unless it knew."""
    since = work.at.isoformat()
    if "account" not in work.states:
        work.make("account", {**drafts.account, "customer_since": since})
        failpoint("convert.account_made")
        return None
    return since if work.states["account"].fields.get("customer_since") is None else None


def _contact(work: _Work, drafts: Drafts) -> None:
    if "contact" not in work.states and drafts.contact is not None:
        work.make("contact", {**drafts.contact, "account": work.id_of("account")})


def _deal(work: _Work, drafts: Drafts) -> None:
    if drafts.deal is not None:
        links = {noun: work.id_of(noun) for noun in ("lead", "account", "contact")}
        work.make("deal", {**drafts.deal, **links})


def _close(work: _Work, since: str | None) -> None:
    before, account = work.states["lead"], work.states["account"]
    by = work.tx.by.agent or work.tx.by.label
    changes = {"status": CONVERTED, "converted_at": work.at.isoformat(), "converted_by": by}
    links = {noun: id_ for noun in ("account", "contact", "deal") if (id_ := work.id_of(noun)) is not None}
    around: dict[str, dict[str, Any]] = {noun: _around(work.states[noun]) for noun in links}
    news: dict[str, tuple[str, ...]] = {}
    if since is not None:
        around["account"]["customer_since"] = since
        news["account"] = ("customer_since",)
        work.tx.record("account", account.ref.id, "customer", {"customer_since": [None, since]})
    said = Said(before.ref, before, {**changes, **links}, around, news=news)
    told = recording.tell(work.tx, "convert", said, at=work.at)
    work.events.append(told.event)
    work.states["lead"] = told.state
    if since is not None:
        work.states["account"] = sales.get(work.tx, account.ref)


def _around(state: RecordState) -> dict[str, Any]:
    """What rules may want to know of it; nothing that is not known of it already."""
    names = ("title", "name", "company", "amount", "currency", "stage", "pipeline", "owner")
    said = {name: state.fields[name] for name in names if state.fields.get(name) is not None}
    return {"id": state.ref.id, **({} if state.connection else said)}


def _keep(work: _Work, seen: RecordState, task: Task | None, *, since: str | None) -> None:
    was = {noun: seen.fields.get(noun) for noun in ("account", "contact", "deal")}
    row = Conversion(
        id=work.tx.act_id, lead=seen.ref.id, by=work.tx.by.agent or work.tx.by.label, at=work.at,
        account=work.id_of("account"), contact=work.id_of("contact"), deal=work.id_of("deal"),
        made=[*work.made, *(["customer_since"] if since else [])], was=was, events=work.events,
        follow_up=task.id if task else None,
    )  # fmt: skip
    converted.keep(work.tx, row)
    if row.deal is not None:
        notes.carry(work.tx, f"lead:{row.lead}", f"deal:{row.deal}", row.id)
    work.tx.inverse = {"op": "undo_conversion", "lead": seen.ref.id}


def refuse_other(found: Conversion, again: Conversion) -> None:
    """Raises Conflict when the lead was converted anew between two looks."""
    if found.id != again.id:
        raise Conflict("The lead was converted anew at this very moment: look again.", code="version_clash")
