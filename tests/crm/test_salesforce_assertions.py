"""The fake Salesforce takes no assertion that Salesforce would refuse: else tests of our log-in show nothing."""

from typing import Any

import orjson
import pytest

from taskhub.connectors.salesforce import signing
from taskhub.testing.crm.salesforce import FakeSalesforce
from taskhub.testing.crm.salesforce.api import CLIENT
from taskhub.testing.crm.salesforce.bearer import USERNAME, App, key_pair, refusal

HOME = "https://fake.my.salesforce.com"
KEY, CERTIFIED = key_pair()
APP = App(CLIENT[0], CERTIFIED, HOME)
RIGHT = {"iss": CLIENT[0], "sub": USERNAME, "aud": HOME}


@pytest.fixture
def fake() -> FakeSalesforce:
    return FakeSalesforce()


def signed(now: Any, head: dict[str, Any] | None = None, **claims: Any) -> str:
    key = signing._loaded(KEY, "KEY")
    told = {**RIGHT, "exp": int(now.timestamp()) + 90, **claims}
    body = ".".join(signing._text(orjson.dumps(part)) for part in (head or {"alg": "RS256"}, told))
    sign = key.sign(body.encode(), signing.padding.PKCS1v15(), signing.hashes.SHA256())
    return f"{body}.{signing._text(sign)}"


@pytest.mark.parametrize(("head", "claims", "said"), [
    (None, {}, None), (None, {"iss": "other"}, "client identifier invalid"),
    (None, {"aud": "https://login.salesforce.com"}, "audience is invalid"),
    (None, {"aud": [HOME]}, "audience is invalid"),
    (None, {"sub": "bob@example.com"}, "user hasn't approved this consumer"),
    ({"alg": "none"}, {}, "invalid assertion"), ({"alg": "HS256"}, {}, "invalid assertion"),
    (None, {"exp": None}, "invalid assertion"), (None, {"exp": "soon"}, "invalid assertion"),
])  # fmt: skip
def test_the_fake_looks_at_every_claim(
    fake: FakeSalesforce, head: dict[str, Any] | None, claims: dict[str, Any], said: str | None
) -> None:
    found = refusal(signed(fake.clock.now, head, **claims), APP, fake.clock.now)
    assert (found and found[1]) == said


@pytest.mark.parametrize(("seconds", "taken"), [(0, False), (1, True), (180, True), (181, False)])
def test_the_fake_takes_three_minutes_at_most(fake: FakeSalesforce, seconds: int, taken: bool) -> None:
    now = fake.clock.now
    assert (refusal(signed(now, exp=int(now.timestamp()) + seconds), APP, now) is None) is taken


def test_the_fake_takes_nothing_that_was_changed(fake: FakeSalesforce) -> None:
    head, body, sign = signed(fake.clock.now).split(".")
    other = signed(fake.clock.now, sub="bob@example.com").split(".")[1]
    list_ = signing._text(b"[]")
    for odd in (
        *(f"{head}.{other}.{sign}", f"{head}.{body}.{sign[:-4]}AAAA", f"{head}.{body}.", f"{head}.{body}", "", "a.b.c"),
        *(f"{head}.{body}.{sign}.x", f"{list_}.{body}.{sign}", f"{head}.{list_}.{sign}", f"{head}.{body}.é"),
    ):
        assert refusal(odd, APP, fake.clock.now) == ("invalid_grant", "invalid assertion"), odd
