"""Figures of quality and of people: what they come to, and what they must not give away."""

import pytest

from taskhub.metrics.persons.figures import LEAST_PEOPLE, Work, of_person, of_team
from taskhub.metrics.quality.figures import METRICS, Verdict, figures, grouped, wilson


@pytest.mark.parametrize(
    ("right", "checked", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (81, 263, 0.2553, 0.3662),
        (1, 1, 0.2065, 1.0),
    ],
)
def test_the_interval_is_wilsons(right: int, checked: int, low: float, high: float) -> None:
    found = wilson(right, checked)
    assert found is not None
    assert found == pytest.approx((low, high), abs=1e-3)


def test_no_verdict_is_no_rate() -> None:
    assert wilson(0, 0) is None
    told = figures([], 3)
    assert (told["rate"], told["interval"], told["looked_at"], told["completed"]) == (None, None, 0.0, 3)
    assert figures([], 0)["looked_at"] is None
    assert told.keys() == {metric.name for metric in METRICS}


def test_work_found_wrong_counts_as_completed() -> None:
    found = [
        Verdict("a", "zoe", "t", right=True),
        Verdict("a", "zoe", "t", right=False),
        Verdict("b", None, None, True),
    ]
    told = {item["key"]: item for item in grouped(found, "kind", {"a": 3, "c": 1})}
    assert told.keys() == {"a", "b", "c"}
    assert (told["a"]["completed"], told["a"]["checked"], told["a"]["rate"], told["a"]["looked_at"]) == (4, 2, 0.5, 0.5)
    assert [item["key"] for item in grouped(found, "team", {})] == ["", "t"]


def test_a_middle_that_would_tell_on_a_colleague_is_not_shown() -> None:
    works = {f"p{n}": Work(ledger={"minutes": 10.0 * n}) for n in range(LEAST_PEOPLE)}
    assert of_person("p0", works)["fairness"]["minutes"] == {"own": 0.0, "team_median": 15.0}
    del works["p3"]
    assert of_person("p0", works)["fairness"]["minutes"] == {"own": 0.0, "team_median": None}
    assert of_team(list(works.values()))["fairness"]["minutes"] is None


def test_the_share_of_today_and_variety() -> None:
    works = {"a": Work(kinds={"x": 2, "y": 2}, given_today=3), "b": Work(given_today=1)}
    told = of_person("a", works)
    assert (told["share_today"], told["even_share"], told["variety"], told["completed"]) == (0.75, 0.5, 2.0, 4)
    assert of_person("gone", {})["share_today"] is None
