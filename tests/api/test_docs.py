"""The reference page names every call."""

import pytest

from tests.api.house import House


def test_every_route_stands_on_the_reference_page(house: House, pytestconfig: pytest.Config) -> None:
    text = (pytestconfig.rootpath / "docs/reference/api.md").read_text(encoding="utf-8")
    paths = house.client.ok("GET", "/openapi.json")["paths"]
    calls = [f"`{method.upper()} {path}`" for path, methods in paths.items() for method in methods]
    assert [call for call in calls if call not in text] == []
