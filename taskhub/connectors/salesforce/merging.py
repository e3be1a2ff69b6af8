"""Salesforce tells a merge as a deletion of the record that lost. Where it went, the recycle bin knows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from taskhub.connectors.salesforce.identity import ours
from taskhub.connectors.salesforce.reread import RereadNeeded
from taskhub.policy.policies import Connection

MERGED = ("lead", "contact", "account")
MASTER = "MasterRecordId"
AT_ONCE = 200


def end_of(noun: str, raw: Mapping[str, Any], connection: Connection) -> tuple[str, dict[str, Any]]:
    """Type and fields of the end of a record: it went into the one that is named, or it was deleted.

    Raises ``RereadNeeded`` where a merge is possible, nothing is named, and taskhub can ask: what follows a deletion
    must not befall the work of a merge.
    """
    into = ours(connection, MASTER, raw.get(MASTER)) if noun in MERGED else None
    if into is not None:
        return f"{noun}.merged", {"deleted": True, "merged_into": into}
    if noun in MERGED and "client_id" in connection.secrets:
        raise RereadNeeded("deleted_or_merged", gone=True)
    return f"{noun}.deleted", {"deleted": True}


def asked(entity: str, ids: Iterable[str]) -> Iterator[str]:
    """Queries for where deleted records went; ids are checked by the caller."""
    rest = sorted(set(ids))
    for start in range(0, len(rest), AT_ONCE):
        named = ", ".join(f"'{id_}'" for id_ in rest[start : start + AT_ONCE])
        yield f"SELECT Id, {MASTER} FROM {entity} WHERE IsDeleted = true AND Id IN ({named})"  # noqa: S608
