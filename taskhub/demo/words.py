"""The words of the terminal view. French: U+202F before ; ! ?, U+00A0 before : and inside « »."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "crm": "{name}: {leads} open leads, {deals} open deals; of taskhub's tasks {open} open, {done} done",
        "quote": "“{}”", "given": "{kind} {title} → {who}: {why}", "complete": "completed: {kind} {title} by {who}",
        "pause": "waiting: {title} ({who})", "resume": "back on it: {title} ({who})",
        "skip": "declined: {title} ({who})",
        "release": "given back: {title} ({who})", "sla.warned": "due soon: {title} ({who})",
        "sla.breached": "overdue: {title} ({who})", "set_aside": "set aside: {title} ({who})",
        "expire": "back in the queue: {title}", "withdraw": "taken back, not started: {title}",
        "cancel": "no longer needed: {title}", "close": "no longer needed: {title}", "notice": "told {who}: {what}",
        "more": "… and {} more", "nobody": "nobody yet", "waiting_": "waiting", "assigned": "given",
        "in_progress": "in work", "paused": "paused", "blocked": "blocked", "oldest": "longest wait",
        "person": "Person", "presence": "is", "holds": "has", "open": "Open tasks", "events": "events a minute",
        "completed": "completed", "decisions": "Just now", "alarms": "Warnings and notices",
        "problem": "problem", "problems": "problems",
        "available": "available", "busy": "busy", "away": "away", "offline": "offline", "off_shift": "off shift",
        "on_track": "on track", "at_risk": "at risk", "breached": "overdue", "sla_paused": "clock stopped",
        "stop": "Ctrl-C ends the demo", "speed": "{:g} times as fast",
    },
    "fr": {
        "crm": "{name}\u00a0: {leads} prospects et {deals} affaires en cours\u202f; "
        "des tâches de taskhub, {open} ouvertes, {done} terminées",
        "quote": "«\u00a0{}\u00a0»", "given": "{kind} {title} → {who}\u00a0: {why}",
        "complete": "terminée\u00a0: {kind} {title} par {who}", "pause": "en attente\u00a0: {title} ({who})",
        "resume": "reprise\u00a0: {title} ({who})", "skip": "déclinée\u00a0: {title} ({who})",
        "release": "rendue\u00a0: {title} ({who})", "sla.warned": "échéance proche\u00a0: {title} ({who})",
        "sla.breached": "en retard\u00a0: {title} ({who})", "set_aside": "mise de côté\u00a0: {title} ({who})",
        "expire": "de retour dans la file\u00a0: {title}", "withdraw": "retirée, non commencée\u00a0: {title}",
        "cancel": "devenue inutile\u00a0: {title}", "close": "devenue inutile\u00a0: {title}",
        "notice": "avis à {who}\u00a0: {what}", "more": "… et {} de plus",
        "nobody": "personne pour l'instant", "waiting_": "en attente", "assigned": "confiées",
        "in_progress": "en cours", "paused": "en pause", "blocked": "bloquées", "oldest": "plus longue",
        "person": "Personne", "presence": "état", "holds": "en main", "open": "Tâches ouvertes",
        "events": "événements par minute", "completed": "terminées", "decisions": "À l'instant",
        "alarms": "Alertes et avis", "problem": "problème", "problems": "problèmes",
        "available": "disponible", "busy": "indisponible", "away": "en pause", "offline": "hors ligne",
        "off_shift": "hors horaires", "on_track": "dans les temps", "at_risk": "à risque",
        "breached": "en retard", "sla_paused": "délai suspendu", "stop": "Ctrl-C arrête la démonstration",
        "speed": "{:g} fois plus vite",
    },
}  # fmt: skip
