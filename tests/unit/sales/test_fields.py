"""Fields of records as people and programs write them."""

from __future__ import annotations

import unicodedata

import pytest

from taskhub.sales import fields


def test_what_is_far_too_long_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Putting marks into order takes the square of their number, and nothing else runs meanwhile."""
    lengths: list[int] = []
    real = unicodedata.normalize

    def normalize(form: str, text: str) -> str:
        lengths.append(len(text))
        return real(form, text)

    monkeypatch.setattr(fields.unicodedata, "normalize", normalize)
    for marks in (3_000, 100_000):
        with pytest.raises(ValueError, match="1 to 500 characters"):
            fields.line("a" + "\u0315" * marks)
    assert lengths == []
    assert fields.line("a\u0301" * fields.LONGEST) == "á" * fields.LONGEST
    assert lengths == [2 * fields.LONGEST]
