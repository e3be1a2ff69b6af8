"""A shadow in words, English and French. French: U+202F before ; ! ?, U+00A0 before : and inside « »."""

from __future__ import annotations

from collections.abc import Mapping

from taskhub.assignment.sentences import LANGUAGES, reason
from taskhub.assignment.shadowing import (
    GIVEN_BEFORE,
    NOT_THEIRS,
    OTHER_PERSON,
    OTHER_TASK,
    SAME,
    UNKNOWN,
    WOULD_BE_GIVEN,
    WOULD_WAIT,
    Asked,
)

VERDICT = {
    "en": {
        SAME: "Nothing would have been different.",
        OTHER_PERSON: "{now} would have got it instead of {was}.",
        WOULD_WAIT: "{was} got it; it would have waited: {reasons}.",
        WOULD_BE_GIVEN: "It waited; {now} would have got it.",
        GIVEN_BEFORE: "{was} got it; {now} would have had it before.",
        NOT_THEIRS: "{was} took it; it would not have been theirs: {reasons}.",
        OTHER_TASK: "{was} took it; another task would have come first for them.",
        UNKNOWN: "The record does not say who would have asked for it.",
    },
    "fr": {
        SAME: "Rien n'aurait changé.",
        OTHER_PERSON: "{now} l'aurait reçue à la place de {was}.",
        WOULD_WAIT: "{was} l'a reçue\u202f; elle aurait attendu\u00a0: {reasons}.",
        WOULD_BE_GIVEN: "Elle a attendu\u202f; {now} l'aurait reçue.",
        GIVEN_BEFORE: "{was} l'a reçue\u202f; {now} l'aurait eue plus tôt.",
        NOT_THEIRS: "{was} l'a prise\u202f; elle n'aurait pas été à sa portée\u00a0: {reasons}.",
        OTHER_TASK: "{was} l'a prise\u202f; une autre tâche serait passée avant.",
        UNKNOWN: "L'historique ne dit pas qui l'aurait demandée.",
    },
}
LIMITS = {
    "en": (
        "Only people who were looked at then can appear; who joined later or was in another team stays out.",
        "Work that moved to somebody else is assumed to take them as long as it took the one who did it.",
        "Tasks that would have waited are not met again later, and nobody asks for work at another moment.",
    ),
    "fr": (
        "Seules les personnes considérées à ce moment-là peuvent apparaître.",
        "Le travail passé à quelqu'un d'autre est supposé lui prendre autant de temps qu'à celui qui l'a fait.",
        "Les tâches qui auraient attendu ne sont plus suivies, et personne ne demande du travail à un autre moment.",
    ),
}

POOLS = {
    "en": "Whom {model} would have let in is worked out from people and tasks that were looked at then.",
    "fr": "Les personnes que {model} aurait admises sont déduites des personnes et des tâches considérées alors.",
}
SHORT = {
    "en": "Only the newest part of that time was asked: POST to this address asks all of it in the background.",
    "fr": "Seule la partie la plus récente a été examinée\u00a0: un POST à cette adresse examine tout en arrière-plan.",
}
FOUND_BY_WORKERS = frozenset({"overflow", "duty_rota", "chain", "share"})


def sentence(one: Asked, names: Mapping[str, str], language: str = "en") -> str:
    """What would have been different, in one sentence."""
    known = _ours(language)
    reasons = ", ".join(reason(code, known) for code in one.reasons)
    was, now = (names.get(key or "", key or "") for key in (one.was, one.now))
    return VERDICT[known][one.verdict].format(was=was, now=now, reasons=reasons)


def limits(model: str, language: str = "en", *, complete: bool = True) -> tuple[str, ...]:
    """What a shadow of that model does not know."""
    known = _ours(language)
    more = (POOLS[known].format(model=model),) if model in FOUND_BY_WORKERS else ()
    return (*LIMITS[known], *more, *(() if complete else (SHORT[known],)))


def _ours(language: str) -> str:
    return language if language in LANGUAGES else LANGUAGES[0]
