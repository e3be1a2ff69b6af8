"""What whoever asked a CRM for something is told when it was not done, or not all of it, in their language."""

from __future__ import annotations

from taskhub.connectors.asking.model import CrmAct
from taskhub.db.tx import Tx
from taskhub.escalation import people
from taskhub.escalation.addressing import Concern
from taskhub.escalation.notifications.model import INFO, Notice
from taskhub.escalation.notifications.tell import tell
from taskhub.sales.model import RecordState

REFUSED, GIVEN_UP, NO_FOLLOW_UP = "crm_refused", "crm_given_up", "crm_no_follow_up"
INSIDE, LOG_IN = "inside", "log_in"
TEXTS = {
    "en": {
        REFUSED: "{connection} has not done it: {title}",
        GIVEN_UP: "{connection} does not answer: {title}",
        "crm_refused body": "What you asked {connection} for about {title} ({kind}) was not done: {reason}",
        "crm_given_up body": "What you asked {connection} for about {title} ({kind}) was tried for days and is not "
        "tried any more: {reason}. It may have been done over there: look, then withdraw it at its record, or have it "
        "tried again by whoever runs taskhub.",
        NO_FOLLOW_UP: "Without its follow-up task: {title}",
        "crm_no_follow_up body": "{connection} has done what you asked about {title} ({kind}). The task that was to "
        "follow could not be made, its kind has gone meanwhile: {reason}. Ask for it at the record, of another kind.",
        "convert": "conversion", "lose": "loss", "unconvert": "undo of the conversion", "reopen": "undo of the loss",
        "connection_off": "the connection no longer takes acts",
        "no_answer": "it did not come to an end within a week; look there",
        "merged": "its record was merged into another one meanwhile; look at that one",
        INSIDE: "a fault inside taskhub, which its log tells",
        LOG_IN: "the log-in was refused; ask whoever looks after the connection",
    },
    "fr": {
        REFUSED: "{connection} ne l’a pas fait : {title}",
        GIVEN_UP: "{connection} ne répond pas : {title}",
        "crm_refused body": "Ce que vous avez demandé à {connection} pour {title} ({kind}) n’a pas été fait : {reason}",
        "crm_given_up body": "Ce que vous avez demandé à {connection} pour {title} ({kind}) a été tenté pendant des "
        "jours et ne l’est plus : {reason}. C’est peut-être fait là-bas : regardez, puis retirez-le sur sa fiche, ou "
        "faites réessayer par qui exploite taskhub.",
        NO_FOLLOW_UP: "Sans sa tâche de suivi : {title}",
        "crm_no_follow_up body": "{connection} a fait ce que vous avez demandé pour {title} ({kind}). La tâche qui "
        "devait suivre n’a pas pu être créée, son type n’existe plus : {reason}. Demandez-la sur la fiche, d’un "
        "autre type.",
        "convert": "conversion", "lose": "perte", "unconvert": "annulation de la conversion",
        "reopen": "annulation de la perte", "connection_off": "la connexion n’accepte plus d’actes",
        "no_answer": "sans fin au bout d’une semaine ; regardez là-bas",
        "merged": "sa fiche a été fusionnée avec une autre entre-temps ; regardez celle-ci",
        INSIDE: "une erreur dans taskhub, que son journal décrit",
        LOG_IN: "l’accès a été refusé ; demandez à qui s’occupe de la connexion",
    },
}  # fmt: skip


def tell_asker(tx: Tx, topic: str, act: CrmAct, about: RecordState, why: str) -> None:
    """A notice to whoever asked; ``why`` is a word of TEXTS, or the CRM's own."""
    if act.agent is None:
        return
    person = people.directory_of(tx, Concern(None, ()), [f"agent:{act.agent}"]).people.get(act.agent)
    if person is None or not person.active:
        return
    words = TEXTS["fr" if person.language.startswith("fr") else "en"]
    said = [about.fields.get(name) for name in ("title", "company", "name")]
    title = next((text[:120] for text in said if isinstance(text, str) and text), about.ref.id)
    named = {"connection": act.connection, "title": title, "kind": words[act.kind], "reason": words.get(why, why)}
    body = f"{words[f'{topic} body'].format(**named)}\n\n{act.record}"
    tell(tx, Notice(topic, INFO, words[topic].format(**named), body, act.agent, email=person.email))
