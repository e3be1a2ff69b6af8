"""Who may send: each way a step authenticates, what is kept of headers, and what taskhub wrote itself."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhub.connectors import own_write
from taskhub.connectors.dynamics.inbound import DynamicsInbound
from taskhub.connectors.inbound import HookRequest, KeepsHeaders, TriesAgain
from taskhub.connectors.pipedrive.inbound import PipedriveInbound
from taskhub.connectors.registry import inbound_for
from taskhub.errors import InvalidInput, Unauthenticated
from taskhub.events.model import Version
from taskhub.policy.policies import Connection
from taskhub.policy.text import LocalText
from taskhub.sales.model import Changes
from tests.unit.connectors.dataverse import APPLICATION, LEAD, create
from tests.unit.connectors.test_dynamics import accepted

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
NAMES = {"header_name": "X-Step-Word", "query_name": "word"}
CONNECTION = Connection("crm", "dynamics", LocalText("CRM"), settings=NAMES)


def verify(secrets: dict[str, str], connection: Connection = CONNECTION, **sent: Any) -> None:
    DynamicsInbound().verify(HookRequest(b"{}", NOW, **sent), connection, secrets)


class TestVerify:
    RIGHT: ClassVar = {
        "code": {"query": {"code": "s3cret"}},
        "header": {"headers": {"x-step-word": "s3cret"}},
        "query": {"query": {"word": "s3cret"}},
        "path": {"path_secret": "s3cret"},
    }

    @pytest.mark.parametrize("way", RIGHT)
    def test_each_way_alone(self, way: str) -> None:
        verify({way: "s3cret"}, **self.RIGHT[way])

    @pytest.mark.parametrize("way", RIGHT)
    @pytest.mark.parametrize("wrong", ["", "s3cre", "s3crets", "S3CRET", "s3cret\u0000", "ſ3cret"])
    def test_each_way_wrong(self, way: str, wrong: str) -> None:
        [(part, value)] = self.RIGHT[way].items()
        sent = wrong if isinstance(value, str) else dict.fromkeys(value, wrong)
        with pytest.raises(Unauthenticated):
            verify({way: "s3cret"}, **{part: sent})

    @pytest.mark.parametrize("way", RIGHT)
    def test_each_way_shown_elsewhere(self, way: str) -> None:
        for other, sent in self.RIGHT.items():
            if other != way:
                with pytest.raises(Unauthenticated):
                    verify({way: "s3cret"}, **sent)

    def test_all_that_are_set_must_be_met(self) -> None:
        verify({"code": "a", "header": "b"}, query={"code": "a"}, headers={"x-step-word": "b"})
        for query, header in (("a", "x"), ("x", "b"), ("x", "x")):
            with pytest.raises(Unauthenticated):
                verify({"code": "a", "header": "b"}, query={"code": query}, headers={"x-step-word": header})

    @pytest.mark.parametrize("secrets", [{}, {"code": ""}, {"token": "x"}])
    def test_a_connection_without_secrets_lets_nobody_in(self, secrets: dict[str, str]) -> None:
        with pytest.raises(Unauthenticated):
            verify(secrets, query={"code": "", "token": "x"})

    @pytest.mark.parametrize("way", ["header", "query"])
    def test_a_secret_without_its_name_is_never_met(self, way: str) -> None:
        nameless = replace(CONNECTION, settings={"header_name": 7})
        with pytest.raises(Unauthenticated):
            verify({way: "s3cret"}, nameless, headers={"": "s3cret", "x-step-word": "s3cret"}, query={"": "s3cret"})

    def test_letters_beyond_ascii(self) -> None:
        sent_as_utf8 = "clé".encode().decode("latin-1")
        verify({"header": "clé"}, headers={"x-step-word": sent_as_utf8})
        verify({"code": "clé€"}, query={"code": "clé€"})

    @given(st.text(), st.text(min_size=1))
    def test_nothing_a_stranger_shows_breaks_it(self, shown: str, secret: str) -> None:
        if shown == secret or not secret.isascii():
            return
        with pytest.raises(Unauthenticated):
            verify({"code": secret}, query={"code": shown})


def test_only_harmless_headers_are_kept() -> None:
    kept = {"content-type": "application/json", "x-ms-dynamics-entity-name": "lead"}
    assert DynamicsInbound().kept_headers({**kept, "x-step-word": "s3cret", "x-ms-dynamics-word": "s3cret"}) == kept


def test_what_the_route_asks_a_reader_for() -> None:
    reader = inbound_for("dynamics")
    assert isinstance(reader, KeepsHeaders)
    assert isinstance(reader, TriesAgain)
    assert not isinstance(PipedriveInbound(), KeepsHeaders | TriesAgain)
    answer = reader.answer([])
    assert (answer.status, answer.content_type) == (200, "application/json")


@pytest.mark.parametrize("body", [b"", b"<xml/>", b"\xff\xfe{}", b'{"a": NaN}', b"[" * 5000, b'{"a": 1' + b"0" * 99])
def test_bodies_that_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        DynamicsInbound().split_and_normalise(HookRequest(body, NOW), CONNECTION)


class TestLoopGuard:
    CHANGES = Changes(None, ("lead.created",), Version(NOW, ""))

    def guarded(self, own_user: str | None, actor: str = APPLICATION, changes: Changes = CHANGES) -> str | None:
        settings = {} if own_user is None else {"own_user": own_user}
        event = accepted(create("lead", LEAD, {}, InitiatingUserId=actor), replace(CONNECTION, settings=settings))
        connections = {"crm": replace(CONNECTION, settings=settings)}
        return own_write.guarded(event, changes, connections).reason

    def test_what_the_application_user_wrote_fires_nothing(self) -> None:
        assert self.guarded(APPLICATION.upper()) == "own_write"
        assert self.guarded(APPLICATION, APPLICATION.upper()) == "own_write"

    def test_what_others_wrote_does(self) -> None:
        assert self.guarded(APPLICATION, LEAD) is None
        assert self.guarded(None) is None

    def test_another_reason_stays(self) -> None:
        assert self.guarded(APPLICATION, changes=replace(self.CHANGES, reason="stale")) == "stale"

    def test_a_connection_that_is_gone_has_no_user(self) -> None:
        event = accepted(create("lead", LEAD, {}, InitiatingUserId=APPLICATION))
        assert own_write.guarded(event, self.CHANGES, {}) == self.CHANGES
