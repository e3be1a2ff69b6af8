"""Whom a question goes to, in every case; what ends one and what does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from taskhub.errors import Conflict, InvalidInput, VersionClash
from taskhub.events.times import written
from taskhub.tasks.questions import model
from taskhub.tasks.questions.model import Question
from taskhub.tasks.questions.whom import House, Whom, successor, whom

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEAMS = {"rob": "sales", "ria": "sales", "zoe": "desk", "lea": "desk", "mo": "sales"}
HERE = set(TEAMS)


def house(*gone: str, **answering: list[str]) -> House:
    return House(HERE - set(gone), TEAMS, answering)


@pytest.mark.parametrize(
    ("owner", "found", "here"),
    [
        ("rob", Whom("rob"), house()),
        ("rob", Whom("mo", "rob", "inactive"), house("rob", sales=["mo"], desk=["lea"])),
        ("rob", Whom("ria", "rob", "inactive"), house("rob", "mo", sales=["mo", "ria"])),
        ("rob", Whom("lea", "rob", "inactive"), house("rob", "mo", sales=["mo"], desk=["lea"])),
        ("CRM user 7", Whom("lea", "CRM user 7", "unknown"), house(desk=["lea"])),
        (None, Whom("lea", None, "no_owner"), house(desk=["zoe", "lea"])),
        ("zoe", Whom("lea", "zoe", "asks"), house(desk=["zoe", "lea"])),
        (None, None, house(sales=["mo"])),
        ("rob", None, house("rob", "mo", sales=["rob", "mo"], desk=["zoe"])),
    ],
)
def test_whom(owner: str | None, found: Whom | None, here: House) -> None:
    assert whom(owner, "zoe", here) == found


def test_who_comes_after_a_leaver() -> None:
    assert successor("rob", "ria", house("rob", sales=["mo"])) == "ria"
    assert successor("rob", None, house("rob", sales=["rob", "mo"])) == "mo"
    assert successor("rob", "ria", house("rob", "ria", sales=["mo"])) == "mo"
    assert successor("rob", None, house("rob")) is None


def one(**facts: object) -> Question:
    plain = dict.fromkeys(Question.__slots__)
    told = {
        "id": "q",
        "task": "t",
        "asked_by": "agent:zoe",
        "state": "open",
        "text": "?",
        "asked_at": NOW,
        "passed": (),
    }
    return Question(**{**plain, **told, "asked_at": NOW, "version": 3, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["answered", "withdrawn", "lapsed"])
def test_what_has_ended_says_how(state: str) -> None:
    with pytest.raises(Conflict) as refused:
        model.refuse_ended(one(state=state, ended_by="agent:rob", ended_at=NOW))
    assert refused.value.stable_code == "question_closed"
    assert refused.value.fields == {"state": state, "ended_by": "agent:rob", "ended_at": written(NOW)}


def test_an_open_one_goes_on() -> None:
    model.refuse_ended(one(), 3)
    with pytest.raises(VersionClash):
        model.refuse_ended(one(), 2)
    with pytest.raises(Conflict, match="rob"):
        model.refuse_second(one(asked_of="rob"))
    handed = model.handed(one(asked_of="rob", passed=({"of": "mo"},)), NOW, "agent:rob", None)
    assert handed == [{"of": "mo"}, {"of": "rob", "at": NOW.isoformat(), "by": "agent:rob", "note": None}]


@pytest.mark.parametrize("text", ["", " \u00a0\n", "x" * 5_001])
def test_texts_that_ask_nothing(text: str) -> None:
    with pytest.raises(InvalidInput, match="question"):
        model.checked(text)
    assert model.checked(" x\r\n") == " x\r\n"
