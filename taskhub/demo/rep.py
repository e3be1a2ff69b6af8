"""A sales rep: now and then asks the back office for something, sooner than it can be done: some of it is late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random
from typing import Any

from taskhub.demo.client import Api, Said
from taskhub.demo.names import company

FIRST, EVERY = (1.0, 8.0), 180.0
SOON = (10.0, 40.0)
PRIORITIES = ("low", "normal", "normal", "high")
OF_A_DEAL = "renewal"  # what follows it is named after its deal
TITLES = {"en": "Asked by sales: {}", "fr": "Demande des ventes\u00a0: {}"}


class Rep:
    """``step`` does one thing and returns after how many minutes of the demo the next one follows."""

    def __init__(
        self, key: str, api: Api, kinds: Sequence[str], language: str, later: Callable[[float], datetime], rng: Random
    ) -> None:  # fmt: skip
        self.key = key
        self._api = api
        self._kinds = kinds
        self._title = TITLES[language]
        self._later = later
        self._rng = rng
        self._begun = False

    def step(self) -> float:
        """Asks, or waits for the first reason to ask."""
        if not self._begun:
            self._begun = True
            return self._rng.uniform(*FIRST)
        try:
            self._api.call("POST", "/tasks", self._asked())
        except Said:
            return EVERY
        return self._rng.expovariate(1 / EVERY)

    def _asked(self) -> dict[str, Any]:
        """One of the kinds; a renewal only of a deal this rep has won."""
        due, priority = self._later(self._rng.uniform(*SOON)), self._rng.choice(PRIORITIES)
        kind, name, more = self._rng.choice(self._kinds), company(self._rng), {}
        if kind == OF_A_DEAL:
            won = self._api.call("GET", f"/deals?owner={self.key}&status=won&limit=50")["items"]
            deal = self._rng.choice(won) if won else None
            if deal is None:
                kind = self._rng.choice([one for one in self._kinds if one != OF_A_DEAL] or self._kinds)
            else:
                name, more = deal["company"] or deal["title"] or name, {"deal": deal["id"]}
        title = self._title.format(name)
        return {"kind": kind, "title": title, "priority": priority, "due_at": due.isoformat(), **more}
