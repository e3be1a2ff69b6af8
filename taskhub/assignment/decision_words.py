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
# One person, beside their name: shorter than why a task waits, where several may share a reason.
WHY_NOT = {
    "en": {
        "inactive": "has left", "queue_paused": "the queue is paused", "not_in_pool": "does not serve this queue",
        "pool_closed": "not called in to help yet", "front_line_first": "customers come first",
        "share_used": "share of the day used up", "not_on_duty": "not on duty", "other_kinds": "there for other kinds",
        "other_pool": "counts towards another team", "attribute_missing": "lacks a language, region or right",
        "skill_missing": "lacks the skill", "skill_too_low": "level of skill too low", "absent": "absent",
        "off_shift": "off shift", "presence_busy": "busy", "presence_away": "away", "presence_offline": "offline",
        "not_by": "somebody else must do it", "conflict_of_interest": "conflict of interest",
        "declined": "declined it a short while ago", "absent_before_due": "absent when it falls due",
        "variety_ceiling": "enough of the same for today", "ramping": "just back, gets less for now",
        "at_capacity": "at capacity", "waits_for_favourite": "it waits for whoever served this customer last",
    },
    "fr": {
        "inactive": "ne travaille plus ici", "queue_paused": "file suspendue", "not_in_pool": "ne sert pas cette file",
        "pool_closed": "renfort pas encore appelé", "front_line_first": "les clients passent d'abord",
        "share_used": "part de la journée épuisée", "not_on_duty": "pas de permanence",
        "other_kinds": "là pour d'autres types", "other_pool": "compte pour une autre équipe",
        "attribute_missing": "une langue, une région ou un droit manque", "skill_missing": "compétence manquante",
        "skill_too_low": "niveau de compétence insuffisant", "absent": "absence", "off_shift": "hors horaires",
        "presence_busy": "indisponible", "presence_away": "en pause", "presence_offline": "hors ligne",
        "not_by": "quelqu'un d'autre doit la faire", "conflict_of_interest": "conflit d'intérêts",
        "declined": "l'a refusée il y a peu", "absent_before_due": "absence prévue à l'échéance",
        "variety_ceiling": "assez du même type pour aujourd'hui", "ramping": "de retour depuis peu, reçoit moins",
        "at_capacity": "capacité atteinte",
        "waits_for_favourite": "elle attend la personne qui a servi ce client en dernier",
    },
}  # fmt: skip


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


def why_not(code: str, language: str = "en") -> str:
    """One reason against one person; an unknown one (of a plug-in) is shown as it is."""
    return WHY_NOT[_ours(language)].get(code, code)


def _ours(language: str) -> str:
    short = language[:2].lower()
    return short if short in LANGUAGES else LANGUAGES[0]
