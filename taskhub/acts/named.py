"""Whom and what a record names must be there: its owner, the records it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.agents import directory
from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef
from taskhub.sales import fields, path
from taskhub.sales import service as sales


def check(tx: Tx, said: Mapping[str, Any]) -> None:
    """Raises InvalidInput for an owner who is not an active person, or a link to a record that is not there."""
    owner = said.get("owner")
    if owner is not None and owner not in (people := directory.keys(tx)[1]):
        raise path.unknown("owner", owner, sorted(people), "unknown_owner")
    for noun in fields.LINKS:
        if said.get(noun) is None:
            continue
        linked = sales.known_of(tx, RecordRef(noun, said[noun])).get(noun)
        if linked is None or linked.get("deleted") is True:
            raise path.unknown(noun, said[noun], (), "unknown_record")
