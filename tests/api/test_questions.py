"""Ask the rep: the task waits, the rep is told and answers, the task wakes; and everything that may come between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select

from taskhub import failpoints
from taskhub.agents import service as agents
from taskhub.db.tables import history, message, notification, task
from taskhub.db.tables_notes import note, note_on, question
from taskhub.testing import organisation as org
from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House

API = "/api/v1"
ASK = "Which address is right?\r\n<b>Lyon</b> or Paris\u0301?"


class Case(NamedTuple):
    """A customer of Rob's, whose contract Zoe has begun."""

    lead: str
    deal: str
    task: str
    token: int


def case(house: House, **more: Any) -> Case:
    rob = house.of("rob")
    lead = rob.ok("POST", f"{API}/leads", {"name": "Ann Roux", "company": "Atelier Roux", **more})["id"]
    deal = rob.ok("POST", f"{API}/leads/{lead}/convert", {"deal": {}})["deal"]["id"]
    drain(house.db)
    return Case(lead, deal, *house.taken("zoe"))


def ask(house: House, one: Case, text: str = ASK, **more: Any) -> dict[str, Any]:
    body = {"question": text, "lease_token": one.token, **more}
    return dict(house.of("zoe").ok("POST", f"{API}/tasks/{one.task}/ask", body))


def told(house: House, who: str) -> list[Any]:
    with house.db.read() as tx:
        mine = select(notification).where(notification.c.agent == who).order_by(notification.c.id)
        return list(tx.conn.execute(mine))


def test_the_rep_is_asked_and_the_answer_wakes_the_task(any_house: House) -> None:
    house, one = any_house, case(any_house)
    said = ask(house, one)
    assert (said["task"]["state"], said["task"]["paused"]["reason"]) == ("paused", "waiting_rep")
    assert said["task"]["lease"] is None
    question = said["question"]
    assert (question["asked_of"], question["asked_by"], question["question"]) == ("rob", "agent:zoe", ASK)
    drain(house.db)
    (notice,) = told(house, "rob")
    assert (notice.topic, notice.task, notice.address) == ("question", one.task, "log:")
    assert ASK.strip() in notice.body
    rob = house.of("rob")
    (mine,) = rob.ok("GET", f"{API}/questions")["items"]
    assert (mine["id"], mine["deal"]) == (question["id"], one.deal)
    assert mine["task"]["title"] == "Agreement with Atelier Roux"
    assert house.of("zoe").ok("GET", f"{API}/tasks/{one.task}")["question"]["id"] == question["id"]
    (item,) = [row for row in rob.ok("GET", f"{API}/deals/{one.deal}/file")["items"] if row["id"] == one.task]
    assert (item["paused"]["name"], item["questions"][0]["state"]) == ("Waiting for the sales rep", "open")

    done = rob.ok("POST", f"{API}/questions/{question['id']}/answer", {"answer": " Paris. "})["question"]
    assert (done["state"], done["answer"], done["ended_by"]) == ("answered", " Paris. ", "agent:rob")
    task = house.of("zoe").ok("GET", f"{API}/tasks/{one.task}")
    assert (task["state"], task["agent"], task["question"]) == ("paused", "zoe", None)
    assert task["paused"]["until"] <= house.of("zoe").ok("GET", f"{API}/questions/{question['id']}")["ended_at"]
    for on in (f"tasks/{one.task}", f"deals/{one.deal}"):
        (note,) = house.of("zoe").ok("GET", f"{API}/{on}/notes")["items"]
        assert (note["kind"], note["text"], note["question"]) == ("answer", " Paris. ", question["id"])
    assert [note["text"] for note in rob.ok("GET", f"{API}/deals/{one.deal}/file")["notes"]] == [" Paris. "]
    drain(house.db)
    assert [row.topic for row in told(house, "zoe")] == ["answer"]
    assert house.of("zoe").ok("POST", f"{API}/tasks/{one.task}/resume")["task"]["state"] == "in_progress"
    assert [row["act"] for row in house.of("zoe").ok("GET", f"{API}/tasks/{one.task}/history")["items"]][-3:] == [
        "ask", "wake", "resume",
    ]  # fmt: skip
    assert code(rob.post(f"{API}/questions/{question['id']}/answer", {"answer": "x"})) == (409, "question_closed")


