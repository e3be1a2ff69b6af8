"""The story, lived in a CRM: each thing it tells is done there by a user, or asked for in taskhub by a rep."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from taskhub.demo.client import Said
from taskhub.demo.crm.office import Office, Told
from taskhub.demo.crm.turns import Turns
from taskhub.demo.story import Story
from taskhub.testing.crm.sender import Sender

BATCH = 50
ASKED_HERE = 0.5
GIVEN_UP = timedelta(days=1)

Ask = Callable[[str, str], Any]  # (rep, lead id of the CRM): asks taskhub for the conversion; raises Said


class CrmFeed:
    """``step`` does what is due; what waits for a deal that is not there yet is tried again at the next."""

    def __init__(
        self, story: Story, office: Office, turns: Turns, ask: Ask, chance: Random, stop: threading.Event
    ) -> None:  # fmt: skip
        self._story, self._office, self._turns, self._ask = story, office, turns, ask
        self._chance, self._stop = chance, stop
        self._ids: dict[str | None, str] = {}  # id in the story → id in the CRM
        self._waiting: list[tuple[datetime, dict[str, Any]]] = []
        self._asked: list[tuple[Told, str]] = []

    def step(self, now: datetime, *, room: bool) -> int:
        """How many deliveries have left the CRM."""
        told = [(now, event) for event in self._story.due(now, BATCH, room=room)]
        with self._turns.turn():
            self._waiting = [one for one in (*self._waiting, *told) if not self._done(*one, now)]
        sent = sum(map(self._sent, self._office.senders()))
        self._asked = [one for one in self._asked if not self._answered(*one)]
        return sent

    def _sent(self, sender: Sender) -> int:
        """On its way others may act: taskhub may call the CRM before it answers."""
        with self._turns.turn():
            parcels = [sender.render(parcel) for parcel in sender.due()]
        for parcel in parcels:
            if self._stop.is_set():
                break  # whoever was to hear of it has gone home
            answer = sender.post(parcel)
            with self._turns.turn():
                sender.settle(parcel, answer)
                sender.log.clear()  # a demo may run for days
        return len(parcels)

    def _done(self, since: datetime, event: dict[str, Any], now: datetime) -> bool:
        noun, _, verb = event["type"].partition(".")
        told = event["data"][noun]
        if event["type"] == "lead.created":
            self._ids[told["id"]] = self._office.lead(told)
            return True
        id = self._ids.get(told["id"]) if noun == "lead" else self._deal(told)
        if id is None:
            return now - since > GIVEN_UP
        self._act(noun, verb, id, told)
        if verb in {"lost", "won"}:
            for over in (told["id"], told.get("lead")):
                self._ids.pop(over, None)
        return True

    def _act(self, noun: str, verb: str, id: str, told: Told) -> None:
        if verb == "stage_changed":
            self._office.move(noun, id, told)
        elif verb == "lost":
            self._office.lose(noun, id, told)
        elif verb == "won":
            self._office.win(id, told)
        elif verb == "created":
            self._office.fill(id, told)
        elif self._chance.random() < ASKED_HERE or not self._office.convert(id, told):
            self._asked.append((told, id))

    def _deal(self, told: Told) -> str | None:
        """A deal of a lead from before the demo is made; one of a lead comes of its conversion."""
        id, lead = self._ids.get(told["id"]), self._ids.get(told["lead"])
        if id is None:
            id = self._office.deal(told) if lead is None else self._office.deal_of(lead)
            if id is not None:
                self._ids[told["id"]] = id
        return id

    def _answered(self, told: Told, lead: str) -> bool:
        """Whether the conversion is on its way; where taskhub will not have it, a user does it in the CRM."""
        try:
            self._ask(told["owner"], lead)
        except Said as said:
            if said.status == 404 or said.status >= 429:  # not heard of it yet
                return False
            with self._turns.turn():
                self._office.convert(lead, told)
        return True
