"""Fakes over a real wire, both ways: what they send arrives, what nobody takes is known as such."""

import httpx
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from taskhub.testing.crm.dataverse import FakeDataverse
from taskhub.testing.crm.pipedrive import FakePipedrive
from taskhub.testing.crm.salesforce import FakeSalesforce
from taskhub.testing.crm.salesforce.soap import ACK
from taskhub.testing.crm.sender import over_http
from taskhub.testing.crm.wire import served


def test_senders_of_all_three_reach_a_real_address() -> None:
    got: list[tuple[str, bytes]] = []

    async def hook(request: Request) -> Response:
        got.append((request.url.path, await request.body()))
        return Response(ACK, media_type="text/xml")

    with served(Starlette(routes=[Route("/{name}", hook, methods=["POST"])])) as base, httpx.Client() as client:
        post = over_http(client, 10)
        one, two, three = FakePipedrive(post=post), FakeSalesforce(post=post), FakeDataverse(post=post)
        one.state.hooks[1] = {
            "id": 1, "event_action": "*", "event_object": "*", "subscription_url": f"{base}/one", "http_auth_user": "u",
            "http_auth_password": "p", "user_id": 5, "strikes": 0, "banned_until": None,
        }  # fmt: skip
        two.messages.url = f"{base}/two"
        three.steps.endpoints["e"] = {"url": f"{base}/three", "authtype": 4, "authvalue": "key"}
        three.steps.steps["s"] = {
            "sdkmessageprocessingstepid": "s", "name": "s", "_eventhandler_value": "e", "statecode": 0,
            "sdkmessageid": {"name": "Create"}, "sdkmessagefilterid": {"primaryobjecttypecode": "lead"},
        }  # fmt: skip
        one.state.add("deal", {"title": "A"})
        two.state.save([("Lead", None, {"Company": "A"})])
        three.state.create("lead", {"subject": "A"})
        assert (one.webhooks.sender.run(), two.messages.run(), three.steps.sender.run()) == (1, 1, 1)
        assert not [*one.webhooks.sender.waiting, *two.messages.sender.waiting, *three.steps.failed]
    assert [path for path, _ in got] == ["/one", "/two", "/three"]
    assert orjson.loads(got[2][1])["MessageName"] == "Create"


def test_nobody_there_is_no_answer() -> None:
    with httpx.Client() as client:
        fake = FakeDataverse(post=over_http(client, 1))
        fake.steps.endpoints["e"] = {"url": "http://127.0.0.1:9/", "authtype": 4, "authvalue": "key"}
        fake.steps.steps["s"] = {
            "sdkmessageprocessingstepid": "s", "name": "s", "_eventhandler_value": "e", "statecode": 0,
            "sdkmessageid": {"name": "Create"}, "sdkmessagefilterid": {"primaryobjecttypecode": "lead"},
        }  # fmt: skip
        fake.state.create("lead", {"subject": "A"})
        fake.steps.sender.run()
    assert [answer.status for _, answer in fake.steps.sender.log] == [None]


def test_during_a_ban_everything_is_lost_in_all_three() -> None:
    one, two, three = FakePipedrive(), FakeSalesforce(), FakeDataverse()
    one.state.hooks[1] = {
        "id": 1, "event_action": "*", "event_object": "*", "subscription_url": "https://t.test", "http_auth_user": None,
        "user_id": 5, "strikes": 0, "banned_until": None,
    }  # fmt: skip
    two.relay.url = "https://t.test"
    three.steps.endpoints["e"] = {"url": "https://t.test", "authtype": 4, "authvalue": "key"}
    three.steps.steps["s"] = {
        "sdkmessageprocessingstepid": "s", "name": "s", "_eventhandler_value": "e", "statecode": 0,
        "sdkmessageid": {"name": "Create"}, "sdkmessagefilterid": {"primaryobjecttypecode": "lead"},
    }  # fmt: skip
    senders = (one.webhooks.sender, two.relay.sender, three.steps.sender)
    for banned in (True, False):
        for fake in (one, two, three):
            fake.faults.banned = banned
        one.state.add("deal", {"title": "A"})
        two.state.save([("Lead", None, {"Company": "A"})])
        three.state.create("lead", {"subject": "A"})
        assert [sender.run() for sender in senders] == ([0, 0, 0] if banned else [1, 1, 1])
    assert [len(sender.lost) for sender in senders] == [1, 1, 1]
