"""Titles and requirements: look-ups, and nothing a sender writes is executed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhub.rules.scope import Scope
from taskhub.rules.wording import MAX_TITLE, filled, render

SCOPE = Scope({"lead": {"name": "Zoé & Co", "amount": 1200.5, "vip": True, "list": [1], "trick": "{lead.name}"}})


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Call {lead.name}", "Call Zoé & Co"),
        ("{lead.name}: {lead.amount}", "Zoé & Co: 1200.5"),
        ("Call {lead.nobody} now", "Call now"),
        ("{lead.vip}{lead.list}x", "x"),
        ("{lead.trick}", "{lead.name}"),
        ("{lead.name.__class__}", ""),
        ("{lead.name!r} {0} {lead.name:>999999999} {{7*7}}", "{lead.name!r} {0} {lead.name:>999999999} {{7*7}}"),
        ("%s $lead.name", "%s $lead.name"),
        ("a\nb\u202ec\u200b", "a b c"),
    ],
)
def test_render(template: str, text: str) -> None:
    assert render(template, SCOPE) == text


@given(st.text(), st.text())
def test_any_template_and_any_value_make_one_short_line(template: str, name: str) -> None:
    text = render(template + "{lead.name}", Scope({"lead": {"name": name}}))
    assert len(text) <= MAX_TITLE
    assert not set("\n\r\x00\u202e") & set(text)


@pytest.mark.parametrize(
    ("requires", "expected"),
    [
        ({"language": "{lead.language}"}, {}),
        ({"name": "{lead.name}", "region": "EU"}, {"name": "Zoé & Co", "region": "EU"}),
        ({"amount": "{lead.amount}", "list": "{lead.list}"}, {"amount": 1200.5}),
        ({"mixed": "x-{lead.name}", "flag": True}, {"mixed": "x-Zoé & Co", "flag": True}),
    ],
)
def test_filled(requires: dict[str, Any], expected: dict[str, Any]) -> None:
    assert filled(requires, SCOPE) == expected