def test_a_second_question_waits_for_the_first(house: House) -> None:
    one = case(house)
    first = ask(house, one)["question"]
    zoe = house.of("zoe")
    again = zoe.post(f"{API}/tasks/{one.task}/ask", {"question": "and?", "lease_token": one.token})
    assert code(again) == (409, "question_open")  # pressed twice
    token = zoe.ok("POST", f"{API}/tasks/{one.task}/resume")["lease"]["token"]
    refused = zoe.post(f"{API}/tasks/{one.task}/ask", {"question": "and?", "lease_token": token})
    assert code(refused) == (409, "question_open")
    assert (refused.json()["question"], refused.json()["asked_of"]) == (first["id"], "rob")
    # Gone on meanwhile: the answer is a note, the work goes on.
    house.of("rob").ok("POST", f"{API}/questions/{first['id']}/answer", {"answer": "yes"})
    assert zoe.ok("GET", f"{API}/tasks/{one.task}")["state"] == "in_progress"
    zoe.ok("POST", f"{API}/tasks/{one.task}/ask", {"question": "and?", "lease_token": token})


def test_a_question_is_withdrawn(any_house: House) -> None:
    house, one = any_house, case(any_house)
    id_ = ask(house, one)["question"]["id"]
    drain(house.db)
    assert code(house.of("rob").post(f"{API}/tasks/{one.task}/withdraw-question")) == (403, "forbidden")
    assert code(house.of("yan").post(f"{API}/tasks/{one.task}/withdraw-question")) == (404, "not_found")
    back = house.of("zoe").ok("POST", f"{API}/tasks/{one.task}/withdraw-question")
    assert (back["question"]["state"], back["task"]["state"]) == ("withdrawn", "paused")
    assert code(house.of("zoe").post(f"{API}/tasks/{one.task}/withdraw-question")) == (409, "no_question")
    assert code(house.of("rob").post(f"{API}/questions/{id_}/answer", {"answer": "x"})) == (409, "question_closed")
    drain(house.db)
    assert [row.topic for row in told(house, "rob")] == ["question", "unasked"]
    assert house.of("rob").ok("GET", f"{API}/questions")["items"] == []


def test_asking_is_undone_while_nobody_has_answered(any_house: House) -> None:
    house, one = any_house, case(any_house)
    ask(house, one)
    zoe = house.of("zoe")
    (act,) = [row for row in zoe.ok("GET", f"{API}/acts")["items"] if row["kind"] == "task.ask"]
    zoe.ok("POST", f"{API}/acts/{act['id']}/undo")
    task = zoe.ok("GET", f"{API}/tasks/{one.task}")
    assert (task["state"], task["question"], task["lease"] is None) == ("in_progress", None, False)


def test_an_answered_question_is_not_unasked(house: House) -> None:
    one = case(house)
    id_ = ask(house, one)["question"]["id"]
    house.of("rob").ok("POST", f"{API}/questions/{id_}/answer", {"answer": "yes"})
    zoe = house.of("zoe")
    (act,) = [row for row in zoe.ok("GET", f"{API}/acts")["items"] if row["kind"] == "task.ask"]
    assert act["why_not"] == "changed_since"
    (act,) = [row for row in house.of("rob").ok("GET", f"{API}/acts")["items"] if row["kind"] == "question.answer"]
    assert act["why_not"] == "cannot_be_undone"


def test_the_rep_passes_it_to_a_colleague(any_house: House) -> None:
    house, one = any_house, case(any_house)
    id_ = ask(house, one)["question"]["id"]
    rob, ria = house.of("rob"), house.of("ria")
    path = f"{API}/questions/{id_}"
    assert ria.ok("GET", path)["id"] == id_
    assert code(ria.post(f"{path}/answer", {"answer": "x"})) == (403, "forbidden")
    assert code(rob.post(f"{path}/pass", {"to": {"agent": "yan"}})) == (404, "not_found")
    assert code(rob.post(f"{path}/pass", {"to": {"agent": "rob"}})) == (409, "nothing_to_change")
    assert code(rob.post(f"{path}/pass", {"to": {"agent": "ria"}, "version": 9})) == (409, "version_clash")
    went = rob.ok("POST", f"{path}/pass", {"to": {"agent": "ria"}, "note": "you were there"})["question"]
    assert (went["asked_of"], went["passed"][0]["of"], went["passed"][0]["note"]) == ("ria", "rob", "you were there")
    drain(house.db)
    assert [row.topic for row in told(house, "ria")] == ["question"]
    assert code(rob.post(f"{path}/answer", {"answer": "x"})) == (403, "forbidden")
    (act,) = [row for row in rob.ok("GET", f"{API}/acts")["items"] if row["kind"] == "question.pass"]
    rob.ok("POST", f"{API}/acts/{act['id']}/undo")
    assert rob.ok("GET", path)["asked_of"] == "rob"
    rob.ok("POST", f"{path}/pass", {"to": {"agent": "ria"}})
    assert ria.ok("POST", f"{path}/answer", {"answer": "yes"})["question"]["state"] == "answered"


