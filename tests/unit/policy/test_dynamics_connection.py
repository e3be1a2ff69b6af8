"""Connections to Dynamics 365 as files tell them: what is accepted, and what is said of mistakes."""

from __future__ import annotations

import pytest

from tests.unit.policy.small import SMALL, accepted, refused, warned

CONNECTION = """\
[[connection]]
key = "crm"
system = "dynamics"
name = "CRM"
secrets = { header = "CRM_HEADER" }
stages = { deal = { "6b9ce798-221a-4260-90b2-2a95ed51a5bc" = "talk" } }
[connection.settings]
header_name = "X-Word"
organization_id = "e4afcea5-0944-4066-b839-a318fe3b4e55"
entities = { new_visit = "activity", new_bpf_1 = "process" }
statuses = { lead = { 100000003 = "lost" } }
lost_reasons = { deal = { 5 = "price" } }
"""


def test_a_connection() -> None:
    found = accepted(SMALL, connections=CONNECTION).connections["crm"]
    assert found.secrets == {"header": "CRM_HEADER"}
    assert found.settings["entities"] == {"new_visit": "activity", "new_bpf_1": "process"}
    assert found.settings["lost_reasons"] == {"deal": {"5": "price"}}
    assert warned(connections=CONNECTION) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "message", "suggestion"),
    [
        ("{ header =", "{ heder =", 5, "secrets.heder", "knows no secret", "header"),
        ('{ header = "CRM_HEADER" }', "{}", 5, "secrets", "nobody is let in", None),
        ("{ header =", '{ code = "CRM_CODE", header =', 5, "secrets.header", "name one of them", None),
        ('header_name = "X-Word"\n', "", 5, "secrets.header", "add settings.header_name", None),
        ('header_name = "X-Word"', "header_name = 7", 5, "secrets.header", "add settings.header_name", None),
        ("{ header =", "{ query =", 5, "secrets.query", "add settings.query_name", None),
        ('"activity"', '"activty"', 10, "settings.entities.new_visit", "must be one of lead, deal", "activity"),
        ('"lost" }', '"lst" }', 11, "settings.statuses.lead.100000003", "open, converted, lost", "lost"),
        ("{ lead =", "{ account =", 11, "settings.statuses.account.100000003", "only leads and deals", None),
        ('"price"', '"prise"', 12, "settings.lost_reasons.deal.5", "no deal lost reason", "price"),
        ('"talk"', '"tlak"', 6, "stages.deal.6b9ce798-221a-4260-90b2-2a95ed51a5bc", "no deal stage", "talk"),
    ],
)
def test_a_mistake(old: str, new: str, line: int, key: str, message: str, suggestion: str | None) -> None:
    assert old in CONNECTION
    [problem] = refused(SMALL, connections=CONNECTION.replace(old, new, 1))
    assert (problem.line, problem.key, problem.suggestion) == (line, f"connection.crm.{key}", suggestion)
    assert message in problem.message


def test_a_setting_that_resembles_one() -> None:
    [warning] = warned(connections=CONNECTION.replace("organization_id", "organisation_id"))
    assert "organization_id" in warning
