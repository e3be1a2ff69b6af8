"""statecode and statuscode: what they say of a lead, an opportunity and an activity. Pure.

Customers add reasons of their own; the connection says what those mean (``statuses``, ``lost_reasons``), else the state
they belong to does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.policy.policies import Connection
from taskhub.sales.model import CONVERTED, LOST, OPEN, WON

_STATUS: Mapping[str, Mapping[int, str]] = {
    "lead": {0: OPEN, 1: CONVERTED, 2: LOST},
    "deal": {0: OPEN, 1: WON, 2: LOST},
}
# The state each reason that ships belongs to, for messages that tell only the reason.
_STATE_OF: Mapping[str, Mapping[int, int]] = {
    "lead": {1: 0, 2: 0, 3: 1, 4: 2, 5: 2, 6: 2, 7: 2},
    "deal": {1: 0, 2: 0, 3: 1, 4: 2, 5: 2},
    "activity": {2: 0, 3: 0, 4: 0, 7: 0, 5: 1, 6: 2},
}
_REASONS: Mapping[str, Mapping[int, str]] = {
    "lead": {4: "Lost", 5: "Cannot Contact", 6: "No Longer Interested", 7: "Canceled"},
    "deal": {4: "Canceled", 5: "Out-Sold"},
}
_DONE = 1


def status_of(
    noun: str, attributes: Mapping[str, Any], labels: Mapping[str, str], connection: Connection
) -> dict[str, Any]:
    """Our fields for both codes; nothing when the message tells neither, or a reason whose state nobody knows."""
    state, reason = _code(attributes.get("statecode")), _code(attributes.get("statuscode"))
    if noun == "activity":
        state = _STATE_OF[noun].get(reason or 0) if state is None else state
        return {} if state is None else {"done": state == _DONE}
    if noun not in _STATUS:
        return {}
    status = _own(connection, "statuses", noun, reason) or _standard(noun, state, reason)
    if status is None:
        return {}
    return {"status": status, "lost_reason": _lost_reason(noun, reason, labels, connection) if status == LOST else None}


def _standard(noun: str, state: int | None, reason: int | None) -> str | None:
    state = _STATE_OF[noun].get(reason or 0) if state is None else state
    return None if state is None else _STATUS[noun].get(state)


def _lost_reason(noun: str, reason: int | None, labels: Mapping[str, str], connection: Connection) -> str | None:
    if reason is None:
        return None
    ours = _own(connection, "lost_reasons", noun, reason)
    return ours or _REASONS[noun].get(reason) or labels.get("statuscode") or str(reason)


def _own(connection: Connection, setting: str, noun: str, reason: int | None) -> str | None:
    """What a setting (noun -> their number -> ours) says of a reason."""
    of_noun = connection.settings.get(setting)
    told = of_noun.get(noun) if isinstance(of_noun, Mapping) else None
    found = told.get(str(reason)) if isinstance(told, Mapping) and reason is not None else None
    return found if isinstance(found, str) else None


def _code(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
