"""What a gap in who could do a kind is called, in English and French. Pure."""

from __future__ import annotations

from datetime import datetime

from taskhub.assignment.coverage import NOBODY, ONLY_ONE, Gap
from taskhub.policy.text import LocalText

WORDS = {
    "en": {
        NOBODY: "Nobody is left for “{kind}” {when}.", ONLY_ONE: "Only one person is left for “{kind}” {when}.",
        "span": "from {since} to {until}", "open": "from {since} on",
    },
    "fr": {
        NOBODY: "Plus personne pour «\u00a0{kind}\u00a0» {when}.",
        ONLY_ONE: "Il ne reste qu’une personne pour «\u00a0{kind}\u00a0» {when}.",
        "span": "du {since} au {until}", "open": "à partir du {since}",
    },
}  # fmt: skip


def sentence(kind: LocalText, gap: Gap, language: str = "en") -> str:
    """One sentence; languages we have no words for read English. Instants in UTC.

    >>> from datetime import UTC
    >>> sentence(LocalText("Contract"), Gap(datetime(2026, 1, 5, tzinfo=UTC), None, ()))
    'Nobody is left for “Contract” from 2026-01-05 00:00 UTC on.'
    """
    words = WORDS.get(language, WORDS["en"])
    if gap.until is None:
        when = words["open"].format(since=_moment(gap.since))
    else:
        when = words["span"].format(since=_moment(gap.since), until=_moment(gap.until))
    return words[gap.code].format(kind=kind.in_(language), when=when)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
