"""What previews warn of, in the reader's language. French: U+00A0 before : and inside « »."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

WARNINGS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "skill_missing": "{agent} has no skill for: {kinds}.",
        "absent": "{agent} is absent from {from} until {until}.",
        "in_pool_already": "{agent} belongs to {team}, which serves {queue} anyway.",
        "queue_paused": "Queue {queue} is paused: it gives nothing.",
        "fifo": "Queue {queue} goes by the order of arrival: nothing can go ahead.",
        "foreign_model": "The people of this model are known once a worker has asked it.",
        "pool_planned": "Who of them is in turn is planned once the model holds; shown is who it may be until then.",
        "pool_empty": "Nobody would serve {queue}: its work would wait.",
        "fed_by": "Rules go on making work for {queue}: {rules}. It is made there and waits: move it, or change them.",
        "closed": "Queue {queue} is closed: it takes no new work.",
    },
    "fr": {
        "skill_missing": "{agent} n'a pas la compétence pour\u00a0: {kinds}.",
        "absent": "{agent} est en absence du {from} au {until}.",
        "in_pool_already": "{agent} fait partie de {team}, qui sert déjà {queue}.",
        "queue_paused": "La file {queue} est suspendue\u00a0: elle ne donne rien.",
        "fifo": "La file {queue} suit l'ordre d'arrivée\u00a0: rien ne peut passer devant.",
        "foreign_model": "Les personnes de ce modèle seront connues quand un processus l'aura interrogé.",
        "pool_planned": "Qui parmi elles est de service sera planifié quand le modèle vaudra\u00a0; "
        "voici qui peut l'être jusque-là.",
        "pool_empty": "Personne ne servirait {queue}\u00a0: son travail attendrait.",
        "fed_by": "Des règles continuent d'alimenter {queue}\u00a0: {rules}. Les tâches y sont créées et attendent. "
        "Déplacez-les ou changez les règles.",
        "closed": "La file {queue} est fermée\u00a0: elle ne prend plus de travail.",
    },
}


def warning(code: str, facts: Mapping[str, Any], language: str) -> dict[str, str]:
    """One warning: its code for programs, its sentence for people."""
    return {"code": code, "message": WARNINGS[language][code].format_map(_shown(facts))}


def warnings(found: Iterable[tuple[str, Mapping[str, Any]]], language: str) -> list[dict[str, str]]:
    """Several of them."""
    return [warning(code, facts, language) for code, facts in found]


def _shown(facts: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value.strftime("%Y-%m-%d %H:%MZ") if isinstance(value, datetime) else str(value)
        for name, value in facts.items()
    }
