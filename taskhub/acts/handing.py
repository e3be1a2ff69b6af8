"""A lead or deal goes to somebody else: who had it is told, in their language."""

from __future__ import annotations

from typing import Any

from taskhub.db.tx import Tx
from taskhub.escalation import people
from taskhub.escalation.addressing import Concern
from taskhub.escalation.notifications.model import INFO, Notice
from taskhub.escalation.notifications.tell import tell
from taskhub.sales.model import RecordState

TEXTS = {
    "en": {
        "lead": "lead", "deal": "deal", "account": "account", "contact": "contact", "somebody": "Somebody",
        "subject": "{who} has taken over {title}",
        "body": "The {noun} {title} was yours. {who} has changed that: {owner} answers for it from now on.",
    },
    "fr": {
        "lead": "Le prospect", "deal": "L’affaire", "account": "Le compte", "contact": "Le contact",
        "somebody": "Quelqu’un",
        "subject": "{who} a repris {title}",
        "body": "{noun} {title} était à vous. {owner} s’en charge désormais, à la demande de {who}.",
    },
}  # fmt: skip
LONGEST = 120


def tell_former(tx: Tx, before: RecordState, after: RecordState) -> str | None:
    """A notice to whoever owned it, unless they did it themselves. Its id; None where there is nobody to tell."""
    former, owner = before.fields.get("owner"), after.fields.get("owner")
    if not isinstance(former, str) or former in (owner, tx.by.agent):
        return None
    named = [key for key in (former, owner, tx.by.agent) if isinstance(key, str)]
    known = people.directory_of(tx, Concern(None, ()), [f"agent:{key}" for key in named]).people
    person = known.get(former)
    if person is None or not person.active:
        return None
    words = TEXTS["fr" if person.language.startswith("fr") else "en"]
    names = {key: known[key].name if key in known else key for key in named}
    who = names.get(tx.by.agent or "", words["somebody"])
    said = {
        "noun": words[before.ref.noun], "title": _title(before), "who": who,
        "owner": names.get(str(owner), words["somebody"]),
    }  # fmt: skip
    body = f"{words['body'].format(**said)}\n\n{before.ref}"
    return tell(tx, Notice("taken_over", INFO, words["subject"].format(**said), body, former, email=person.email))


def _title(state: RecordState) -> str:
    said: list[Any] = [state.fields.get(name) for name in ("title", "company", "name")]
    return next((text[:LONGEST] for text in said if isinstance(text, str) and text), state.ref.id)
