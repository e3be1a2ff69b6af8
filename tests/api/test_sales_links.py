"""Links between records: no way to learn of what one may not see, and nothing goes that others hold on to."""

from __future__ import annotations

from typing import Any

from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House

LEADS = "/api/v1/leads"
ANN = {"name": "Ann Roux", "company": "Atelier Roux", "email": "ann@roux.example"}


def account(house: House, **more: Any) -> str:
    return str(house.of("admin").ok("POST", "/api/v1/accounts", {"name": "Hidden", **more})["id"])


def tell(house: House, noun: str, **fields: Any) -> None:
    sent = {"specversion": "1.0", "id": f"{fields}", "source": "s", "type": f"{noun}.updated", "data": {noun: fields}}
    house.of("admin").ok("POST", "/api/v1/events", sent)
    drain(house.db)


def test_unknown_and_hidden_records_answer_alike(any_house: House) -> None:
    hidden, rob = account(any_house, owner="yan"), any_house.of("rob")
    for tail in ("", "/duplicates"):
        one, two = (rob.get(f"/api/v1/accounts/{id_}{tail}") for id_ in (hidden, "nowhere"))
        assert code(one) == code(two) == (404, "not_found")
        assert one.json()["detail"] == two.json()["detail"]
    pair = {"records": [f"account:{hidden}", "account:nowhere"], "denied": True}
    back = {**pair, "records": pair["records"][::-1]}
    answers = [rob.put("/api/v1/duplicates/denials", body).json()["detail"] for body in (pair, back)]
    assert answers[0] == answers[1]


def test_a_link_leads_only_to_what_its_maker_sees(any_house: House) -> None:
    rob, hidden = any_house.of("rob"), account(any_house, owner="yan")
    one, two = (rob.post(LEADS, {**ANN, "account": id_}) for id_ in (hidden, "nowhere"))
    assert code(one) == code(two) == (422, "unknown_record")
    assert one.json()["detail"].replace(hidden, "nowhere") == two.json()["detail"]
    made = rob.ok("POST", LEADS, ANN)
    path = f"{LEADS}/{made['id']}"
    assert code(rob.patch(path, {"version": 1, "account": hidden})) == (422, "unknown_record")
    mine = account(any_house, owner="rob")
    assert rob.ok("PATCH", path, {"version": 1, "account": mine})["account"] == mine
    any_house.of("admin").ok("PATCH", f"/api/v1/accounts/{mine}", {"version": 1, "owner": "yan"})
    assert rob.ok("PATCH", path, {"version": 2, "account": mine, "phone": "1"})["phone"] == "1"


def test_a_deleted_record_is_linked_to_by_nobody(any_house: House) -> None:
    gone = account(any_house, owner="rob")
    drain(any_house.db)
    tell(any_house, "account", id=gone, deleted=True)
    assert code(any_house.of("rob").post(LEADS, {**ANN, "account": gone})) == (422, "unknown_record")


def test_undo_of_a_conversion_leaves_an_account_that_others_belong_to(any_house: House) -> None:
    rob = any_house.of("rob")
    id_ = rob.ok("POST", LEADS, ANN)["id"]
    done = rob.ok("POST", f"{LEADS}/{id_}/convert", {"deal": {}})
    other = rob.ok("POST", "/api/v1/deals", {"title": "Second", "account": done["account"]["id"]})
    rob.ok("POST", f"{LEADS}/{id_}/undo-conversion")
    kept = rob.ok("GET", f"/api/v1/accounts/{other['account']}")
    assert (kept.get("deleted"), kept["customer_since"]) == (None, None)
    assert rob.ok("GET", done["links"]["contact"])["deleted"] is True


def test_a_lead_is_no_double_of_the_contact_it_became(any_house: House) -> None:
    rob = any_house.of("rob")
    id_ = rob.ok("POST", LEADS, ANN)["id"]
    twin = rob.ok("POST", LEADS, ANN)["id"]
    contact = rob.ok("POST", f"{LEADS}/{id_}/convert", {})["contact"]["id"]
    doubles = {}
    for path in (f"leads/{id_}", f"contacts/{contact}"):
        found = rob.ok("GET", f"/api/v1/{path}/duplicates")["items"]
        doubles[path] = {one["record"] for one in found}
    assert doubles == {f"leads/{id_}": {f"lead:{twin}"}, f"contacts/{contact}": {f"lead:{twin}"}}
    any_house.of("admin").ok("POST", "/api/v1/duplicates/runs")
    drain(any_house.db)
    pairs = any_house.of("admin").ok("GET", "/api/v1/duplicates")["items"]
    shown = {frozenset((one["one"], one["two"])) for one in pairs if "account" not in one["one"]}
    twins = f"lead:{twin}"
    assert shown == {frozenset((f"lead:{id_}", twins)), frozenset((f"contact:{contact}", twins))}
