"""The page for Prometheus keeps to its format, and every metric the code counts is in the table and the reference."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from taskhub.metrics.scrape.families import FAMILIES, Sample
from taskhub.metrics.scrape.text import page
from taskhub.tally import BOUNDS, MOST, Tally

ROOT = Path(__file__).resolve().parents[3]


def test_a_page_is_helps_types_and_values() -> None:
    tally = Tally()
    tally.count(("taskhub_http_requests_total", "GET", "/x", "200"), by=2)
    tally.observe(("taskhub_http_request_seconds", "GET", "/x"), 0.005)
    tally.observe(("taskhub_http_request_seconds", "GET", "/x"), 0.2)
    tally.observe(("taskhub_http_request_seconds", "GET", "/x"), 99.0)
    text = page([Sample("taskhub_open_tasks", ("desk", "queued"), 3)], tally.counts(), tally.spreads())
    assert text.splitlines()[:3] == [
        "# HELP taskhub_open_tasks open tasks", "# TYPE taskhub_open_tasks gauge",
        'taskhub_open_tasks{queue="desk",state="queued"} 3',
    ]  # fmt: skip
    assert 'taskhub_http_requests_total{method="GET",route="/x",status="200"} 2\n' in text
    buckets = re.findall(r'_bucket\{method="GET",route="/x",le="([^"]+)"\} (\d+)', text)
    assert buckets[0] == ("0.005", "1")
    assert buckets[-1] == ("+Inf", "3")
    assert len(buckets) == len(BOUNDS) + 1
    assert [int(count) for _, count in buckets] == sorted(int(count) for _, count in buckets)
    assert 'taskhub_http_request_seconds_count{method="GET",route="/x"} 3\n' in text
    assert "# TYPE taskhub_http_request_seconds histogram\n" in text


def test_labels_are_escaped() -> None:
    text = page([Sample("taskhub_messages_due", ('a"b\\c\nd',), 1)], {}, {})
    assert r'{topic="a\"b\\c\nd"} 1' in text
    assert len(text.splitlines()) == 3


def test_what_a_sender_may_choose_cannot_fill_the_memory() -> None:
    tally = Tally()
    for number in range(MOST + 50):
        tally.count(("taskhub_events_total", "received", f"crm-{number}"))
        tally.observe(("taskhub_message_lag_seconds", f"handler-{number}"), 0.1)
    assert tally.counts()["taskhub_events_total", "other", "other"] == 50
    assert len(tally.counts()) == MOST + 1
    assert sum(tally.spreads()["taskhub_message_lag_seconds", "other"][0]) == 50


def test_counters_end_in_total_and_durations_in_seconds() -> None:
    for family in FAMILIES.values():
        assert family.name.endswith("_total") == (family.kind == "counter"), family
        if family.kind == "histogram":
            assert family.unit == "seconds"


def test_every_metric_the_code_names_is_in_the_table() -> None:
    named: dict[str, set[Path]] = {}
    for path in (ROOT / "taskhub").rglob("*.py"):
        for name in re.findall(r'"(taskhub_[a-z_]+|process_[a-z_]+)"', path.read_text(encoding="utf-8")):
            if path.name != "families.py":
                named.setdefault(name, set()).add(path)
    assert named.keys() == FAMILIES.keys()


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_every_metric_is_in_the_reference(family) -> None:
    text = (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{family.name}` |")]
    _, _, kind, unit, labels, meaning, *_ = (cell.strip() for cell in row.split("|"))
    assert (kind, unit, meaning) == (family.kind, family.unit, family.meaning)
    assert labels == (", ".join(f"`{label}`" for label in family.labels) or "–")


def test_the_alerts_ask_for_metrics_that_are_there() -> None:
    text = (ROOT / "examples/prometheus/alerts.yml").read_text(encoding="utf-8")
    asked = set(re.findall(r"taskhub_[a-z_]+", text))
    assert asked
    assert {name.removesuffix("_bucket").removesuffix("_count") for name in asked} <= FAMILIES.keys()
