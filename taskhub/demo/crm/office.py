"""What the users of a CRM do there, in one form for all three, and what its own lists say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from taskhub.testing.crm.sender import Sender

Told = Mapping[str, Any]  # a lead or deal as the story tells it


@dataclass(frozen=True, slots=True)
class Paths:
    """The organisation as the CRM's settings repeat it: stages by noun, reasons to lose by noun, our pipeline."""

    stages: Mapping[str, tuple[str, ...]]
    reasons: Mapping[str, tuple[str, ...]]
    pipeline: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What stands in the CRM: open leads and deals, tasks of taskhub's that are open and done."""

    leads: int
    deals: int
    open: int
    done: int


class Office(Protocol):
    """Ids are those of the CRM. ``users``: the CRM's user of each person of ours."""

    users: Mapping[str, str]

    def settings(self) -> tuple[list[str], list[str]]:
        """What connections.toml says beyond address, secrets, users and write-back: lines of settings, and tables."""

    def senders(self) -> list[Sender]:
        """What tells of changes."""

    def lead(self, told: Told) -> str:
        """A new lead; its id."""

    def deal(self, told: Told) -> str:
        """A new deal without a lead; its id."""

    def move(self, noun: str, id: str, told: Told) -> None:
        """To the stage that is told."""

    def lose(self, noun: str, id: str, told: Told) -> None:
        """Lost, with the reason that is told."""

    def win(self, id: str, told: Told) -> None:
        """A deal is won."""

    def convert(self, lead: str, told: Told) -> bool:
        """A user converts it; False where users here cannot, so that it has to be asked for in taskhub."""

    def deal_of(self, lead: str) -> str | None:
        """The deal that came of a lead, once there is one."""

    def fill(self, deal: str, told: Told) -> None:
        """What a conversion does not carry over is written into the deal."""

    def tick(self, chance: Random) -> bool:
        """The owner of one of taskhub's tasks ticks it off over there; False when none is open."""

    def counts(self) -> Counts:
        """For the view."""
