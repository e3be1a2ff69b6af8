"""Decisions in words, English and French: one sentence for the person who got the task, one for why a task waits.

Made on reading, never stored. The person's sentence speaks about them alone; names and reasons of others are for
managers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from taskhub.assignment.model import Candidate
from taskhub.assignment.reasons import NOT_IN_POOL, READY_TO_PULL
from taskhub.assignment.wording import CHOSEN, FREE, JOIN, NOBODY, NOT_YOU, OTHERS, PULLED, REASONS

LANGUAGES = ("en", "fr")


def chosen(tie: str, able: int, kind: str, language: str = "en") -> str:
    """Why this person got it: ``tie`` of the decision, how many people could have had it, the kind's name.

    >>> chosen("load", 4, "Contract")
    'You have the lightest load of 4 people who may do “Contract”.'
    """
    words = CHOSEN[_known(language)]
    return words.get(tie, words["draw"]).format(n=able, kind=kind)


def for_agent(agent: str, seen: Sequence[Candidate], kind: str, language: str = "en") -> str:
    """The one sentence this person sees about themselves, chosen or not."""
    me = next((one for one in seen if one.agent == agent), None)
    if me is None:
        return reason(NOT_IN_POOL, language, about_you=True)
    if me.rank == 1:
        return chosen(me.tie, sum(one.eligible for one in seen), kind, language)
    return reason(me.reasons[0], language, about_you=True) if me.reasons else OTHERS[_known(language)]


def pulled(picked: bool, language: str = "en") -> str:  # noqa: FBT001  a fact of the record
    """Why a person has a task they asked for: the next one of theirs, or one they picked."""
    return PULLED[_known(language)][picked]


def waiting(reasons: Iterable[str], language: str = "en") -> str:
    """Why a task waits.

    >>> waiting(("at_capacity", "off_shift"))
    'Nobody may take it now: people are at capacity; people are off shift.'
    """
    known, codes = _known(language), tuple(reasons)
    if codes == (READY_TO_PULL,):
        return FREE[known]
    return NOBODY[known].format(JOIN[known].join(reason(code, known) for code in codes))


def reason(code: str, language: str = "en", *, about_you: bool = False) -> str:
    """One reason code in words; an unknown one (of a plug-in) is shown as it is."""
    known = _known(language)
    return (NOT_YOU if about_you else REASONS)[known].get(code, code)


def _known(language: str) -> str:
    short = language[:2].lower()
    return short if short in LANGUAGES else "en"
