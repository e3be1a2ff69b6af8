"""Paused work is brought to mind: its person hears of it, or who stands in for them, in their language."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from taskhub.db import ledger
from taskhub.escalation import reminders, service
from taskhub.tasks import service as tasks
from tests.service.climb import HOUR, LADDER, MONDAY, TUESDAY, Desk, person, policies


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    one = Desk(database_url, policies(LADDER, timedelta(days=90)))
    yield one
    one.db.close()


def paused(desk: Desk) -> str:
    made = desk.new("ana", started=True)
    with desk.at(by=person("ana")) as tx:
        token = tasks.leases(tx, [tasks.get(tx, made)])[made].token
        tasks.pause(tx, made, "customer", TUESDAY, token)
    return made


def remind(desk: Desk, made: str, **changes: Any) -> list[Any]:
    payload = {"agent": "ana", "reason": "customer", "since": MONDAY.isoformat(), "until": TUESDAY.isoformat()}
    row = ledger.Taken(1, "pause.reminder", "escalation.reminder", made, "one", payload | changes, MONDAY, 1, "t")
    with desk.at(MONDAY + HOUR) as tx:
        reminders.remind(tx, row)
        return service.notices_of(tx, made)


def test_its_person_is_reminded_with_reason_and_dates(desk: Desk) -> None:
    (note,) = remind(desk, paused(desk))
    assert (note.agent, note.topic, note.severity, note.subject) == (
        "ana", "reminder", "info", "Still waiting: Check ACME",
    )  # fmt: skip
    assert "paused since 2026-01-05 09:00 (UTC): Customer" in note.body
    assert "comes back to your list on 2026-01-06 09:00" in note.body


def test_who_stands_in_hears_whose_it_is(desk: Desk) -> None:
    made = paused(desk)
    desk.send_away("ana")
    desk.change("ben", language="fr")
    (note,) = remind(desk, made)
    assert (note.agent, note.subject) == ("ben", "Toujours en attente : Check ACME")
    assert "Elle est chez Ana" in note.body


@pytest.mark.parametrize("changes", [{"agent": "ben"}, {"reason": "set_aside"}])
def test_what_is_no_longer_so_is_not_brought_to_mind(desk: Desk, changes: dict[str, Any]) -> None:
    made = paused(desk)
    assert remind(desk, made, **changes) == []
    with desk.at(by=person("ana")) as tx:
        tasks.resume(tx, made)
    assert remind(desk, made) == []
