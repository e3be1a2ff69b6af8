"""A notice, the channels it may leave by, and how somebody wants to be told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from taskhub.policy.promise import AT_ONCE, DIGEST, LATE, LIST, SEVERITIES, URGENT, WAYS, NoticePolicy, Weekly

__all__ = ["AT_ONCE", "DIGEST", "LATE", "LIST", "SEVERITIES", "URGENT", "WAYS"]
INFO = SEVERITIES[-1]
MAIL, OWN, URL, HOUSE = "mail", "own", "url", "house"
CHANNELS = (MAIL, OWN)  # what a person may choose from


@dataclass(frozen=True, slots=True)
class Notice:
    """What somebody is to know. Without ``agent`` and ``url`` it goes to the house's channel, or the log.

    ``topic`` says what it is about: step, held, reminder, given_late, missed, sole_agent, gap, plugin,
    taken_over, connection, question, answer, unasked.
    """

    topic: str
    severity: str
    subject: str
    body: str
    agent: str | None = None
    url: str | None = None
    email: str | None = None
    task: str | None = None

    @property
    def addressee(self) -> str:
        """Whose notices it is bundled with: a person's key, a channel, or the house."""
        return self.agent or (f"{URL}:{self.url}" if self.url else HOUSE + ":")


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a person wants to be told. None (and a severity left out of ``ways``) is as the house does.

    ``own_address`` is a secret: it is shown to nobody, not even to its person.
    """

    channels: tuple[str, ...] | None = None
    own_address: str | None = field(default=None, repr=False)
    language: str | None = None
    ways: Mapping[str, str] = field(default_factory=dict)
    digest_every: timedelta | None = None
    quiet_hours: Weekly | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How a person is told, all things considered."""

    channels: tuple[str, ...]
    ways: Mapping[str, str]
    digest_every: timedelta
    quiet_hours: Weekly


def reading(wishes: Wishes, house: NoticePolicy) -> Reading:
    """The wishes, with what the house does where they say nothing.

    >>> reading(Wishes(ways={"info": "list"}), NoticePolicy()).ways
    {'urgent': 'at_once', 'late': 'digest', 'info': 'list'}
    """
    usual = {one: AT_ONCE if one in house.at_once else DIGEST for one in SEVERITIES}
    return Reading(
        (MAIL,) if wishes.channels is None else wishes.channels, {**usual, **wishes.ways},
        house.digest_every if wishes.digest_every is None else wishes.digest_every,
        house.quiet_hours if wishes.quiet_hours is None else wishes.quiet_hours,
    )  # fmt: skip
