"""The verdict of a long soak sees what it is to see."""

import pytest

from tests.soak import gauges, verdict
from tests.soak.gauges import Dead
from tests.soak.load import Claim, Notes
from tests.soak.long import Plan, Seen


def seen(*, memory: float = 100.0, slow: float = 0.010, dead: int = 100, wrong: str = "") -> Seen:
    """Ten minutes in which memory and claims end as given."""
    samples = [(float(at), 100.0 if at < 300 else memory) for at in range(600)]
    claims = [Claim(float(at), 0.010 if at < 300 else slow) for at in range(600)]
    tables = {"message": Dead(20_000, dead, 9.0), "lease": Dead(40, 4_000, 1.0)}
    notes = Notes(claims, 600, 600, 0, [wrong] if wrong else [])
    return Seen(0.0, 600.0, 10.0, {"api": samples}, [(500.0, tables)], notes=[notes])


def failing(one: Seen) -> list[str]:
    return [line.what for line in verdict.lines(Plan(minutes=10), one) if line.holds is False]


def test_a_quiet_soak_holds() -> None:
    assert failing(seen()) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"memory": 106.0}, "memory of the api from minute 2 on"),
        ({"slow": 0.013}, "p99 of claims, first and last quarter"),
        ({"dead": 6_000}, "dead rows of message"),
        ({"wrong": "503"}, "answers that are no answer"),
    ],
)
def test_what_grows_drifts_or_is_refused_is_seen(change: dict[str, object], what: str) -> None:
    assert failing(seen(**change)) == [what]  # type: ignore[arg-type]


def test_a_small_table_has_no_part_but_a_size() -> None:
    assert gauges.worst([{"lease": Dead(40, 4_000, 1.0)}]) == {}
    told = {line.what: line.figure for line in verdict.lines(Plan(minutes=10), seen())}
    assert told["dead rows of lease"] == "4,000; 1.0 MB, 40 rows (too small for a part)"
