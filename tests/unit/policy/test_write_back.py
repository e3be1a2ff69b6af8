"""What a connection says of writing back: what is accepted, and what is said of mistakes."""

from __future__ import annotations

import pytest

from taskhub.policy.policies import WriteBack
from tests.unit.policy.small import SMALL, accepted, refused

CONNECTION = (
    SMALL["connections.toml"]
    + """\
[connection.write_back]
tasks = "assigned"
acts = true
link = "https://taskhub.example.com/"
"""
)


def test_what_is_written() -> None:
    policies = accepted(connections=CONNECTION)
    assert policies.connections["crm"].write_back == WriteBack("assigned", True, "https://taskhub.example.com")
    assert policies.mirrored == {"crm"}


def test_nothing_is_written_unless_it_is_asked_for() -> None:
    policies = accepted()
    assert (policies.connections["crm"].write_back, policies.mirrored) == (WriteBack(), frozenset())


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "message", "suggestion"),
    [
        ('"assigned"', '"asigned"', 8, "write_back.tasks", "must be one of off, done, assigned", "assigned"),
        ('"assigned"', "true", 8, "write_back.tasks", "must be one of", None),
        ("acts =", "act =", 9, "write_back.act", "unknown key", "acts"),
        ("acts = true", 'acts = "yes"', 9, "write_back.acts", "true or false", None),
        ("https://taskhub.example.com/", "taskhub", 10, "write_back.link", "an address such as", None),
        ("https://taskhub.example.com/", "https://[x", 10, "write_back.link", "an address such as", None),
        ("https://taskhub.example.com/", "https://a.example?x=1", 10, "write_back.link", "an address such as", None),
    ],
)
def test_a_mistake(old: str, new: str, line: int, key: str, message: str, suggestion: str | None) -> None:
    assert old in CONNECTION
    [problem] = refused(connections=CONNECTION.replace(old, new, 1))
    assert (problem.line, problem.key, problem.suggestion) == (line, f"connection.crm.{key}", suggestion)
    assert message in problem.message


def test_a_system_that_is_only_listened_to() -> None:
    found = refused(connections=CONNECTION.replace('system = "pipedrive"', 'system = "standard_webhooks"', 1))
    [problem] = [one for one in found if one.key == "connection.crm.write_back"]
    assert problem.line == 7
    assert "not into standard_webhooks" in problem.message


def test_a_table_misspelt() -> None:
    [problem] = refused(connections=CONNECTION.replace("write_back", "writeback"))
    assert problem.suggestion == "write_back"
