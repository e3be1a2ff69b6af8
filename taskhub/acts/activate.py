"""A policy set is accepted: one row makes it active for every process; open tasks of other sets are re-derived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from taskhub.acts import months
from taskhub.agents import directory
from taskhub.connectors.write_back import catching_up
from taskhub.db import policy_set
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.errors import PolicyError, Problem
from taskhub.failpoints import failpoint
from taskhub.policy.policies import Policies
from taskhub.sla import checks as sla_checks
from taskhub.tasks import rederive as tasks

AGAIN = timedelta(seconds=10)
BATCH = 200


def activate(tx: Tx, new: Policies, texts: Mapping[str, str], *, moved_to: Mapping[str, str] | None = None) -> bool:
    """Makes ``new`` the active set. False when it is already. Raises PolicyError when what is removed is in use."""
    problems = [*_in_use(tx, new, moved_to or {}), *sla_checks.check(new, tx.now)]
    if problems:
        raise PolicyError(problems)
    was = policy_set.active_hash(tx.conn) or ""
    changed = policy_set.activate(
        tx.conn, hash_=new.hash, files=texts, resolved=new.resolved, at=tx.now, by=tx.by.label
    )
    if changed:
        failpoint("policies.accepted")
        directory.found_teams(tx, _teams(new))
        months.begin(tx, new)
        tx.record("policy_set", new.hash, "activate", {"was": was})
        moved = {"moved_to": dict(moved_to or {})}
        tx.emit("policies.activated", new.hash, moved)
        # Again a little later: a transaction that began under the old set may still have been under way.
        tx.emit("policies.activated", new.hash, moved, due_at=tx.after(AGAIN))
    return changed


def _in_use(tx: Tx, new: Policies, moved_to: Mapping[str, str]) -> Sequence[Problem]:
    used = tasks.in_use(tx)
    found = []
    for noun, file, known in (("queue", "queues.toml", new.queues), ("kind", "kinds.toml", new.kinds)):
        for key, count in sorted(used[noun].items()):
            if key not in known and moved_to.get(key) not in known:
                message = f"{count} open tasks still use {noun} {key!r}; keep it, close it, or say where they move to"
                found.append(Problem(file, 0, key, message))
    return found


def _teams(new: Policies) -> dict[str, str]:
    """The teams named in the files; one that serves a dedicated queue is a team of specialists."""
    kinds: dict[str, str] = {}
    for queue in new.queues.values():
        for team in queue.teams:
            specialist = queue.staffing.model == "dedicated" and queue.staffing.params.get("team", team) == team
            kinds.setdefault(team, "specialist" if specialist else "front_line")
    return kinds


def rederive(tx: Tx, row: Taken) -> None:
    """Open tasks stamped with another set get due time, order and shape from the active one, in batches.

    What a CRM shows follows too: a connection that is back was not told what changed meanwhile.
    """
    if tx.policies.hash != row.key:
        return
    more = tasks.rederive(tx, BATCH, row.payload.get("moved_to", {}))
    place = row.payload.get("shown", [])
    place = catching_up.catch_up(tx, place, BATCH) if place is not None and tx.policies.mirrored else None
    if more or place is not None:
        tx.emit("policies.activated", row.key, {**row.payload, "shown": place})
