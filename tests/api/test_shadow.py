"""What another staffing would have done, over HTTP: figures, sentences in two languages, clear refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.api import shadow
from taskhub.testing.drain import drain
from tests.api.house import House, open_house

PATH = "/api/v1/queues/desk/staffing/shadow"


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    with open_house(database_url) as made:
        yield made


def test_the_same_staffing_would_have_done_the_same(house: House) -> None:
    for _ in range(3):
        house.task()
        house.taken("zoe")
    found = house.of("lea").ok("GET", f"{PATH}?since=1d")
    assert (found["decisions"], found["verdicts"]["same"], found["complete"]) == (3, 3, True)
    assert found["people"] == [{"agent": "zoe", "name": "Zoe", "got": 3, "would_have_got": 3, "difference": 0}]
    assert found["examples"] == []


def test_who_could_not_have_taken_it_is_said_in_the_callers_language(house: House) -> None:
    house.task()
    task, _ = house.taken("zoe")
    asked = f"{PATH}?since=1d&model=rotating&params=%7B%22share_of_shift%22%3A0.5,%22protected_block%22%3A%7B%7D%7D"
    assert house.of("lea").ok("GET", asked)["verdicts"]["same"] == 1
    other_day = (datetime.now(UTC) + timedelta(days=3)).strftime("%a").lower()
    shut = f'{{"protected_block":{{"{other_day}":["03:00-03:01"]}}}}'
    found = _asked(house, {"model": "rotating", "params": shut, "since": "1d"})
    assert found["verdicts"]["not_theirs"] == 1
    assert found["people"] == [{"agent": "zoe", "name": "Zoe", "got": 1, "would_have_got": 0, "difference": -1}]
    (example,) = found["examples"]
    assert (example["task"], example["verdict"], example["reasons"]) == (task, "not_theirs", ["share_used"])
    assert example["sentence"].startswith("Zoe took it; it would not have been theirs: the share of the day")
    french = _asked(house, {"model": "rotating", "params": shut, "since": "1d"}, {"accept-language": "fr-CH, en;q=0.5"})
    assert french["examples"][0]["sentence"].startswith("Zoe l'a prise\u202f; elle n'aurait pas été à sa portée")
    assert french["waiting_reasons"][0]["text"].startswith("la part de journée")


def _asked(house: House, params: dict[str, str], headers: dict[str, str] | None = None) -> Any:
    answer = house.of("lea").get(PATH, params=params, headers=headers or {})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"model": "rotatin"}, "rotating"),
        ({"strategy": "least_loded"}, "least_loaded"),
        ({"since": "yesterday"}, "7d or 36h"),
        ({"since": "0d"}, "in the past"),
        ({"since": "9999d"}, "366 days"),
        ({"since": "2198-01-01T00:00:00Z"}, "366 days"),
        ({"params": "[1]"}, "JSON object"),
        ({"params": "{"}, "JSON"),
        ({"model": "dedicated", "params": '{"team":"nobody"}'}, "not among the queue's teams"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(house: House, params: dict[str, str], said: str) -> None:
    answer = house.of("admin").get(PATH, params=params)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert re.search(said, answer.text), answer.text


def test_only_managers_of_the_queue_may_ask(house: House) -> None:
    assert house.of("zoe").get(PATH).status_code == 403
    assert house.of("lea").get("/api/v1/queues/far/staffing/shadow").status_code == 404
    assert house.of("admin").get("/api/v1/queues/none/staffing/shadow").status_code == 404


def test_a_long_time_is_asked_in_the_background_with_progress_to_look_at(house: House) -> None:
    for _ in range(3):
        house.task()
        house.taken("zoe")
    lea = house.of("lea")
    begun = lea.post(PATH, {"model": "dedicated", "params": {"team": "specialists"}, "since": "1d"})
    assert begun.status_code == 202, begun.text
    run = begun.json()
    assert (run["state"], run["done"], run["total"], run["result"]) == ("running", 0, 3, None)
    assert lea.ok("GET", run["self"])["state"] == "running"
    drain(house.db)
    ended = lea.ok("GET", run["self"])
    assert (ended["state"], ended["done"], ended["error"]) == ("ended", 3, None)
    assert ended["result"]["verdicts"]["same"] == 3
    assert ended["result"]["people"][0]["name"] == "Zoe"
    assert house.of("zoe").get(run["self"]).status_code == 403
    assert lea.get(f"{PATH}/none").status_code == 404
    assert lea.post(PATH, {"model": "dedicatd"}).status_code == 422


def test_an_answer_cut_short_says_how_to_get_all_of_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow, "MOST", 2)
    for _ in range(3):
        house.task()
        house.taken("zoe")
    found = house.of("lea").ok("GET", f"{PATH}?since=1d")
    assert not found["complete"]
    assert "POST to this address" in found["notes"][-1]
