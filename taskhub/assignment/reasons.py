"""Reason codes: why not this person, why nobody. Stable and public; the wording per language is in sentences.py."""

from __future__ import annotations

INACTIVE = "inactive"
QUEUE_PAUSED = "queue_paused"
NOT_IN_POOL = "not_in_pool"
POOL_CLOSED = "pool_closed"
FRONT_LINE_FIRST = "front_line_first"
SHARE_USED = "share_used"
NOT_ON_DUTY = "not_on_duty"
OTHER_KINDS = "other_kinds"
OTHER_POOL = "other_pool"
ATTRIBUTE_MISSING = "attribute_missing"
SKILL_MISSING = "skill_missing"
SKILL_TOO_LOW = "skill_too_low"
ABSENT = "absent"
OFF_SHIFT = "off_shift"
ABSENT_BEFORE_DUE = "absent_before_due"
VARIETY_CEILING = "variety_ceiling"
RAMPING = "ramping"
AT_CAPACITY = "at_capacity"
NOT_BY = "not_by"
CONFLICT_OF_INTEREST = "conflict_of_interest"
DECLINED = "declined"
WAITS_FOR_FAVOURITE = "waits_for_favourite"
POOL_EMPTY = "pool_empty"
READY_TO_PULL = "ready_to_pull"

PRESENCE = {"busy": "presence_busy", "away": "presence_away", "offline": "presence_offline"}

# A person refused for one of these does not belong to the queue at all: they explain nothing about its waiting tasks.
OUTSIDE = frozenset({INACTIVE, NOT_IN_POOL})

# A favourite refused for nothing but these will soon be free: worth waiting for.
SOON = frozenset({PRESENCE["busy"], FRONT_LINE_FIRST, RAMPING, AT_CAPACITY})

EXCLUSIONS = (NOT_BY, CONFLICT_OF_INTEREST, DECLINED)

ALL = (
    INACTIVE,
    QUEUE_PAUSED,
    NOT_IN_POOL,
    POOL_CLOSED,
    FRONT_LINE_FIRST,
    SHARE_USED,
    NOT_ON_DUTY,
    OTHER_KINDS,
    OTHER_POOL,
    ATTRIBUTE_MISSING,
    SKILL_MISSING,
    SKILL_TOO_LOW,
    ABSENT,
    OFF_SHIFT,
    *PRESENCE.values(),
    *EXCLUSIONS,
    ABSENT_BEFORE_DUE,
    VARIETY_CEILING,
    RAMPING,
    AT_CAPACITY,
    WAITS_FOR_FAVOURITE,
    POOL_EMPTY,
    READY_TO_PULL,
)
