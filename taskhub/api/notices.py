"""Notices: one's own list, how one wants to be told, and what could not be sent."""

from __future__ import annotations

from typing import Any, Literal

from taskhub.access import service as access
from taskhub.access.permissions import reaches_all
from taskhub.api import seen
from taskhub.api.bodies import Because
from taskhub.api.notice_bodies import NoticeSettings, ReadIn
from taskhub.calendars.durations import format_duration
from taskhub.db.tx import Tx
from taskhub.escalation.notifications import dead, inbox, preferences
from taskhub.escalation.notifications.dead import Refused
from taskhub.escalation.notifications.model import SEVERITIES
from taskhub.http import paging
from taskhub.http.edge import act, look
from taskhub.http.inputs import Id, Key
from taskhub.http.paging import Cursor, Limit
from taskhub.http.route import router

routes = router("notifications")
REPLAY = "notification.replay"


@routes.get("/me/notifications")
@look("notification.read")
def my_notices(tx: Tx, *, unread: bool = False, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """Everything the caller was told, newest first, whether or not it left the house as well."""
    me = preferences.refuse_stranger(tx.by.agent)
    rows, following = inbox.of(tx, me, paging.instant_after(cursor), limit, unread=unread)
    page = paging.page([_notice(row) for row in rows], paging.encode(*following) if following else None)
    return {**page, "unread": inbox.unread(tx, me)}


@routes.post("/me/notifications/read")
@act("notification.read")
def read_notices(tx: Tx, body: ReadIn = ReadIn()) -> dict[str, Any]:  # noqa: B008
    """The caller has read these, or everything up to a time."""
    me = preferences.refuse_stranger(tx.by.agent)
    return {"read": inbox.read(tx, me, body.ids, body.until), "unread": inbox.unread(tx, me)}


@routes.get("/agents/{key}/notification-settings")
@look("agent.notices")
def get_settings(tx: Tx, key: Key) -> dict[str, Any]:
    """How a person wants to be told, and what holds for them. The address of their own is never shown."""
    seen.agent(tx, key, "agent.notices")
    return _settings(tx, key)


@routes.put("/agents/{key}/notification-settings")
@act("agent.notices", "notice_setting.put")
def put_settings(tx: Tx, key: Key, body: NoticeSettings) -> dict[str, Any]:
    """Replaces how a person is told."""
    seen.agent(tx, key, "agent.notices")
    preferences.put(tx, key, body.model_dump(exclude_unset=True))
    return _settings(tx, key)


@routes.get("/notifications/dead")
@look("letter.read")
def list_dead(
    tx: Tx, state: Literal["dead", "failing"] = "dead", limit: Limit = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """Messages nobody took, with the reason: given up (``dead``), or still being tried (``failing``)."""
    teams, after = _teams(tx, "letter.read"), paging.number_after(cursor)
    found, following = dead.refused(tx, teams, dead=state == "dead", after=after, limit=limit)
    place = paging.encode(following[0], str(following[1])) if following else None
    return paging.page([_refused(one) for one in found], place)


@routes.post("/notifications/replay")
@act(REPLAY)
def replay_all(tx: Tx) -> dict[str, Any]:
    """Sends every dead message the caller may see again."""
    return {"replayed": [_refused(one) for one in dead.replay(tx, _teams(tx, REPLAY))]}


@routes.post("/notifications/{id}/replay")
@act(REPLAY)
def replay_one(tx: Tx, id: Id) -> dict[str, Any]:
    """Sends one dead message again, by every channel that failed."""
    return {"replayed": [_refused(one) for one in dead.replay(tx, _teams(tx, REPLAY), id)]}


@routes.post("/notifications/{id}/discard")
@act(REPLAY, "notification.discard")
def discard_one(tx: Tx, id: Id, body: Because) -> dict[str, Any]:
    """Gives one dead message up, by every channel that failed: it is never sent."""
    return {"discarded": [_refused(one) for one in dead.discard(tx, _teams(tx, REPLAY), id, body.reason)]}


def _teams(tx: Tx, permission: str) -> list[str] | None:
    """The teams whose people's messages the caller sees; None: all, channels included."""
    who = access.caller(tx)
    return None if reaches_all(who, permission) else sorted(who.managed)


def _notice(row: Any) -> dict[str, Any]:
    return {
        "id": row.id, "at": row.at, "topic": row.topic, "severity": row.severity or SEVERITIES[-1], "task": row.task,
        "subject": row.subject, "body": row.body, "read_at": row.read_at, "delivered_at": row.delivered_at,
    }  # fmt: skip


def _refused(one: Refused) -> dict[str, Any]:
    return {
        "id": one.id, "channel": one.channel, "to": one.addressee, "subject": one.subject, "at": one.at,
        "tries": one.tries, "dead_at": one.dead_at, "next_at": one.next_at, "reason": one.reason,
    }  # fmt: skip


def _settings(tx: Tx, key: str) -> dict[str, Any]:
    wanted, holds = preferences.of(tx, key)
    every = wanted.digest_every
    return {
        "agent": key, "channels": wanted.channels, "own_address": preferences.kind_of(wanted.own_address),
        "language": wanted.language, "ways": dict(wanted.ways) or None,
        "digest_every": format_duration(every) if every else None,
        "quiet_hours": None if wanted.quiet_hours is None else dict(wanted.quiet_hours),
        "holds": {
            "channels": holds.channels, "ways": dict(holds.ways), "digest_every": format_duration(holds.digest_every),
            "quiet_hours": dict(holds.quiet_hours),
        },
        "personal_channels": sorted(tx.policies.notices.personal_channels),
    }  # fmt: skip
