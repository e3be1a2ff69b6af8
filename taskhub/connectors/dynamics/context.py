"""A RemoteExecutionContext, read into one shape; its parents are the calls that caused it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from taskhub.connectors.dynamics.values import Reference, bare, guid, instant, pairs
from taskhub.errors import InvalidInput
from taskhub.events.fields import BadField

AUTOMATIC_IMAGE = "AsynchronousStepPrimaryName"
MOST_PARENTS = 32
STRIPPED_HEADER = "x-ms-dynamics-msg-size-exceeded"


@dataclass(frozen=True, slots=True)
class Row:
    """Attributes of one row in plain form, and the labels of its choices. Absent is not told, None is empty."""

    entity: str
    id: str | None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    row_version: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """One message about one row.

    ``before`` and ``after`` are the registered images, joined; ``primary`` is what asynchronous steps add.
    ``key`` tells this message from every other. ``parents`` begin with the nearest.
    """

    message: str
    entity: str
    record_id: str | None
    organization: str
    operation: str
    correlation: str
    actor: str | None
    at: datetime | None
    key: tuple[str, ...]
    inputs: Mapping[str, Any]
    shared: Mapping[str, Any]
    target: Row | None
    before: Row | None
    after: Row | None
    primary: Row | None
    parents: tuple[Context, ...] = ()

    @property
    def qualified(self) -> Reference | None:
        """The lead by whose qualification this came about; the call stands among the parents, by whatever name."""
        for one in self.parents:
            lead = one.inputs.get("LeadId")
            if isinstance(lead, Reference) and (one.message == "QualifyLead" or one.shared.get("QualifyLead") is True):
                return lead
        return None


def check_envelope(body: Any) -> Mapping[str, Any]:
    """Raises ``InvalidInput`` (``no_envelope``) for what is no execution context."""
    wanted = ("MessageName", "PrimaryEntityName", "OrganizationId")
    if not isinstance(body, Mapping) or not all(isinstance(body.get(name), str) for name in wanted):
        named = " and ".join([", ".join(wanted[:-1]), wanted[-1]])
        raise InvalidInput(f"The body has no {named}: it is no message of Dataverse.", code="no_envelope")
    return body


def read_context(body: Mapping[str, Any]) -> Context:
    """Raises ``BadField`` for a message with holes."""
    chain = [body]
    while (parent := chain[-1].get("ParentContext")) is not None:
        if not isinstance(parent, Mapping) or len(chain) > MOST_PARENTS:
            raise BadField("ParentContext", f"must be an object, at most {MOST_PARENTS} deep")
        chain.append(parent)
    parents: tuple[Context, ...] = ()
    for one in reversed(chain[1:]):
        parents = (_read(one, ()), *parents)
    return _read(body, parents)


def _read(body: Mapping[str, Any], parents: tuple[Context, ...]) -> Context:
    inputs = pairs("InputParameters", body.get("InputParameters"))
    before = pairs("PreEntityImages", body.get("PreEntityImages"))
    after = pairs("PostEntityImages", body.get("PostEntityImages"))
    automatic = {AUTOMATIC_IMAGE: before.pop(AUTOMATIC_IMAGE, None)} | {
        f"{AUTOMATIC_IMAGE} after": after.pop(AUTOMATIC_IMAGE, None)
    }
    return Context(
        message=_text(body, "MessageName"),
        entity=_text(body, "PrimaryEntityName").lower(),
        record_id=guid(bare(body.get("PrimaryEntityId"))),
        organization=guid(body.get("OrganizationId")) or "",
        operation=guid(body.get("OperationId")) or "",
        correlation=guid(body.get("CorrelationId")) or "",
        actor=guid(bare(body.get("InitiatingUserId"))),
        at=instant("OperationCreatedOn", body.get("OperationCreatedOn"), shifted=True),
        key=delivery_key(body),
        inputs={name: bare(value) for name, value in inputs.items() if name != "Target"},
        shared=pairs("SharedVariables", body.get("SharedVariables")),
        target=_row("Target", inputs.get("Target")),
        before=_joined("PreEntityImages", before),
        after=_joined("PostEntityImages", after),
        primary=_joined("images", {name: value for name, value in automatic.items() if value is not None}),
        parents=parents,
    )


def delivery_key(body: Mapping[str, Any]) -> tuple[str, ...]:
    """There is no id of an event. A second step that tells of the same change is another message."""
    step = body.get("OwningExtension")
    names = ("OperationId", "MessageName", "PrimaryEntityName", "PrimaryEntityId", "Depth", "OperationCreatedOn")
    extension = step.get("Id") if isinstance(step, Mapping) else step
    return tuple(_plain(value) for value in (body.get("OrganizationId"), extension, *map(body.get, names)))


def _joined(path: str, images: Mapping[str, Any]) -> Row | None:
    """Several images of one row; in the order of their aliases, so that it does not matter how they stand there."""
    rows = [row for alias in sorted(images) if (row := _row(f"{path}.{alias[:60]}", images[alias])) is not None]
    if not rows:
        return None
    joined: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for row in rows:
        joined.update(row.attributes)
        labels.update(row.labels)
    return Row(rows[0].entity, rows[0].id, joined, labels, max(row.row_version for row in rows))


def _row(path: str, value: Any) -> Row | None:
    """An Entity or an EntityReference; None for anything else."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise BadField(path, "must be an object")
    raw = pairs(f"{path}.Attributes", value.get("Attributes"))
    labels = pairs(f"{path}.FormattedValues", value.get("FormattedValues"))
    entity, version = value.get("LogicalName"), value.get("RowVersion")
    return Row(
        entity=entity.lower() if isinstance(entity, str) else "",
        id=guid(bare(value.get("Id"))),
        attributes={name.lower(): bare(one) for name, one in raw.items()},
        labels={name.lower(): text for name, text in labels.items() if isinstance(text, str) and text.strip()},
        row_version=_plain(version),
    )


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise BadField(name, "is missing")
    return value


def _plain(value: Any) -> str:
    value = bare(value)
    return str(value).lower() if isinstance(value, str | int) and not isinstance(value, bool) else ""