def test_what_is_asked_of_a_leaver_goes_on(any_house: House) -> None:
    """To the colleague named, else to whoever leads the team; back with them if the leaving is undone."""
    house, one = any_house, case(any_house)
    id_ = ask(house, one)["question"]["id"]
    admin = house.of("admin")
    seen = admin.ok("POST", f"{API}/agents/rob/leave/preview", {"to": {"agent": "ria"}})
    assert seen["questions"] == [{"id": id_, "task": one.task, "to": "ria"}]
    left = admin.ok("POST", f"{API}/agents/rob/leave", {"to": {"agent": "ria"}})
    assert admin.ok("GET", f"{API}/questions/{id_}")["asked_of"] == "ria"
    drain(house.db)
    assert [row.topic for row in told(house, "ria")] == ["question"]
    admin.ok("POST", f"{API}/acts/{left['act']}/undo")
    assert admin.ok("GET", f"{API}/questions/{id_}")["asked_of"] == "rob"
    with house.db.begin(org.ADMIN) as tx:
        agents.patch_team(tx, "sales", {"leader": "ria"})
    admin.ok("POST", f"{API}/agents/rob/leave", {})
    assert admin.ok("GET", f"{API}/questions/{id_}")["asked_of"] == "ria"
    admin.ok("POST", f"{API}/agents/ria/leave", {})
    alone = admin.ok("GET", f"{API}/questions/{id_}")
    assert (alone["asked_of"], alone["state"], len(alone["passed"])) == (None, "open", 4)
    assert admin.ok("POST", f"{API}/questions/{id_}/answer", {"answer": "yes"})["question"]["state"] == "answered"


def test_without_an_owner_the_managers_are_asked(house: House) -> None:
    one = case(house)
    with house.db.begin(org.ADMIN) as tx:
        agents.patch_team(tx, "sales", {"managers": ["dora"]})
    house.of("admin").ok("POST", f"{API}/agents/rob/leave", {})
    said = ask(house, one)["question"]
    assert (said["asked_of"], said["instead_of"], said["because"]) == ("dora", "rob", "inactive")
    made = house.task("contract", lead="nobody-knows-it")
    task, token = house.taken("abe")
    assert task == made
    said = house.of("abe").ok("POST", f"{API}/tasks/{task}/ask", {"question": "who?", "lease_token": token})["question"]
    assert (said["asked_of"], said["instead_of"], said["because"]) == ("lea", None, "no_owner")
    assert house.of("lea").ok("POST", f"{API}/questions/{said['id']}/answer", {"answer": "me"})


def test_where_there_is_nobody_the_task_goes_on(house: House) -> None:
    house.task("customs")
    task, token = house.taken("far")
    refused = house.of("far").post(f"{API}/tasks/{task}/ask", {"question": "x", "lease_token": token})
    assert code(refused) == (409, "nobody_to_ask")
    assert house.of("far").ok("GET", f"{API}/tasks/{task}")["state"] == "in_progress"


def test_a_task_that_ends_takes_its_question_along(any_house: House) -> None:
    house, one = any_house, case(any_house)
    id_ = ask(house, one)["question"]["id"]
    house.of("lea").ok("POST", f"{API}/tasks/{one.task}/cancel", {"reason": "x"})
    assert house.of("rob").ok("GET", f"{API}/questions/{id_}")["state"] == "lapsed"
    assert code(house.of("rob").post(f"{API}/questions/{id_}/answer", {"answer": "x"})) == (409, "question_closed")
    assert house.of("rob").ok("GET", f"{API}/questions?state=any")["items"][0]["id"] == id_


def test_handed_over_the_answer_comes_to_whoever_has_it(house: House) -> None:
    one = case(house)
    id_ = ask(house, one)["question"]["id"]
    house.of("zoe").ok("POST", f"{API}/tasks/{one.task}/hand-over", {"to": {"agent": "abe"}})
    house.of("rob").ok("POST", f"{API}/questions/{id_}/answer", {"answer": "yes"})
    drain(house.db)
    assert [row.topic for row in told(house, "abe")] == ["answer"]
    assert [row.topic for row in told(house, "zoe")] == []
    assert house.of("abe").ok("GET", f"{API}/tasks/{one.task}")["state"] == "assigned"


