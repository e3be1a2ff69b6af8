"""RFC 3339 and nothing looser."""

import pytest

from taskhub.events.times import read_instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2018-04-05T17:31:00Z", "2018-04-05T17:31:00+00:00"),
        ("2018-04-05t17:31:00z", "2018-04-05T17:31:00+00:00"),
        ("2026-03-29T02:30:00.123456789+05:45", "2026-03-28T20:45:00.123456+00:00"),
        ("2026-01-01T00:00:00-23:59", "2026-01-01T23:59:00+00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
        ("2024-02-29T12:00:00.5Z", "2024-02-29T12:00:00.500000+00:00"),
    ],
)
def test_reads(text: str, instant: str) -> None:
    assert read_instant(text).isoformat() == instant


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00",
        "2026-01-01",
        "2026-02-30T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-01-01T00:00:00+25:00",
        "2026-01-01T00:00:00 Mars/Phobos",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "1531235094",
        "٢٠٢٦-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z ",
        "",
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_instant(text)
