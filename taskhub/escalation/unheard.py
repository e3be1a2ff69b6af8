"""What managers are told about a connection: nothing there sends to us any more, or it wants nothing more of us."""

from __future__ import annotations

from collections.abc import Mapping

from taskhub.calendars.durations import format_duration
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.escalation import addressing
from taskhub.escalation.addressing import Concern
from taskhub.escalation.notifications.model import LATE, Notice
from taskhub.escalation.notifications.tell import tell
from taskhub.escalation.people import directory_of

WHOM = ("manager",)
WORDS = {
    "en": (
        "{name} does not tell taskhub everything any more",
        (
            "Over there nothing sends {missing}. Meanwhile taskhub looks by itself every {every}, so work may come "
            "later.\n\n"
            "`taskhub connections subscribe {key} https://…` makes what is missing."
        ),
    ),
    "fr": (
        "{name} ne prévient plus taskhub de tout",
        (
            "Là-bas, plus rien n'envoie {missing}. taskhub regarde lui-même toutes les {every} en attendant\u00a0: des "
            "tâches peuvent donc arriver plus tard.\n\n"
            "`taskhub connections subscribe {key} https://…` crée ce qui manque."
        ),
    ),
}

STOPPED = {
    "en": (
        "{name} is not told anything any more",
        (
            "It answered 410: it wants no more events, and taskhub sends none. What happens meanwhile is not sent "
            "afterwards.\n\n"
            "`taskhub connections resume {key}` sends again; `taskhub connections check {key}` tries the address."
        ),
    ),
    "fr": (
        "{name} n'est plus informé de rien",
        (
            "La réponse était 410\u00a0: plus aucun événement n'est souhaité là-bas, et taskhub n'en envoie plus. Ce "
            "qui se passe entre-temps ne sera pas envoyé après coup.\n\n"
            "`taskhub connections resume {key}` reprend les envois\u00a0; `taskhub connections check {key}` essaie "
            "l'adresse."
        ),
    ),
}
Words = Mapping[str, tuple[str, str]]


def webhooks_lost(tx: Tx, row: Taken) -> None:
    """Tells every manager once, in their language."""
    _tell(tx, row, WORDS)


def sending_stopped(tx: Tx, row: Taken) -> None:
    """The same of one that events are not sent to any more."""
    _tell(tx, row, STOPPED)


def _tell(tx: Tx, row: Taken, words: Words) -> None:
    connection = tx.policies.connections.get(row.key)
    if connection is None:
        return
    concern = Concern(None, tuple(sorted({team for queue in tx.policies.queues.values() for team in queue.teams})))
    directory = directory_of(tx, concern, WHOM)
    told = dict.fromkeys(one.agent for one in addressing.tell(WHOM, concern, directory) if one.agent)
    for agent in told or (None,):
        person = directory.people.get(agent or "")
        language = person.language.split("-")[0].lower() if person is not None else "en"
        facts = {
            "name": connection.name.in_(language), "key": connection.key, "every": format_duration(connection.poll),
            **row.payload,
        }  # fmt: skip
        subject, body = (text.format_map(facts) for text in words.get(language, words["en"]))
        tell(tx, Notice("connection", LATE, subject, body, agent, email=person.email if person else None))
