"""Why a stretch of time counted or did not, and what a clock shows, in words: English and French."""

from __future__ import annotations

from collections.abc import Callable

from taskhub.sla.ledger import Entry

LANGUAGES = ("en", "fr")
# No reasons of the files: what taskhub itself notes of work that lay done, or cancelled, before it came back.
OWN = {
    "en": {"completed": "it lay completed", "cancelled": "it lay cancelled", "worker": "taskhub"},
    "fr": {"completed": "elle était terminée", "cancelled": "elle était annulée", "worker": "taskhub"},
}
WHY = {
    "en": {
        "open": "Open: it counted.", "closed": "Closed: it did not count.",
        "break": "Break: it did not count.", "holiday": "Holiday: it did not count.",
        "aside": "Open, put aside by {by} ({reason}): it counted all the same.",
        "paused": "Paused by {by} ({reason}): it did not count.",
    },
    "fr": {
        "open": "Ouvert\u00a0: ce temps a compté.", "closed": "Fermé\u00a0: ce temps n’a pas compté.",
        "break": "Pause de midi ou autre\u00a0: ce temps n’a pas compté.",
        "holiday": "Jour férié\u00a0: ce temps n’a pas compté.",
        "aside": "Ouvert, mise de côté par {by} ({reason})\u00a0: ce temps a compté tout de même.",
        "paused": "Suspendue par {by} ({reason})\u00a0: ce temps n’a pas compté.",
    },
}  # fmt: skip
STATES = {
    "en": {"on_track": "on track", "at_risk": "at risk", "breached": "overdue", "paused": "clock stopped",
           "met": "kept", "met_late": "done late", "cancelled": "cancelled"},
    "fr": {"on_track": "dans les temps", "at_risk": "échéance proche", "breached": "en retard",
           "paused": "délai suspendu", "met": "tenue", "met_late": "terminée en retard", "cancelled": "annulée"},
}  # fmt: skip


def sentence(entry: Entry, name_of: Callable[[str], str | None], language: str = "en") -> str:
    """Why the stretch counted or did not; ``name_of`` gives the name of a pause reason in that language."""
    known = language if language in LANGUAGES else LANGUAGES[0]
    key = "aside" if entry.reason and entry.counted else entry.why
    by = (entry.by or "").removeprefix("agent:")
    own = OWN[known]
    reason = name_of(entry.reason or "") or own.get(entry.reason or "", entry.reason)
    return WHY[known][key].format(by=own.get(by, by), reason=reason)


def state(word: str, language: str = "en") -> str:
    """The state of a clock in words.

    >>> state("met_late")
    'done late'
    """
    return STATES[language if language in LANGUAGES else LANGUAGES[0]].get(word, word)
