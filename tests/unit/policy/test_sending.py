"""What a connection says of the events it is sent: what is accepted, and what is said of mistakes."""

from __future__ import annotations

import pytest

from taskhub.policy.sending import Sending
from tests.unit.policy.small import accepted, refused

CONNECTION = """\
[[connection]]
key = "shop"
name = "Shop"
system = "standard_webhooks"
secrets = { send_key = "SHOP_SEND_KEY" }
[connection.send]
address = "https://shop.example.com/hooks?from=taskhub"
events = ["task.assigned", "deal.*"]
kinds = ["contract"]
queues = ["desk"]
"""


def test_what_is_sent() -> None:
    policies = accepted(connections=CONNECTION)
    [shop] = policies.sending
    address = "https://shop.example.com/hooks?from=taskhub"
    assert shop.send == Sending(address, ("task.assigned", "deal.*"), ("contract",), ("desk",))


def test_nothing_is_sent_unless_it_is_asked_for() -> None:
    policies = accepted()
    assert (policies.connections["crm"].send, policies.sending) == (None, ())


def test_both_ways_with_a_key_each() -> None:
    both = CONNECTION.replace("secrets = {", 'secrets = { signing_key = "SHOP_KEY",')
    assert accepted(connections=both).connections["shop"].secrets.keys() == {"signing_key", "send_key"}


def test_on_this_machine_nothing_need_be_encrypted() -> None:
    here = CONNECTION.replace("https://shop.example.com", "http://127.0.0.1:9000")
    assert accepted(connections=here).sending


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "message", "suggestion"),
    [
        ('"task.assigned"', '"task.asigned"', 8, "send.events[1]", "no event that is sent", "task.assigned"),
        ('"deal.*"', '"deals.*"', 8, "send.events[2]", "no event that is sent", "deal.*"),
        ('["task.assigned", "deal.*"]', "[]", 8, "send.events", "empty", None),
        ('events = ["task.assigned", "deal.*"]\n', "", 6, "send", "events", None),
        ("https://shop", "http://shop", 7, "send.address", "must begin with https://", None),
        ("https://shop", "https://me:secret@shop", 7, "send.address", "without user, password", None),
        ("https://shop.example.com/hooks?from=taskhub", "shop", 7, "send.address", "must be one such as", None),
        ("https://shop.example.com", "https://shop exa.mple.com", 7, "send.address", "fragment or blanks", None),
        ("hooks?from", "hooks\\t?from", 7, "send.address", "fragment or blanks", None),
        ("?from=taskhub", "?from=taskhub ", 7, "send.address", "fragment or blanks", None),
        ("https://shop.example.com", "https://[x", 7, "send.address", "must be one such as", None),
        ("https://shop.example.com", "https://shop.example.com:99999", 7, "send.address", "must be one such as", None),
        ("address =", "adress =", 7, "send.adress", "unknown key", "address"),
        ('"contract"', '"contrct"', 9, "send.kinds[1]", "no kind", "contract"),
        ('"desk"', '"dsk"', 10, "send.queues[1]", "no queue", "desk"),
        ('send_key = "', 'sendkey = "', 5, "secrets.sendkey", "knows no secret", "send_key"),
        ('{ send_key = "SHOP_SEND_KEY" }', "{}", 5, "secrets", "What leaves is signed", None),
        ("secrets = {", 'secrets = { signing_key = "SHOP_SEND_KEY",', 5, "secrets", "another key", None),
        ("standard_webhooks", "hubspot", 6, "send", "not of hubspot", None),
    ],
)
def test_a_mistake(old: str, new: str, line: int, key: str, message: str, suggestion: str | None) -> None:
    assert old in CONNECTION
    found = refused(connections=CONNECTION.replace(old, new, 1))
    [problem] = [one for one in found if one.key == f"connection.shop.{key}"]
    assert (problem.line, problem.suggestion) == (line, suggestion)
    assert message in problem.message
    assert "secret@" not in problem.message


def test_a_section_misspelt() -> None:
    [problem] = [
        one
        for one in refused(connections=CONNECTION.replace("[connection.send]", "[connection.sent]"))
        if one.suggestion
    ]
    assert problem.suggestion == "send"
