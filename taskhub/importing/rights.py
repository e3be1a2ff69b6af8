"""What the importer may look at: a file links to nothing that its own route would not show to whoever hands it in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from taskhub.access import service as access
from taskhub.access.permissions import Caller, Object, can, reaches_all
from taskhub.db.tx import By, Tx
from taskhub.events.model import RecordRef
from taskhub.importing import queries

READ = "record.read"
Sees = Mapping[str, Any] | None


def of_caller(tx: Tx) -> Sees:
    """Who hands a file in, as its pieces are judged by later; None: whoever sees every record."""
    who = access.caller(tx)
    if reaches_all(who, READ):
        return None
    by = who.by
    said = {"label": by.label, "role": by.role, "agent": by.agent, "team": by.team, "roles": list(by.roles)}
    return {**said, "managed": sorted(who.managed)}


def hidden(tx: Tx, sees: Sees, refs: Collection[RecordRef]) -> set[RecordRef]:
    """Those of the records that are there and not for the importer to see."""
    if sees is None or not refs:
        return set()
    who = _caller(sees)
    queues = [key for key, one in tx.policies.queues.items() if can(who, "queue.read", Object(None, _of(one.teams)))]
    served = queries.served(tx, who.by.agent, queues, refs)
    return {
        ref
        for ref, (owner, team) in queries.owners(tx, refs).items()
        if not can(who, READ, Object(owner, _of([team] if team else []), served=str(ref) in served))
    }


def hidden_files(tx: Tx, sees: Sees, files: Collection[str]) -> set[str]:
    """Those of the files of tasks that hold work, or bear the id of a lead or deal, the importer sees none of."""
    if sees is None or not files:
        return set()
    who, queues = _caller(sees), tx.policies.queues
    seen: dict[str, bool] = {}
    for file, queue, holder, let_in, origin in queries.work_of_files(tx, files):
        teams = [*(queues[queue].teams if queue in queues else ()), *let_in]
        by = (origin or "").partition(":")[2].rpartition(":")[0]
        seen[file] = seen.get(file, False) or bool(can(who, "task.read", Object(holder, _of(teams), by or None)))
    named = hidden(tx, sees, {RecordRef(noun, file) for noun in ("lead", "deal") for file in files})
    return {file for file, open_ in seen.items() if not open_} | {ref.id for ref in named if ref.id not in seen}


def _caller(sees: Mapping[str, Any]) -> Caller:
    by = By(sees["label"], sees["role"], sees["agent"], sees["team"], tuple(sees["roles"]))
    return Caller(by, frozenset(sees["managed"]))


def _of(teams: Collection[str]) -> frozenset[str]:
    return frozenset(teams)
