"""A decision told to somebody it is not about: a manager, an auditor. French: U+00A0 before : and inside « »."""

from __future__ import annotations

from taskhub.assignment.sentences import LANGUAGES

CHOSEN = {
    "en": {
        "load": "{name} had the lightest load of {n} people who may do “{kind}”.",
        "given_today": "{name} shared the lightest load and had been given the least that day, of {n} people who may "
        "do “{kind}”.",
        "turn": "It was {name}'s turn among {n} people who may do “{kind}”.",
        "only": "{name} was the only one who could do “{kind}” then.",
        "minutes": "{name} had the least expected work of {n} people who may do “{kind}”.",
        "held": "{name} held the fewest tasks of {n} people who may do “{kind}”.",
        "idle": "{name} had been free the longest of {n} people who may do “{kind}”.",
        "skill": "{name} was the most skilled of {n} people who may do “{kind}”.",
        "ledger": "{name} had carried the least that quarter, for the time they were there, of {n} people who may do "
        "“{kind}”.",
        "favourite": "{name} served this customer last and knows the file best.",
        "draw": "Of {n} people who may do “{kind}”, all equal then, a draw chose {name}.",
        "": "{name} came first of {n} people who may do “{kind}” ({tie}).",
    },
    "fr": {
        "load": "{name} avait la charge la plus légère des {n} personnes qui peuvent traiter «\u00a0{kind}\u00a0».",
        "given_today": "{name} avait une des charges les plus légères et le moins de tâches reçues ce jour-là, sur {n} "
        "personnes qui peuvent traiter «\u00a0{kind}\u00a0».",
        "turn": "Le tour revenait à {name} parmi les {n} personnes qui peuvent traiter «\u00a0{kind}\u00a0».",
        "only": "Personne d'autre que {name} ne pouvait traiter «\u00a0{kind}\u00a0» à ce moment-là.",
        "minutes": "{name} avait le moins de travail prévu des {n} personnes qui peuvent traiter «\u00a0{kind}\u00a0».",
        "held": "{name} avait le moins de tâches en main des {n} personnes qui peuvent traiter «\u00a0{kind}\u00a0».",
        "idle": "{name} était libre depuis le plus longtemps des {n} personnes qui peuvent traiter "
        "«\u00a0{kind}\u00a0».",
        "skill": "{name} avait la meilleure compétence des {n} personnes qui peuvent traiter «\u00a0{kind}\u00a0».",
        "ledger": "{name} avait porté le moins ce trimestre, au regard de sa présence, des {n} personnes qui peuvent "
        "traiter «\u00a0{kind}\u00a0».",
        "favourite": "{name} a servi ce client en dernier et connaît le mieux son dossier.",
        "draw": "Parmi {n} personnes à égalité qui peuvent traiter «\u00a0{kind}\u00a0», un tirage a désigné {name}.",
        "": "{name} passait en premier des {n} personnes qui peuvent traiter «\u00a0{kind}\u00a0» ({tie}).",
    },
}
PULLED = {
    "en": {False: "{name} asked for work; it was the next task they may take.", True: "{name} picked this very task."},
    "fr": {
        False: "{name} a demandé du travail\u00a0: c'était la prochaine tâche à sa portée.",
        True: "{name} a choisi cette tâche.",
    },
}
GIVEN = {"en": "It went to {name}.", "fr": "Elle est allée à {name}."}
MANUAL = {"en": "Given by hand by {name}.", "fr": "Donnée à la main par {name}."}
RERUN = {
    "en": {
        "same": "Run again on what was known then, the decision is the same.",
        "different": "Run again on what was known then, the decision is another one: tell your administrator.",
        "not_rerunnable": "It cannot be run again here.",
    },
    "fr": {
        "same": "Recalculée sur ce qui était connu alors, la décision est la même.",
        "different": "Recalculée sur ce qui était connu alors, la décision est autre\u00a0: prévenez votre "
        "administrateur.",
        "not_rerunnable": "Elle ne peut pas être recalculée ici.",
    },
}


def chosen(name: str, tie: str, able: int, kind: str, language: str = "en") -> str:
    """Why that person got it.

    >>> chosen("Zoé", "turn", 4, "Contract")
    "It was Zoé's turn among 4 people who may do “Contract”."
    """
    words = CHOSEN[_ours(language)]
    return words.get(tie, words[""]).format(name=name, n=able, kind=kind, tie=tie)


def pulled(name: str, language: str = "en", *, picked: bool) -> str:
    """Why that person has what they asked for."""
    return PULLED[_ours(language)][picked].format(name=name)


def by_hand(name: str, language: str = "en") -> str:
    """Who gave it."""
    return MANUAL[_ours(language)].format(name=name)


def given(name: str, language: str = "en") -> str:
    """Who has it, and no more: for whom the reasons are not meant."""
    return GIVEN[_ours(language)].format(name=name)


def run_again(status: str, language: str = "en") -> str:
    """What a re-run says."""
    return RERUN[_ours(language)][status]


def _ours(language: str) -> str:
    short = language[:2].lower()
    return short if short in LANGUAGES else LANGUAGES[0]