def test_the_wait_has_an_end_and_the_rep_is_reminded(house: House) -> None:
    one = case(house)
    said = ask(house, one)["task"]
    assert said["remind_at"] is not None
    token = house.of("zoe").ok("POST", f"{API}/tasks/{one.task}/resume")["lease"]["token"]
    too_long = {"question": "x", "lease_token": token}
    house.of("zoe").ok("POST", f"{API}/tasks/{one.task}/withdraw-question")
    with house.db.read() as tx:
        later = (tx.now + timedelta(days=5)).isoformat()
    refused = house.of("zoe").post(f"{API}/tasks/{one.task}/ask", {**too_long, "until": later})
    assert code(refused) == (422, "pause_too_long")


def test_french_readers_are_asked_in_french(house: House) -> None:
    with house.db.begin(org.ADMIN) as tx:
        agents.patch_agent(tx, "rob", {"language": "fr"})
    one = case(house)
    ask(house, one)
    drain(house.db)
    (notice,) = told(house, "rob")
    assert notice.subject == "Question sur Agreement with Atelier Roux"
    assert "attend votre réponse" in notice.body
    item = house.of("rob").ok("GET", f"{API}/deals/{one.deal}/file?language=fr")["items"]
    assert "En attente du commercial" in [row["paused"]["name"] for row in item if row["paused"]]


@pytest.mark.parametrize(("text", "status"), [("", 422), (" \n", 422), ("x" * 5_001, 422), ("x" * 300_000, 413)])
def test_bad_questions(still_house: House, text: str, status: int) -> None:
    still_house.task("contract", lead="l")
    task, token = still_house.taken("abe")
    answer = still_house.of("abe").post(f"{API}/tasks/{task}/ask", {"question": text, "lease_token": token})
    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.json()["errors"][0]["path"] == "question"
    still_house.of("lea").ok("POST", f"{API}/tasks/{task}/cancel", {"reason": "x"})


def test_bad_answers_leave_the_question_open(house: House) -> None:
    one = case(house)
    id_ = ask(house, one)["question"]["id"]
    rob, path = house.of("rob"), f"{API}/questions/{id_}/answer"
    for body in ({"answer": ""}, {"answer": "x" * 20_001}, {"answer": 1}, {}, {"answer": "x", "more": 1}):
        refused = rob.post(path, body)
        assert code(refused) == (422, "invalid_input")
        assert refused.json()["errors"][0]["path"] in ("answer", "more")
    for who in ("zoe", "yan", "integration", "auditor"):
        assert code(house.of(who).post(path, {"answer": "x"}))[0] in (403, 404)
    for _ in range(2):
        rob.ok("POST", path, {"answer": "x"}, headers={"Idempotency-Key": "one"})
    assert len(rob.ok("GET", f"{API}/deals/{one.deal}/notes")["items"]) == 1


def test_others_do_not_see_it(house: House) -> None:
    one = case(house)
    id_ = ask(house, one)["question"]["id"]
    for who in ("yan", "far", "dora"):
        if who != "dora":
            assert code(house.of(who).get(f"{API}/questions/{id_}")) == (404, "not_found")
        assert house.of(who).ok("GET", f"{API}/questions")["items"] == []
    assert code(house.of("rob").get(f"{API}/questions/{2**70}")) == (404, "not_found")
    assert house.of("abe").ok("GET", f"{API}/questions/{id_}")["id"] == id_  # of a task of their queue


class Fault(Exception):
    pass


def rows(house: House) -> list[Any]:
    """Everything that an answer or a question writes."""
    with house.db.read() as tx:
        tables = (task, note, note_on, question, history, message)
        return [[tuple(row) for row in tx.conn.execute(select(one).order_by(*one.primary_key))] for one in tables]


@pytest.mark.parametrize(
    ("place", "call"),
    [
        ("question.stored", "ask"), ("tx.before_commit", "ask"), ("question.answered", "answer"),
        ("moves.saved", "answer"), ("tx.messages_written", "answer"), ("tx.before_commit", "answer"),
    ],
)  # fmt: skip
def test_a_fault_at_any_step_leaves_nothing_of_it(any_house: House, place: str, call: str) -> None:
    house, one = any_house, case(any_house)
    path, body, who = f"{API}/tasks/{one.task}/ask", {"question": ASK, "lease_token": one.token}, house.of("zoe")
    if call == "answer":
        id_ = ask(house, one)["question"]["id"]
        path, body, who = f"{API}/questions/{id_}/answer", {"answer": "Lyon"}, house.of("rob")
    before = rows(house)

    def strike(name: str) -> None:
        if name == place:
            raise Fault(place)

    failpoints.arm(strike)
    try:
        failed = who.post(path, body)
    finally:
        failpoints.arm(None)
    assert failed.status_code == 500
    assert rows(house) == before
    who.ok("POST", path, body)
