"""What was asked, in the words of the system that is asked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.connectors.asking.model import CrmAct
from taskhub.connectors.outbound import Conversion
from taskhub.policy.policies import Connection

# What each system lets be said of a conversion; the rest is theirs to decide.
STAGES = ("pipedrive",)
PARTIES = ("salesforce", "dynamics")
NO_DEAL = ("salesforce", "dynamics")
# Where an act that was done can be taken back.
REVERSED = ("pipedrive",)
LOST_CODE = "4"  # Lost, Canceled: the status reason of Dynamics where the map names none


def conversion(act: CrmAct, lead: Mapping[str, Any], connection: Connection) -> Conversion:
    """The order of a conversion; ``lead`` is what is known of it."""
    account, contact = (
        theirs(act.connection, act.asked.get(noun) or lead.get(noun)) for noun in ("account", "contact")
    )
    return Conversion(
        lead=theirs(act.connection, act.ref.id) or "",
        asked_at=act.at,
        title=str(lead.get("title") or ""),
        contact=contact,
        account=account,
        stage=their_stage(connection, act.asked.get("stage")),
        make_deal=bool(act.asked.get("make_deal", True)),
    )


def theirs(connection: str, id_: Any) -> str | None:
    """Their id, of one of ours that is theirs."""
    mine = isinstance(id_, str) and id_.startswith(f"{connection}:")
    return str(id_).removeprefix(f"{connection}:") if mine else None


def their_stage(connection: Connection, ours: str | None) -> str | None:
    """Their id of a stage of deals; of several the first."""
    return _first(connection.stages.get("deal", {}), ours) if ours else None


def their_reason(connection: Connection, noun: str, ours: str) -> str | None:
    """How they say why something is lost; None: they have no way to say that it is.

    A lead of Pipedrive is lost by a label, or by being archived, which is the empty text; a deal for any text: where
    the map has none, for what the reason is called here.
    """
    settings = connection.settings
    known = _first(_table(_table(settings, "lost_reasons"), noun), ours)
    if connection.system == "pipedrive":
        if noun == "deal":
            called = connection.reason_names.get(noun, {}).get(ours)
            return known or (called.default if called else ours)
        label = _first(_table(settings, "lost_labels"), ours)
        return label if label is not None else "" if settings.get("lead_lost_when_archived", True) else None
    return known or (LOST_CODE if connection.system == "dynamics" else ours)


def _table(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = settings.get(name)
    return found if isinstance(found, Mapping) else {}


def _first(names: Mapping[str, Any], ours: str) -> str | None:
    return next((str(theirs) for theirs, meant in names.items() if meant == ours), None)
