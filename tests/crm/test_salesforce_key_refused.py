"""A log-in to Salesforce with a key of one's own that cannot work: each says what is wrong and what to do."""

from datetime import timedelta
from typing import Any

import pytest

from taskhub.connectors.checking import Given, Looked, look
from taskhub.connectors.clients import can_log_in, client_for
from taskhub.connectors.salesforce.dialect import login
from taskhub.errors import InvalidInput, Unauthenticated
from taskhub.policy.policies import Policies
from taskhub.testing.crm.salesforce import FakeSalesforce
from taskhub.testing.crm.salesforce.bearer import key_pair
from taskhub.testing.crm.wire import InProcess
from tests.crm.own_key import KEY, SECRETS, UNUSABLE, certified, client_of, connection, refused


@pytest.fixture
def fake() -> FakeSalesforce:
    return certified()


def test_refusals_are_told_in_their_words_and_with_what_to_look_at(fake: FakeSalesforce) -> None:
    assert "(invalid_grant: invalid assertion)" in refused(fake, key=key_pair(2048, 1)[0])
    assert "(invalid_grant: user hasn't approved this consumer)" in refused(fake, username="bob@example.com")
    assert "(invalid_grant: audience is invalid)" in refused(fake, audience="https://test.salesforce.com")
    said = refused(fake, audience="https://test.salesforce.com")
    assert all(word in said for word in ("username", "audience", "certificate", "clock"))


@pytest.mark.parametrize(("apart", "said"), [
    (timedelta(seconds=-80), None), (timedelta(seconds=80), None),
    (timedelta(seconds=-95), "expired authorization code"), (timedelta(seconds=95), "invalid assertion"),
])  # fmt: skip
def test_either_clock_may_be_wrong_by_a_minute(fake: FakeSalesforce, apart: timedelta, said: str | None) -> None:
    client = client_for(connection(), SECRETS, clock=lambda: fake.clock.now + apart, transport=InProcess(fake))
    if said is None:
        assert client.who()
        return
    with pytest.raises(Unauthenticated, match=said):
        client.who()


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_key_that_is_no_good_is_told_with_what_to_do_and_nothing_is_sent(fake: FakeSalesforce, what: str) -> None:
    key, words = UNUSABLE[what]
    said = refused(fake, key)
    assert said.startswith("SF_PRIVATE_KEY holds")
    assert words in said
    assert not fake.gate.calls


def test_nothing_of_the_key_hangs_on_the_error(fake: FakeSalesforce) -> None:
    with pytest.raises(Unauthenticated) as caught:
        client_of(fake, key=UNUSABLE["cut"][0]).who()
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize(("secrets", "settings", "said"), [
    ({"private_key": ""}, {}, "secrets private_key."), ({"client_id": ""}, {}, "secrets client_id."),
    ({}, {"username": None}, "set username in its settings."),
    ({"private_key": ""}, {"username": None}, "secrets private_key and username in its settings."),
])  # fmt: skip
def test_what_is_not_set_is_named(secrets: dict[str, str], settings: dict[str, Any], said: str) -> None:
    given = {**SECRETS, **secrets}
    with pytest.raises(InvalidInput, match=said):
        login(connection(**settings), given)
    assert not can_log_in(connection(**settings), given)
    assert can_log_in(connection(), SECRETS)


def looked(fake: FakeSalesforce, key: str, **settings: Any) -> dict[str, Looked]:
    there = connection(organization_id=fake.state.organization, own_user=fake.state.robot, **settings)
    given = Given(there, {**SECRETS, "private_key": key}, Policies("h"), frozenset(), lambda: fake.clock.now)
    return {one.name: one for one in look(given, lambda: client_of(fake, key=key, **settings))}


def test_the_check_says_what_is_wrong_with_the_key_and_the_log_in(fake: FakeSalesforce) -> None:
    assert {one.state for one in looked(fake, KEY).values()} == {"ok", "note"}
    for key, words in UNUSABLE.values():
        found = looked(fake, key)["log-in"]
        assert (found.state, words in found.said) == ("wrong", True)
        assert "salesforce.md" in str(found.todo)
    assert "approved" in looked(fake, KEY, username="bob@example.com")["log-in"].said
    unset = looked(fake, "")["log-in"]
    assert (unset.state, "private_key" in unset.said) == ("wrong", True)
