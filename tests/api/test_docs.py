"""The reference page names every call and every code a call is refused with."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import pytest

from taskhub.http.listing import SHAPE, page
from taskhub.policy.text import LocalText
from taskhub.policy.work import ChecklistItem
from tests.api.client import code
from tests.api.house import House, policies

# Of `taskhub db copy`; of calls to a CRM, which no route makes.
COMMAND_LINE = {"copy_differs", "target_not_empty", "connection_incomplete", "no_change_tracking"}


def test_every_route_stands_on_the_reference_page(house: House, pytestconfig: pytest.Config) -> None:
    text = (pytestconfig.rootpath / "docs/reference/api.md").read_text(encoding="utf-8")
    paths = house.client.ok("GET", "/openapi.json")["paths"]
    calls = [f"`{method.upper()} {path}`" for path, methods in paths.items() for method in methods]
    assert [call for call in calls if call not in text] == []


def test_the_running_program_lists_every_call_and_loads_nothing(house: House) -> None:
    answer = house.client.get("/docs")
    page, document = answer.text, house.client.ok("GET", "/openapi.json")
    calls = [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]
    assert len(calls) > 100
    assert [call for call in calls if f"<code>{' '.join(call)}</code>" not in page] == []
    assert [name for name in document["components"]["schemas"] if f'<h3 id="_{name}">' not in page] == []
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|https?://", page)
    policy = answer.headers["content-security-policy"]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style
    hashed = b64encode(sha256(style[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{hashed}';")
    assert answer.headers["x-content-type-options"] == "nosniff"
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links <= set(re.findall(r' id="([^"]+)"', page))
    assert house.client.get("/redoc").status_code == 404


def test_what_the_document_says_is_shown_and_cannot_become_markup() -> None:
    fields = {
        "kind": {"enum": ["<b>", "c"]}, "size": {"type": "integer", "minimum": 1.0}, "to": {"$ref": f"{SHAPE}Who"},
        "marks": {"type": "array", "items": {"$ref": f"{SHAPE}Who"}},
        "name": {"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}]},
        "on": {"type": "boolean", "default": False},
    }  # fmt: skip
    shapes = {"New": {"properties": fields, "required": ["kind"]}, "Who": {"type": "string", "description": "``a<b``"}}
    call = {"summary": "x", "parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}],
            "responses": {"404": {"description": "no"}, "409": {"description": "no"}}, "tags": ["a b"],
            "requestBody": {"content": {"application/json": {"schema": {"$ref": f"{SHAPE}New"}}}}}  # fmt: skip
    told = {"info": {"title": "t", "version": "1"}, "paths": {"/a": {"put": call}}, "components": {"schemas": shapes}}
    shown = page(told)
    for part in (
        "q (query)", "404, 409", "<code>&lt;b&gt;</code> or <code>c</code>", "whole number, at least 1<",
        'list of <a href="#_Who">Who</a>', "text, up to 9 characters or null", "true or false, false when left out",
        "<code>a&lt;b</code>", 'href="#_a-b"',
    ):  # fmt: skip
        assert part in shown, part


@pytest.mark.parametrize("file", ["docs/reference/api.md", "docs/tutorial/first-hour.md"])
def test_a_checklist_is_ticked_as_the_pages_show(house: House, pytestconfig: pytest.Config, file: str) -> None:
    text = (pytestconfig.rootpath / file).read_text(encoding="utf-8")
    (shown,) = re.findall(r'\{"version": (?:VERSION|\d+), "checklist": .*?\]\}', text, re.DOTALL)
    one, kinds = ChecklistItem(LocalText("Look"), required=True), policies().kinds
    items = (one, one, ChecklistItem(LocalText("German"), when={"deal.language": "de"}), replace(one, field="number"))
    house.follow(
        replace(
            policies(), hash="with a list", kinds={**kinds, "contract": replace(kinds["contract"], checklist=items)}
        )
    )
    task, (_, token) = house.task(), house.taken("zoe")
    path, zoe = f"/api/v1/tasks/{task}", house.of("zoe")
    refused = zoe.post(f"{path}/complete", {"lease_token": token})
    assert code(refused) == (422, "checklist_open")
    body = json.loads(re.sub(r'(?<="version": )\w+', str(zoe.ok("GET", path)["version"]), shown))
    assert zoe.ok("PATCH", path, body)["task"]["version"] == body["version"] + 1
    assert zoe.ok("POST", f"{path}/complete", {"lease_token": token})["task"]["state"] == "completed"


def test_every_code_of_a_refusal_stands_on_the_reference_page(pytestconfig: pytest.Config) -> None:
    text = (pytestconfig.rootpath / "docs/reference/api.md").read_text(encoding="utf-8")
    sources = (path.read_text(encoding="utf-8") for path in (pytestconfig.rootpath / "taskhub").rglob("*.py"))
    codes = {code for source in sources for code in re.findall(r'\bcode="([a-z_]+)"', source)}
    assert {code for code in codes - COMMAND_LINE if f"`{code}`" not in text} == set()
