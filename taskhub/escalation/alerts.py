"""What managers are told about a queue itself, no task meant: a plug-in that serves it has failed."""

from __future__ import annotations

from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.escalation import addressing
from taskhub.escalation.addressing import Concern
from taskhub.escalation.notifications.model import LATE, Notice
from taskhub.escalation.notifications.tell import tell
from taskhub.escalation.people import directory_of

WHOM = ("leader", "manager")
PLUGIN = {
    "en": (
        "The plug-in {plugin} is out of use in {queue}",
        (
            "The plug-in {plugin} failed three times in a row in the queue {queue}: {error}\n\n"
            "Tasks go to whoever has the least open work, out of all teams of the queue, until a new version is "
            "installed or somebody runs `taskhub plugin reset {key}`."
        ),
    ),
    "fr": (
        "L'extension {plugin} n'est plus utilisée dans {queue}",
        (
            "L'extension {plugin} a échoué trois fois de suite dans la file {queue}\u00a0: {error}\n\n"
            "Les tâches vont à la personne la moins chargée de toutes les équipes de la file, jusqu'à l'installation "
            "d'une nouvelle version ou jusqu'à la commande `taskhub plugin reset {key}`."
        ),
    ),
}


def plugin_failed(tx: Tx, row: Taken) -> None:
    """Tells leaders and managers of the queue's teams, once each, in their language."""
    queue = tx.policies.queues.get(row.key)
    if queue is None:
        return
    concern = Concern(None, queue.teams)
    directory = directory_of(tx, concern, WHOM)
    told = dict.fromkeys(one.agent for one in addressing.tell(WHOM, concern, directory) if one.agent)
    for agent in told or (None,):
        person = directory.people.get(agent or "")
        language = person.language.split("-")[0].lower() if person is not None else "en"
        facts = {"queue": queue.name.in_(language), "key": queue.key, **row.payload}
        subject, body = (text.format_map(facts) for text in PLUGIN.get(language, PLUGIN["en"]))
        tell(tx, Notice("plugin", LATE, subject, body, agent, email=person.email if person else None))
