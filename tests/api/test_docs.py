"""The reference page names every call and every code a call is refused with."""

import re

import pytest

from tests.api.house import House

# Of `taskhub db copy`; of calls to a CRM, which no route makes.
COMMAND_LINE = {"copy_differs", "target_not_empty", "connection_incomplete", "no_change_tracking"}


def test_every_route_stands_on_the_reference_page(house: House, pytestconfig: pytest.Config) -> None:
    text = (pytestconfig.rootpath / "docs/reference/api.md").read_text(encoding="utf-8")
    paths = house.client.ok("GET", "/openapi.json")["paths"]
    calls = [f"`{method.upper()} {path}`" for path, methods in paths.items() for method in methods]
    assert [call for call in calls if call not in text] == []


def test_every_code_of_a_refusal_stands_on_the_reference_page(pytestconfig: pytest.Config) -> None:
    text = (pytestconfig.rootpath / "docs/reference/api.md").read_text(encoding="utf-8")
    sources = (path.read_text(encoding="utf-8") for path in (pytestconfig.rootpath / "taskhub").rglob("*.py"))
    codes = {code for source in sources for code in re.findall(r'\bcode="([a-z_]+)"', source)}
    assert {code for code in codes - COMMAND_LINE if f"`{code}`" not in text} == set()
