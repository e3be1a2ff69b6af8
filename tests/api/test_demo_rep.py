"""A sales rep of the demo: what they ask for names what it is about."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import httpx

from taskhub.clock import real_now
from taskhub.demo.client import Api, Line
from taskhub.demo.rep import Rep
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind
from tests.api.client import Client
from tests.api.house import House, policies
from tests.api.test_records import tell

LATER = real_now()


class Straight(httpx.Client):
    """Into the app without a socket."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client

    def request(self, method: str, url: Any, **options: Any) -> httpx.Response:
        return self._client.request(method, f"/api/v1{url}", **options)


def asked(house: House, seed: int) -> list[dict[str, Any]]:
    """What a rep asks for in sixty steps, renewals among it."""
    before = {one["id"] for one in house.of("admin").ok("GET", "/api/v1/tasks?limit=200")["items"]}
    line = Line("http://taskhub.test", threading.Event())
    line.http = Straight(house.client)
    kinds, chance = ["contract", "renewal"], Random(seed)
    rep = Rep("rob", Api(line, house.keys["rob"]), kinds, "en", lambda m: LATER + timedelta(minutes=m), chance)
    for _ in range(60):
        rep.step()
    assert line.failures == 0, line.last_failure
    found = house.of("admin").ok("GET", "/api/v1/tasks?limit=200")["items"]
    return [one for one in found if one["id"] not in before]


def test_a_renewal_is_of_a_deal_that_was_won(any_house: House) -> None:
    kinds = {**policies().kinds, "renewal": Kind("renewal", LocalText("Renewal"), "desk", sla="standard")}
    any_house.follow(replace(policies(), kinds=kinds, hash="with renewals"))
    tell(any_house, "deal", "D1", owner="rob", company="Open", status="open")
    tell(any_house, "deal", "D2", owner="ria", company="Ria's", status="won")
    assert {one["kind"] for one in asked(any_house, 1)} == {"contract"}
    tell(any_house, "deal", "D3", owner="rob", company="Alpha", status="won")
    renewals = [one for one in asked(any_house, 1) if one["kind"] == "renewal"]
    assert {(one["deal"], one["title"]) for one in renewals} == {("D3", "Asked by sales: Alpha")}
