"""API keys, the caller behind one, and the questions of permission."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from taskhub.access import keys, store
from taskhub.access.permissions import Caller, Object, can, granted, may_work, reaches_all
from taskhub.access.roles import (
    ADMIN,
    AGENT,
    AUDITOR,
    DIRECTOR,
    INTEGRATION,
    MANAGER,
    PERSONAL,
    REP,
    ROLES,
    acting_roles,
)
from taskhub.access.teams import managed
from taskhub.db.database import Identify
from taskhub.db.opening import KeyRow, Opening
from taskhub.db.tx import By, Tx
from taskhub.errors import Forbidden, InvalidInput, NotFound, Unauthenticated

REFUSED = "No valid API key was sent. Send 'Authorization: Bearer KEY' with a key that is neither expired nor revoked."

_INSTEAD = {"record.change": " Take it over first, or ask them."}


def create_key(tx: Tx, role: str, name: str, agent: str | None = None, *, expires_at: datetime | None = None) -> str:
    """Makes an API key and returns it: the only time it is ever shown."""
    return issue_key(tx, role, name, agent, expires_at=expires_at)[1]


def issue_key(
    tx: Tx, role: str, name: str, agent: str | None = None, *, expires_at: datetime | None = None
) -> tuple[str, str]:
    """Makes an API key: its public id and the key itself."""
    _check_role(tx, role, agent)
    if expires_at is not None and expires_at <= tx.real_now:
        raise InvalidInput("expires_at lies in the past; leave it out for a key without an end.", field="expires_at")
    id_, key, hash_ = keys.new_key()
    row = {"role": role, "name": name, "agent": agent, "created_at": tx.real_now, "expires_at": expires_at}
    store.add_key(tx.conn, {"id": id_, "hash": hash_, **row})
    tx.record("key", id_, "created", {"role": role, "name": name, "agent": agent})
    return id_, key


def highest(roles: Sequence[str]) -> str:
    """The role a person's key gets when none is named: the one that may most."""
    order = (ADMIN, DIRECTOR, MANAGER, AUDITOR, INTEGRATION, REP, AGENT)
    return next((role for role in order if role in roles), AGENT)


def revoke_key(tx: Tx, key_id: str) -> None:
    """Ends a key at once and for good; doing it twice is fine."""
    get_key(tx, key_id)
    if store.revoke(tx.conn, key_id, tx.real_now):
        tx.record("key", key_id, "revoked", {})
    elif not store.withdrawn(tx.conn, [key_id]):
        # It had ended before. Where that was with its person's days here, their undo lets keys live again, but not this
        # one. The key itself stays as it was, so that the undo finds what it left.
        tx.record(store.WITHDRAWAL, key_id, "made", {})


def revoke_keys(tx: Tx, agent: str) -> list[str]:
    """Ends every key of a person at once. Returns the ids of those that were alive."""
    ended = sorted(store.revoke_all(tx.conn, agent, tx.real_now))
    for id_ in ended:
        tx.record("key", id_, "revoked", {})
    return ended


def restore_keys(tx: Tx, ids: Sequence[str]) -> None:
    """Undo of ``revoke_keys``, but for keys that somebody has withdrawn since."""
    gone = store.withdrawn(tx.conn, ids)
    ours = [id_ for id_ in ids if id_ not in gone]
    store.restore(tx.conn, ours)
    for id_ in ours:
        tx.record("key", id_, "restored", {})


def keys_of(tx: Tx, agent: str) -> list[dict[str, Any]]:
    """The keys of one person, without secrets."""
    return store.keys_of(tx.conn, agent)


def seen_keys(tx: Tx, after: tuple[datetime, str] | None, limit: int) -> list[dict[str, Any]]:
    """The keys the caller may see, without secrets: newest first, ``limit`` of those behind (created_at, id)."""
    if reaches_all(caller(tx), "key.read"):
        return store.some_keys(tx.conn, None, after, limit)
    return store.some_keys(tx.conn, tx.by.agent, after, limit) if tx.by.agent else []


def get_key(tx: Tx, key_id: str) -> dict[str, Any]:
    """One key without its secret. Raises NotFound."""
    found = store.find_key(tx.conn, key_id)
    if found is None:
        raise NotFound("There is no such key, or you may not see it.")
    return found


def identify(authorization: str | None) -> tuple[str | None, Identify]:
    """The key id to ask the database for, and the function that turns its answer into ``By``.

    Every failure raises the same Unauthenticated: unknown, wrong, expired or revoked key, inactive person.
    """
    sent = keys.parse(authorization)
    if sent is None:
        raise Unauthenticated(REFUSED)

    def judge(opening: Opening) -> By:
        row = opening.key
        if not keys.matches(sent.secret, row.hash if row else None) or row is None or not _live(row, opening.real_now):
            raise Unauthenticated(REFUSED)
        return _by(row)

    return sent.id, judge


def caller(tx: Tx) -> Caller:
    """Who asks, with the teams they manage; costs a statement for managers only."""
    by = tx.by
    if MANAGER not in by.roles and DIRECTOR not in by.roles:
        return Caller(by)
    return Caller(by, managed(by, store.team_rows(tx.conn)))


def works(tx: Tx, agent_key: str) -> bool:
    """Whether a person has a role with which they could work on what they are given."""
    return may_work(store.roles_of(tx.conn, agent_key) or ())


def check(who: Caller, act: str, it: Object | None = None) -> None:
    """Raises NotFound when ``who`` may not even know the object, Forbidden when they may see it but not do this."""
    verdict = can(who, act, it)
    if verdict:
        return
    if not verdict.seen:
        raise NotFound(f"There is no such {act.partition('.')[0]}, or you may not see it.")
    raise Forbidden(_not_here(who, act, it, verdict.roles), act=act)


def _not_here(who: Caller, act: str, it: Object | None, roles: Sequence[str]) -> str:
    if not granted(who, act):
        return f"Your key may not do {act} here. Roles that may: {', '.join(roles)}."
    whose = f": it is {it.agent}'s" if it is not None and it.agent is not None else ""
    return f"Your key may do {act}, but not to this one{whose}.{_INSTEAD.get(act, '')}"


def _live(row: KeyRow, real_now: datetime) -> bool:
    return row.revoked_at is None and (row.expires_at is None or real_now < row.expires_at) and row.active


def _by(row: KeyRow) -> By:
    if row.agent is None:
        return By(f"key:{row.id}", row.role, roles=acting_roles(row.role, None), key=row.id)
    roles = acting_roles(row.role, row.roles)
    return By(f"agent:{row.agent}", row.role, row.agent, row.team, roles, row.id)


def _check_role(tx: Tx, role: str, agent: str | None) -> None:
    if role not in ROLES:
        raise InvalidInput(f"There is no role {role!r}. Roles: {', '.join(ROLES)}.", field="role")
    if agent is None:
        if role in PERSONAL:
            raise InvalidInput(f"A key of role {role} belongs to a person: name the agent.", field="agent")
        return
    roles = store.roles_of(tx.conn, agent)
    if roles is None:
        raise NotFound(f"There is no active agent {agent}.")
    if role not in roles:
        raise InvalidInput(
            f"{agent} has the roles {', '.join(roles) or 'none'}, not {role}. Give them the role first.", field="role"
        )
