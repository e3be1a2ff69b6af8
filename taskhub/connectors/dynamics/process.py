"""Stages: an instance of a business process tells where its lead or its deal stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from taskhub.connectors.dynamics.context import Row
from taskhub.connectors.dynamics.messages import CREATE, UPDATE, NotFollowed, RereadNeeded, Told
from taskhub.connectors.dynamics.values import Reference, guid
from taskhub.policy.policies import Connection

_STAGE = "activestageid"
_DEAL = ("opportunityid", "bpf_opportunityid")
_LEAD = ("leadid", "bpf_leadid")
_VERSION = ("modifiedon", "createdon")


def stage_told(told: Told, connection: Connection) -> tuple[str, Told]:
    """The noun, and the same message as one about the row the process is for, with the stage as ``stageid``.

    Links rarely change, so they are in the pre-image or nowhere: without them only the process itself can tell.
    """
    if told.verb not in (CREATE, UPDATE) or _STAGE not in told.row.attributes:
        raise NotFollowed("no_stage_in_process")
    attributes = {**told.around, **told.row.attributes}
    stage = attributes[_STAGE]
    noun = _noun_of(stage, attributes, connection)
    row = Row(noun, _id_of(attributes, _DEAL if noun == "deal" else _LEAD), {"stageid": stage, **_version(told.row)})
    if row.id is None:
        raise RereadNeeded("stage_without_lead_or_deal")
    before = None if told.before is None or _STAGE not in told.before else {"stageid": told.before[_STAGE]}
    links = {"originatingleadid": _reference(attributes, _LEAD)} if noun == "deal" else {}
    around = {name: value for name, value in links.items() if value is not None}
    row = replace(row, row_version=told.row.row_version)
    return noun, replace(told, verb=UPDATE, row=row, before=before, around=around, labels={})


def _noun_of(stage: Any, attributes: Mapping[str, Any], connection: Connection) -> str:
    """One process may lead from a lead to its deal: the map knows whose stage it is, else it is the deal's."""
    spellings = {one.lower() for one in _spellings(stage)}
    for noun in ("lead", "deal"):
        names = connection.stages.get(noun)
        if isinstance(names, Mapping) and spellings & {str(theirs).strip("{}").lower() for theirs in names}:
            return noun
    return "deal" if _id_of(attributes, _DEAL) else "lead"


def _spellings(stage: Any) -> list[str]:
    if isinstance(stage, Reference):
        return [stage.id, *([stage.name] if stage.name else [])]
    return [found] if (found := guid(stage)) else []


def _reference(attributes: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((attributes[name] for name in names if guid(attributes.get(name))), None)


def _id_of(attributes: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return guid(_reference(attributes, names))


def _version(row: Row) -> dict[str, Any]:
    return {name: row.attributes[name] for name in _VERSION if name in row.attributes}
