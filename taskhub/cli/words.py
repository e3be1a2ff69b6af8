"""What ``why`` and ``sla explain`` call things, English and French. French: U+00A0 before : and inside « »."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# What is not here is shown as it is: names of models and strategies, what comes of a plug-in.
LABELS: Mapping[str, str] = {
    "outcome": "résultat", "agent": "personne", "reason": "motif", "way": "voie", "model": "modèle",
    "strategy": "stratégie", "decided_at": "décidé le", "rerun": "recalcul", "rerun_detail": "détail du recalcul",
    "person": "personne", "rank": "rang", "why not": "pourquoi pas", "before": "auparavant",
    "task": "tâche", "title": "titre", "state": "état", "queue": "file", "time_zone": "fuseau horaire",
    "target": "objectif", "promise": "promesse", "due": "échéance", "counted": "compté", "paused": "suspendu",
    "closed": "fermé", "together": "au total", "left": "reste", "from": "de", "to": "à", "length": "durée",
    "why": "pourquoi",
}  # fmt: skip
VALUES: Mapping[str, str] = {
    "assigned": "confiée", "waiting": "en attente", "same": "identique", "different": "différent",
    "not_rerunnable": "impossible ici", "yes": "oui", "no": "non", "completion": "achèvement",
    "first_start": "premier début", "blocked": "bloquée", "queued": "en attente", "in_progress": "en cours",
    "paused": "en pause", "completed": "terminée", "cancelled": "annulée",
    "a date given by hand": "une date donnée à la main", "when its pause has ended": "à la fin de sa pause",
    "{} more": "{} de plus",
    "Nothing is promised for this task, or it has not become ready yet.":
        "Rien n'est promis pour cette tâche, ou elle n'est pas encore prête.",
}  # fmt: skip
WAYS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "push": "push: taskhub gave it to somebody", "pull": "pull: somebody asked for work",
        "manual": "manual: somebody gave it by hand", "waits push": "push: taskhub gives it to somebody",
        "waits pull": "pull: it goes to somebody who asks for work",
    },
    "fr": {
        "push": "push\u00a0: taskhub l'a confiée à quelqu'un", "pull": "pull\u00a0: quelqu'un a demandé du travail",
        "manual": "manual\u00a0: quelqu'un l'a donnée à la main",
        "waits push": "push\u00a0: taskhub la confie à quelqu'un",
        "waits pull": "pull\u00a0: elle va à une personne qui demande du travail",
    },
}  # fmt: skip


def facts(pairs: Iterable[tuple[str, Any]], language: str) -> Iterator[tuple[str, Any]]:
    """Names as labels, with what stands before a colon."""
    for name, value in pairs:
        yield (f"{label(name, language)}\u00a0" if language == "fr" else label(name, language)), value


def label(name: str, language: str) -> str:
    """What a fact or column is called."""
    return LABELS.get(name, name) if language == "fr" else name.replace("_", " ")


def head(names: Iterable[str], language: str) -> list[str]:
    """What columns are called."""
    return [label(name, language) for name in names]


def value(word: str, language: str) -> str:
    """A word of ours that is a value; in English it is what programs see too."""
    return VALUES.get(word, word) if language == "fr" else word


def way(said: Mapping[str, Any], mode: str, language: str) -> str:
    """How it went, or goes while it waits: ``mode`` is the queue's, since a look at a task is no way to give it."""
    return WAYS[language][said["way"] if said["outcome"] == "assigned" else f"waits {mode}"]
