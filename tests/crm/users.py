"""People who work in a CRM: what they make, edit and end comes from chance alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from taskhub.testing.crm.pipedrive import FakePipedrive
from taskhub.testing.crm.salesforce import FakeSalesforce
from tests.crm.days import USER, Fake


class Users:
    """People who work in the CRM; what they do comes from ``chance`` alone."""

    def __init__(self, fake: Fake, chance: random.Random) -> None:
        self.fake, self.chance = fake, chance
        self.open: dict[str, list[Any]] = {"lead": [], "deal": [], "activity": []}
        self.made: list[str] = []

    def act(self) -> None:
        """One thing somebody does."""
        kind = self.chance.choice(("lead", "deal", "deal", "activity"))
        mine = self.open[kind]
        if not mine or self.chance.random() < 0.4:
            mine.append(self._make(kind))
            self.made.append(str(mine[-1]))
        elif self.chance.random() < 0.5:
            self._edit(kind, self.chance.choice(mine))
        else:
            self._end(kind, mine.pop(self.chance.randrange(len(mine))))

    def _make(self, kind: str) -> Any:
        title = f"{kind} {self.chance.randrange(1000)}"
        state: Any = self.fake.state
        if isinstance(self.fake, FakePipedrive):
            named = {"subject": title} if kind == "activity" else {"title": title}
            return str(state.add(kind, named, by=USER)["id"])
        if isinstance(self.fake, FakeSalesforce):
            named = {"lead": {"Company": title, "LastName": "Doe", "FirstName": "Jo"}, "deal": {"Name": title},
                     "activity": {"Subject": title}}[kind]  # fmt: skip
            return state.save([(OBJECTS[kind], None, named)], by=SOMEBODY)[0]
        named = {"lead": {"subject": title, "lastname": "Doe"}, "deal": {"name": title}, "activity": {"subject": title}}
        return state.create(TABLES[kind], named[kind], state.act(by=PERSON))

    def _edit(self, kind: str, id_: Any) -> None:
        self._write(kind, id_, EDITS[_system(self.fake)][kind](self.chance.randrange(1, 100)))

    def _end(self, kind: str, id_: Any) -> None:
        if kind == "deal" and self.chance.random() < 0.2:
            self._remove(id_)
        else:
            self._write(kind, id_, self.chance.choice(ENDS[_system(self.fake)][kind]))

    def _write(self, kind: str, id_: Any, values: dict[str, Any]) -> None:
        state: Any = self.fake.state
        if isinstance(self.fake, FakePipedrive):
            state.change(kind, id_, values, by=USER)
        elif isinstance(self.fake, FakeSalesforce):
            state.save([(OBJECTS[kind], id_, values)], by=SOMEBODY)
        else:
            state.update(TABLES[kind], id_, values, state.act(by=PERSON))

    def _remove(self, id_: Any) -> None:
        state: Any = self.fake.state
        if isinstance(self.fake, FakePipedrive):
            state.remove("deal", id_, by=USER)
        elif isinstance(self.fake, FakeSalesforce):
            state.remove("Opportunity", id_, by=SOMEBODY)
        else:
            state.delete("opportunity", id_, state.act(by=PERSON))


SOMEBODY, PERSON = "0055f000005mc69AAA", "11111111-2222-3333-4444-555555555555"
OBJECTS = {"lead": "Lead", "deal": "Opportunity", "activity": "Task"}
TABLES = {"lead": "lead", "deal": "opportunity", "activity": "task"}
EDITS: dict[str, dict[str, Callable[[int], dict[str, Any]]]] = {
    "pipedrive": {
        "lead": lambda n: {"title": f"lead, called {n}"}, "deal": lambda n: {"value": n, "stage_id": 1 + n % 4},
        "activity": lambda n: {"subject": f"call {n}"},
    },
    "salesforce": {
        "lead": lambda n: {"Company": f"Acme {n}", "Status": "Working - Contacted"},
        "deal": lambda n: {"Amount": n, "StageName": "Qualification"}, "activity": lambda n: {"Subject": f"Call {n}"},
    },
    "dynamics": {
        "lead": lambda n: {"companyname": f"Acme {n}"}, "deal": lambda n: {"estimatedvalue": n},
        "activity": lambda n: {"subject": f"Call {n}"},
    },
}  # fmt: skip
ENDS: dict[str, dict[str, tuple[dict[str, Any], ...]]] = {
    "pipedrive": {
        "lead": ({"is_archived": True},), "deal": ({"status": "won"}, {"status": "lost", "lost_reason": "price"}),
        "activity": ({"done": True},),
    },
    "salesforce": {
        "lead": ({"Status": "Closed - Not Converted"},),
        "deal": ({"StageName": "Closed Won", "IsClosed": True, "IsWon": True},
                 {"StageName": "Closed Lost", "IsClosed": True, "IsWon": False}),
        "activity": ({"Status": "Completed", "IsClosed": True},),
    },
    "dynamics": {
        "lead": ({"statecode": 2, "statuscode": 5},),
        "deal": ({"statecode": 1, "statuscode": 3}, {"statecode": 2, "statuscode": 4}),
        "activity": ({"statecode": 1, "statuscode": 5},),
    },
}  # fmt: skip


def _system(fake: Fake) -> str:
    return {"FakePipedrive": "pipedrive", "FakeSalesforce": "salesforce", "FakeDataverse": "dynamics"}[
        type(fake).__name__
    ]
