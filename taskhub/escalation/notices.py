"""What a notice says, in the reader's language. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from taskhub.policy.text import LocalText

LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Case:
    """The facts of one firing. ``raised_to`` and ``moved_to`` say what was done: a priority, "queue" or a name.

    ``widened`` names teams that may take the task from now on; ``start_by``: it is about the start, promised by then.
    """

    task: str
    title: str
    kind: LocalText
    queue: LocalText
    due_at: datetime | None
    now: datetime
    holder: str | None = None
    held: bool = False
    raised_to: str | None = None
    moved_to: str | None = None
    widened: tuple[str, ...] = ()
    start_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads it. ``instead_of`` is the name of the one who should have, ``because`` why not.

    ``hand`` is to_you or from_you where the task went up to the reader, or away from them.
    """

    language: str = "en"
    time_zone: str = "UTC"
    instead_of: str | None = None
    because: str | None = None
    hand: str | None = None


TEXTS = {
    "en": {
        "late": "Overdue", "risk": "Due soon", "held": "Set aside", "kind": "Task", "queue": "Queue", "due": "Due",
        "holder": "With", "nobody": "nobody yet", "raised": "Its priority is now {}.",
        "to_queue": "It is back in the queue; what was done so far may be half done.",
        "to_person": "It was handed to {}; what was done so far may be half done.",
        "to_you": "It was handed to you; what was done so far may be half done.",
        "from_you": "It is no longer with you: it was handed to {}.",
        "widened": "It may now be taken by {} as well.",
        "held_text": "{} put this task aside without finishing it, and has not come back to it.",
        "instead": "You receive this instead of {} ({}).",
        "start_late": "Not started", "start_risk": "To be started", "start": "Start by",
        "start_stop": "Start, acknowledge or cancel the task to stop these messages.",
        "stop": "Acknowledge, complete or cancel the task to stop these messages.", "low": "low", "normal": "normal",
        "high": "high", "urgent": "urgent", "absent": "absent", "inactive": "no longer active",
        "off_shift": "off shift", "unknown": "unknown here", "somebody": "Somebody",
    },
    "fr": {
        "late": "En retard", "risk": "Échéance proche", "held": "Mise de côté", "kind": "Tâche", "queue": "File",
        "due": "Échéance", "holder": "Chez", "nobody": "personne pour l’instant",
        "raised": "Sa priorité est maintenant {}.",
        "to_queue": "Elle est de retour dans la file ; le travail peut être à moitié fait.",
        "to_person": "Elle a été confiée à {} ; le travail peut être à moitié fait.",
        "to_you": "Elle vous a été confiée ; le travail peut être à moitié fait.",
        "from_you": "Elle n’est plus chez vous : elle a été confiée à {}.",
        "widened": "Elle peut maintenant être prise aussi par {}.",
        "held_text": "{} a mis cette tâche de côté sans la finir et ne l’a pas reprise.",
        "instead": "Vous recevez ce message à la place de {} ({}).",
        "start_late": "Pas commencée", "start_risk": "À commencer", "start": "À commencer avant",
        "start_stop": "Commencez la tâche, prenez-en acte ou annulez-la pour arrêter ces messages.",
        "stop": "Prenez-en acte, terminez ou annulez la tâche pour arrêter ces messages.", "low": "basse",
        "normal": "normale", "high": "haute", "urgent": "urgente", "absent": "absence",
        "inactive": "n’est plus en activité", "off_shift": "hors de ses horaires", "unknown": "introuvable ici",
        "somebody": "Quelqu’un",
    },
}  # fmt: skip


def write(case: Case, reader: Reader) -> tuple[str, str]:
    """Subject and body."""
    language = reader.language.split("-")[0].lower()
    words = TEXTS.get(language, TEXTS["en"])
    title = " ".join(case.title.split())[:LONGEST_TITLE]
    colon = " : " if words is TEXTS["fr"] else ": "
    facts = [
        (words["kind"], f"{title} ({case.kind.in_(language)})"),
        (words["queue"], case.queue.in_(language)),
        (words["start"], _moment(case.start_by, reader.time_zone)),
        (words["due"], _moment(case.due_at, reader.time_zone)),
        (words["holder"], case.holder or words["nobody"]),
    ]
    lines = [f"{name}{colon}{value}" for name, value in facts if value]
    return f"{words[_headline(case)]}{colon}{title}", "\n".join(
        [*lines, "", *_sentences(case, reader, words), case.task]
    )


def _headline(case: Case) -> str:
    if case.held:
        return "held"
    if case.start_by is not None:
        return "start_late" if case.start_by <= case.now else "start_risk"
    return "late" if case.due_at is not None and case.due_at <= case.now else "risk"


def _sentences(case: Case, reader: Reader, words: dict[str, str]) -> list[str]:
    said = [words["held_text"].format(case.holder or words["somebody"])] if case.held else []
    if case.raised_to:
        said.append(words["raised"].format(words.get(case.raised_to, case.raised_to)))
    if case.widened:
        said.append(words["widened"].format(", ".join(case.widened)))
    if case.moved_to:
        key = "to_queue" if case.moved_to == "queue" else reader.hand or "to_person"
        said.append(words[key].format(case.moved_to))
    if reader.instead_of:
        said.append(words["instead"].format(reader.instead_of, words.get(reader.because or "", reader.because)))
    if case.held or reader.hand == "from_you":
        return said
    return [*said, words["start_stop" if case.start_by is not None else "stop"]]


def _moment(at: datetime | None, time_zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M} ({time_zone})" if at else ""
