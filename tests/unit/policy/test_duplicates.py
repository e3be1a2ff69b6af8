"""duplicates.toml: what it may say, and what it says where it is missing."""

from dataclasses import replace

import pytest

from taskhub.policy.duplicates import DuplicatePolicy
from taskhub.policy.load import load
from taskhub.sales.duplicates.checks import check
from tests.unit.policy.small import KNOWN, SMALL, accepted, refused


def test_without_the_file_everything_stays_as_it_is() -> None:
    assert accepted().duplicates == DuplicatePolicy(None, 60, 80)


def test_what_the_file_says() -> None:
    texts = {**SMALL, "duplicates.toml": 'region = "FR"\npossible = 55.5\nlikely = 90\n'}
    assert load(texts, known=KNOWN).duplicates == DuplicatePolicy("FR", 55.5, 90)


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ('region = "France"', "region", 'such as "FR"'),
        ("possible = 0", "possible", "above 0 and at most 100"),
        ("likely = 101", "likely", "at most 100"),
        ("possible = 90", "likely", "must be at least possible"),
        ("posible = 90", "posible", "unknown key"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, key: str, said: str) -> None:
    (problem,) = refused({**SMALL, "duplicates.toml": text})
    assert (problem.file, problem.key) == ("duplicates.toml", key)
    assert said in problem.message


def test_a_country_without_a_numbering_plan_is_refused() -> None:
    known = accepted()
    assert list(check(replace(known, duplicates=DuplicatePolicy("FR")))) == []
    (problem,) = check(replace(known, duplicates=DuplicatePolicy("UK")))
    assert (problem.key, problem.suggestion) == ("region", "GB")
