"""A sales rep: now and then asks the back office for something, sooner than it can be done: some of it is late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random

from taskhub.demo.client import Api, Said
from taskhub.demo.names import company

FIRST, EVERY = (1.0, 8.0), 180.0
SOON = (10.0, 40.0)
PRIORITIES = ("low", "normal", "normal", "high")
TITLES = {"en": "Asked by sales: {}", "fr": "Demande des ventes\u00a0: {}"}


class Rep:
    """``step`` does one thing and returns after how many minutes of the demo the next one follows."""

    def __init__(
        self, key: str, api: Api, kinds: Sequence[str], language: str, now: Callable[[], datetime], rng: Random
    ) -> None:
        self.key = key
        self._api = api
        self._kinds = kinds
        self._title = TITLES[language]
        self._now = now
        self._rng = rng
        self._begun = False

    def step(self) -> float:
        """Asks, or waits for the first reason to ask."""
        if not self._begun:
            self._begun = True
            return self._rng.uniform(*FIRST)
        due = self._now() + timedelta(minutes=self._rng.uniform(*SOON))
        asked = {
            "kind": self._rng.choice(self._kinds), "title": self._title.format(company(self._rng)),
            "priority": self._rng.choice(PRIORITIES), "due_at": due.isoformat(),
        }  # fmt: skip
        try:
            self._api.call("POST", "/tasks", asked)
        except Said:
            return EVERY
        return self._rng.expovariate(1 / EVERY)
