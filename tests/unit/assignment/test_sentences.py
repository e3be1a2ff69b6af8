"""Decisions in words: every code in both languages, one sentence for the person, one for a task that waits."""

import pytest

from taskhub.assignment import decision_words, reasons, wording
from taskhub.assignment.model import Candidate
from taskhub.assignment.registry import built_ins
from taskhub.assignment.sentences import chosen, for_agent, pulled, reason, waiting

SEEN = [
    Candidate("ann", eligible=True, rank=1, score=(0.0, 1, 3), tie="load"),
    Candidate("bob", eligible=True, rank=2, score=(1.0, 0, 1)),
    Candidate("cyd", eligible=False, reasons=("off_shift", "at_capacity")),
]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_code_has_words(language: str) -> None:
    general, own = wording.REASONS[language], wording.NOT_YOU[language]
    assert set(general) == set(reasons.ALL) - {reasons.READY_TO_PULL}
    assert set(own) == set(reasons.ALL) - {reasons.READY_TO_PULL, reasons.POOL_EMPTY}
    assert set(decision_words.WHY_NOT[language]) == set(own)
    for strategy in (built_ins().strategy(name) for name in built_ins().strategy_names):
        assert {*strategy.parts, "turn", "draw", "only", "favourite"} <= set(wording.CHOSEN[language])


def test_french_keeps_its_spaces() -> None:
    texts = [*wording.REASONS["fr"].values(), *wording.NOT_YOU["fr"].values(), *wording.CHOSEN["fr"].values()]
    texts += decision_words.WHY_NOT["fr"].values()
    for text in (*texts, wording.NOBODY["fr"], wording.JOIN["fr"]):
        for place, char in enumerate(text):
            before, after = text[place - 1] if place else "", text[place + 1] if place + 1 < len(text) else ""
            assert char not in ";!?" or before == "\u202f", text
            assert char not in ":»" or before == "\u00a0", text
            assert char != "«" or after == "\u00a0", text


def test_who_was_chosen_reads_about_themselves() -> None:
    assert for_agent("ann", SEEN, "Contract") == "You have the lightest load of 2 people who may do “Contract”."
    assert for_agent("ann", SEEN, "Contrat", "fr") == (
        "Votre charge est la plus légère des 2 personnes qui peuvent traiter «\u00a0Contrat\u00a0»."
    )


def test_others_learn_why_not_them_and_nothing_about_anybody_else() -> None:
    assert for_agent("bob", SEEN, "Contract") == "Somebody else came first for this task."
    assert for_agent("cyd", SEEN, "Contract") == "You are off shift."
    assert for_agent("dan", SEEN, "Contract") == "You do not serve this queue now."


def test_why_a_task_waits() -> None:
    assert waiting(("at_capacity", "off_shift"), "fr") == (
        "Personne ne peut la prendre en ce moment\u00a0: des personnes ont atteint leur capacité\u202f; "
        "des personnes sont hors de leurs horaires."
    )
    assert waiting(("ready_to_pull",)) == "It is there for whoever asks for the next task."


def test_unknown_words_do_no_harm() -> None:
    assert reason("too_windy") == "too_windy"
    assert reason("absent", "de") == "people are absent"
    assert chosen("moon_phase", 3, "Offer").startswith("Of 3 people")
    assert pulled(False, "fr-CA") == "C'était la prochaine tâche à votre portée."
    assert pulled(True) == "You picked this task yourself."
