"""pipelines.toml: what a path may say, and what it is told when it says it wrong."""

from __future__ import annotations

import pytest

from tests.unit.policy.small import SMALL, accepted, refused

LEADS = """
[[pipeline]]
key = "leads"
noun = "lead"
name = "Leads"
currency = "CHF"
follow_up = "contract"
required_to_convert = ["company"]
[[pipeline.stages]]
key = "new"
name = "New"
expected_days = 2.5
required_fields = ["company"]
"""


def texts(old: str = "", new: str = "") -> dict[str, str]:
    assert old in LEADS
    return {**SMALL, "pipelines.toml": SMALL["pipelines.toml"] + LEADS.replace(old, new, 1)}


def test_a_path_is_read() -> None:
    line = accepted(texts()).pipelines["leads"]
    assert (line.currency, line.follow_up, line.required_to_convert) == ("CHF", "contract", ("company",))
    assert (line.stages[0].expected_days, line.stages[0].required_fields) == (2.5, ("company",))


@pytest.mark.parametrize(
    ("old", "new", "key", "said", "hint"),
    [
        ("CHF", "CHX", "pipeline.leads.currency", "three capital letters", "CHF"),
        ('"contract"', '"contrcat"', "pipeline.leads.follow_up", "there is no kind", "contract"),
        ("2.5", "0", "expected_days", "above 0", None),
        ("2.5", '"2d"', "expected_days", "a number", None),
        ('"lead"', '"deal"', "required_to_convert", "only leads are converted", None),
    ],
)
def test_what_is_wrong_is_told_with_the_nearest(old: str, new: str, key: str, said: str, hint: str | None) -> None:
    (problem,) = refused(texts(old, new))
    assert key in problem.key
    assert said in problem.message
    assert problem.suggestion == hint
    assert problem.line > 0


def test_a_field_that_looks_misspelt_is_doubted() -> None:
    found = [
        one
        for one in accepted(texts('required_fields = ["company"]', 'required_fields = ["compnay"]')).warnings
        if "compnay" in one.message
    ]
    assert [one.suggestion for one in found] == ["lead.company"]
