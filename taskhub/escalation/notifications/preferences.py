"""How a person wants to be told: read, checked, kept. What is left out is as the house does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from taskhub.agents import availability, fields
from taskhub.calendars import parse_duration
from taskhub.db.tx import Tx
from taskhub.errors import Forbidden
from taskhub.escalation.notifications import channels, store
from taskhub.escalation.notifications.model import CHANNELS, OWN, SEVERITIES, WAYS, Reading, Wishes, reading
from taskhub.escalation.notifications.tell import WRITTEN
from taskhub.policy.promise import Weekly
from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.notices import whole_week

SHORTEST, LONGEST = timedelta(minutes=5), timedelta(days=7)
LANGUAGES = fields.LANGUAGES


def of(tx: Tx, agent: str) -> tuple[Wishes, Reading]:
    """What a person has asked for, and how they are told all things considered."""
    wanted = store.wishes(tx, agent)
    return wanted, reading(wanted, tx.policies.notices)


def put(tx: Tx, agent: str, raw: Mapping[str, Any]) -> None:
    """Replaces a person's wishes. ``own_address`` left out stays as it is, None is taken away. Raises InvalidInput."""
    before = store.wishes(tx, agent)
    good = fields.read(FIELDS, {name: value for name, value in raw.items() if value is not None})
    own = good.get("own_address") if "own_address" in raw else before.own_address
    if good.get("own_address"):
        channels.personal(good["own_address"], tx.policies.notices.personal_channels)
    if OWN in good.get("channels", ()) and own is None:
        raise fields.invalid([("channels", "names own, but there is no own_address; send one as well")])
    wanted = Wishes(
        good.get("channels"), own, good.get("language"), good.get("ways", {}), good.get("digest_every"),
        good.get("quiet_hours"),
    )  # fmt: skip
    store.save_wishes(tx, agent, wanted)
    # What waits for a window of before is looked at under the new wishes.
    tx.emit(WRITTEN, agent)
    # The address itself is a secret: history says that it changed, and nothing more.
    told = {name: raw[name] for name in FIELDS if name in raw and name != "own_address"}
    moved = {} if own == before.own_address else {"own_address": "set" if own else "taken away"}
    tx.record("notice_setting", agent, "put", {**told, **moved})


def _one_of(words: tuple[str, ...], value: Any) -> str:
    if value in words:
        return str(value)
    hint = nearest(value, words) if isinstance(value, str) else None
    raise ValueError(f"must be one of {', '.join(words)}" + (f"; did you mean {hint}?" if hint else ""))


def _channels(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"must be a list of {', '.join(CHANNELS)}; an empty one: nothing but the list")  # noqa: TRY004
    return tuple(dict.fromkeys(_one_of(CHANNELS, one) for one in value))


def _ways(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError('must be an object such as {"info": "digest"}')  # noqa: TRY004
    return {_one_of(SEVERITIES, severity): _one_of(WAYS, way) for severity, way in value.items()}


def _digest_every(value: Any) -> timedelta:
    found = parse_duration(value) if isinstance(value, str) else timedelta()
    if not SHORTEST <= found <= LONGEST:
        raise ValueError("must be a duration from 5m to 7d, such as 1h")
    return found


def _quiet_hours(value: Any) -> Weekly:
    if not isinstance(value, Mapping):
        raise ValueError('must be an object such as {"mon": ["20:00-07:00"]}')  # noqa: TRY004
    found = availability.problems(value)
    if found:
        raise ValueError("; ".join(f"{path.lstrip('.')} {message}".strip() for path, message in found))
    weekly = availability.weekly(value)
    if whole_week(weekly):
        raise ValueError("leave no moment in which anything may be said; turn severities to list instead")
    return weekly


def _own_address(value: Any) -> str:
    if not isinstance(value, str) or not 3 <= len(value) <= 2000 or " " in value.strip():
        raise ValueError("must be one Apprise address of at most 2000 characters")
    return value.strip()


FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "channels": _channels,
    "own_address": _own_address,
    "language": lambda value: _one_of(LANGUAGES, value),
    "ways": _ways,
    "digest_every": _digest_every,
    "quiet_hours": _quiet_hours,
}


def kind_of(address: str | None) -> str | None:
    """The service an own address belongs to: all that is ever shown of it."""
    return address.partition("://")[0].lower()[:20] if address and "://" in address else "apprise" if address else None


def refuse_stranger(agent: str | None) -> str:
    """The person a key belongs to. Raises Forbidden for a key without one."""
    if agent is None:
        raise Forbidden("Notices belong to people: use a key that belongs to one.", code="not_an_agent")
    return agent
