"""What people are told of questions: the rep that one waits, or is over; the holder that it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.escalation.addressing import Concern
from taskhub.escalation.notifications.model import INFO, LATE, Notice
from taskhub.escalation.notifications.tell import tell
from taskhub.escalation.people import directory_of
from taskhub.tasks import service as tasks
from taskhub.tasks.questions import service as questions
from taskhub.tasks.questions.model import ANSWERED, OPEN, Question

PERSON = "agent:"
SHOWN = 1_000
Texts = Mapping[str, tuple[str, str]]
ASKED: Texts = {
    "en": (
        "Question about {title}",
        "{by} asks you about {title} ({record}):\n\n{text}\n\nThe task waits for your answer.{instead}",
    ),
    "fr": (
        "Question sur {title}",
        "{by} vous interroge sur {title} ({record})\u00a0:\n\n{text}\n\nLa tâche attend votre réponse.{instead}",
    ),
}
STILL: Texts = {
    "en": (
        "Still asked: {title}",
        "{by} has been waiting for your answer about {title} ({record}) since {at}:\n\n{text}{instead}",
    ),
    "fr": (
        "Toujours sans réponse\u00a0: {title}",
        "{by} attend votre réponse sur {title} ({record}) depuis le {at}\u00a0:\n\n{text}{instead}",
    ),
}
TOLD: Texts = {
    "en": ("Answered: {title}", "{by} has answered your question about {title}:\n\n{text}\n\n{answer}"),
    "fr": (
        "Réponse\u00a0: {title}",
        "{by} a répondu à votre question sur {title}\u00a0:\n\n{text}\n\n{answer}",
    ),
}
OVER: Texts = {
    "en": ("No longer asked: {title}", "The question about {title} needs no answer any more:\n\n{text}"),
    "fr": ("Question retirée\u00a0: {title}", "La question sur {title} n’attend plus de réponse\u00a0:\n\n{text}"),
}
WORDS = {
    "en": {"somebody": "Somebody", "instead": "\nYou are asked instead of {}."},
    "fr": {"somebody": "Quelqu’un", "instead": "\nLa question vous est posée à la place de {}."},
}


def asked(tx: Tx, row: Taken) -> None:
    """Whoever has the question hears of it, unless it has ended or gone on meanwhile."""
    one = questions.get(tx, row.key)
    if one.state == OPEN and one.asked_of is not None and one.asked_of == row.payload["of"]:
        _tell(tx, one, one.asked_of, ASKED, ("question", LATE), one.asked_by)


def still_asked(tx: Tx, task_id: str) -> bool:
    """Whoever has the open question about a task is asked again. False where nobody has one."""
    one = questions.open_of(tx, task_id)
    if one is None or one.asked_of is None:
        return False
    _tell(tx, one, one.asked_of, STILL, ("reminder", INFO), one.asked_by)
    return True


def answered(tx: Tx, row: Taken) -> None:
    """Whoever has the task now hears of the answer; work that waits in its queue shows it as a note."""
    one = questions.get(tx, row.key)
    holder = tasks.get(tx, one.task).agent
    if one.state == ANSWERED and holder is not None and one.ended_by != f"{PERSON}{holder}":
        _tell(tx, one, holder, TOLD, ("answer", LATE), one.ended_by)


def ended(tx: Tx, row: Taken) -> None:
    """Whoever had the question need not think about it any more."""
    one = questions.get(tx, row.key)
    if one.asked_of is not None and one.state != OPEN and one.ended_by != f"{PERSON}{one.asked_of}":
        _tell(tx, one, one.asked_of, OVER, ("unasked", INFO), one.ended_by)


def _tell(tx: Tx, one: Question, to: str, texts: Texts, of: tuple[str, str], by: str | None) -> None:
    author = (by or "").removeprefix(PERSON)
    named = [key for key in (to, author, one.instead_of) if key]
    known = directory_of(tx, Concern(None, ()), [f"{PERSON}{key}" for key in named]).people
    person = known.get(to)
    if person is None or not person.active:
        return
    language = "fr" if person.language.startswith("fr") else "en"
    words, (subject, body) = WORDS[language], texts[language]
    since = f"{one.asked_at.astimezone(ZoneInfo(person.time_zone)):%Y-%m-%d %H:%M} ({person.time_zone})"
    title = " ".join(tasks.get(tx, one.task).title.split())[:120]
    meant = known[one.instead_of].name if one.instead_of and one.instead_of in known else one.instead_of
    said = {
        "title": title, "at": since, "record": one.record or one.task, "text": one.text[:SHOWN],
        "answer": (one.answer or "")[:SHOWN], "by": known[author].name if author in known else words["somebody"],
        "instead": words["instead"].format(meant) if meant and not one.passed else "",
    }  # fmt: skip
    tell(
        tx, Notice(*of, subject.format_map(said), f"{body.format_map(said)}\n\n{one.id}", to, email=person.email,
                   task=one.task)
    )  # fmt: skip
