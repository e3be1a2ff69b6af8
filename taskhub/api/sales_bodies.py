"""What clients send about leads, deals, accounts and contacts. Values are checked by the sales room."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from taskhub.acts.converting import FollowUp
from taskhub.api import queries
from taskhub.api.bodies import Call, OwnTable, Priority, Ref
from taskhub.http.inputs import Body, Instant, Line, Version
from taskhub.ids import new_id
from taskhub.policy.policies import Policies
from taskhub.policy.work import PRIORITIES
from taskhub.sales import follow_ups
from taskhub.sales.fields import LONGEST
from taskhub.sales.model import RecordState
from taskhub.tasks.model import NewTask

# Read by the sales room alone: its words name the field once, and the limit that holds.
Text = Annotated[str, WithJsonSchema({"type": "string", "maxLength": LONGEST})]
Amount = Annotated[Any, WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "maxLength": 40}]})]
OwnFields = Annotated[dict[str, Any], Field(max_length=50)]


class PartyIn(Body):
    """An account or contact; ``fields`` are of your own."""

    name: Text | None = None
    company: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    language: Text | None = None
    owner: Text | None = None
    fields: OwnFields | None = None

    def given(self) -> dict[str, Any]:
        """What was sent, without fields of one's own and the version."""
        return self.model_dump(exclude_unset=True, exclude={"fields", "version"})


class ContactIn(PartyIn):
    """A contact, of an account."""

    account: Ref | None = None


class LeadIn(ContactIn):
    """A lead. ``amount`` is exact: a number of at most 15 digits, or the same as text."""

    title: Text | None = None
    amount: Amount | None = None
    currency: Text | None = None
    expected_close_on: Text | None = None
    contact: Ref | None = None
    pipeline: Text | None = None
    stage: Text | None = None


class DealIn(LeadIn):
    """A deal, perhaps of a lead."""

    lead: Ref | None = None


class PartyPatch(PartyIn):
    """``version`` is the one that was read; null empties a field."""

    version: Version


class ContactPatch(ContactIn):
    """The same of a contact."""

    version: Version


class LeadPatch(LeadIn):
    """The same of a lead."""

    version: Version


class DealPatch(DealIn):
    """The same of a deal."""

    version: Version


class StageIn(Call):
    """Which stage of its pipeline, or of the ``pipeline`` named."""

    stage: Ref
    pipeline: Ref | None = None


class LoseIn(Call):
    """Why: a key of the pipeline's list."""

    reason: Line


class StatusIn(Call):
    """One of the short list: open, lost (with the reason), and won for deals."""

    status: Ref
    reason: Line | None = None


class FollowUpIn(Body):
    """A task about the record. ``kind``: without it the pipeline's own; ``title``: without it the kind's name."""

    kind: Ref | None = None
    title: Line | None = None
    priority: Priority = "normal"
    due_at: Instant | None = None
    data: OwnTable

    def order(self, policies: Policies, label: str) -> FollowUp:
        """What makes the task once it is known which records it is about."""

        def made(state: RecordState, deal: RecordState | None) -> NewTask:
            about = deal or state
            both = [state] if deal is None else [deal, state]
            kind, title = follow_ups.kind_and_title(both, self.kind, self.title, policies)
            lead = state.ref.id if state.ref.noun == "lead" else state.fields.get("lead")
            return NewTask(
                kind=kind, title=title, priority=PRIORITIES.index(self.priority), record=str(about.ref), lead=lead,
                deal=about.ref.id if about.ref.noun == "deal" else None, due_at=self.due_at, data=self.data,
                origin=f"{queries.ASKED}{label}:{new_id()}",
            )  # fmt: skip

        return made


class UseAccount(Body):
    """``id`` of one that is there, or what it is to be."""

    id: Ref | None = None
    name: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    language: Text | None = None


class UseContact(UseAccount):
    """The same of a contact."""

    company: Text | None = None


class MakeDeal(Body):
    """What is left out is carried over from the lead."""

    name: Text | None = None
    title: Text | None = None
    amount: Amount | None = None
    currency: Text | None = None
    expected_close_on: Text | None = None
    pipeline: Text | None = None
    stage: Text | None = None
    owner: Text | None = None


class ConvertIn(Call):
    """Account and contact are found or made; ``contact`` null: none. ``deal`` left out: none; ``{}`` carries over."""

    account: UseAccount | None = None
    contact: UseContact | None = None
    deal: MakeDeal | None = None
    follow_up: FollowUpIn | None = None
