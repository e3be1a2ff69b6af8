"""What a column may stand for, by noun, and the words people head such columns with. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping

from taskhub.importing.model import DEAL, LEAD, TASK

TEXT, MONEY, DAY, INSTANT, FLAGS, JSON = "text", "money", "day", "instant", "checklist", "json"
OWN = "fields."
_PERSON = {"name": TEXT, "company": TEXT, "email": TEXT, "phone": TEXT, "language": TEXT}
_WAY = {
    "owner": TEXT, "pipeline": TEXT, "stage": TEXT, "status": TEXT, "lost_reason": TEXT, "amount": MONEY,
    "currency": TEXT, "expected_close_on": DAY, "created_at": INSTANT, "stage_at": INSTANT, "closed_at": INSTANT,
}  # fmt: skip
TARGETS: Mapping[str, Mapping[str, str]] = {
    LEAD: {"id": TEXT, "title": TEXT, **_PERSON, **_WAY, "account": TEXT, "contact": TEXT, "deal": TEXT,
           "merged_into": TEXT, "fields": JSON},
    DEAL: {"id": TEXT, "title": TEXT, **_PERSON, **_WAY, "lead": TEXT, "account": TEXT, "account.name": TEXT,
           "account.email": TEXT, "account.phone": TEXT, "contact": TEXT, "contact.name": TEXT, "contact.email": TEXT,
           "contact.phone": TEXT, "merged_into": TEXT, "fields": JSON},
    TASK: {"id": TEXT, "kind": TEXT, "title": TEXT, "queue": TEXT, "owner": TEXT, "state": TEXT, "priority": TEXT,
           "created_at": INSTANT, "due_at": INSTANT, "waiting_reason": TEXT, "waiting_until": INSTANT, "lead": TEXT,
           "deal": TEXT, "file": TEXT, "waits_for": TEXT, "checklist": FLAGS, "note": TEXT, "fields": JSON},
}  # fmt: skip
NEEDED: Mapping[str, tuple[str, ...]] = {LEAD: (), DEAL: (), TASK: ("kind",)}

_WORDS: Mapping[str, str] = {
    "id": "record id, external id, reference, ref, key, identifiant, prospect id, lead id, deal id, opportunity id,"
          " task id, ticket id, case id, numero, number",
    "title": "subject, deal name, opportunity, opportunity name, task, titre, objet, sujet, intitule, deal title",
    "name": "full name, contact person, lead name, nom, nom complet, person",
    "company": "company name, organisation, organization, societe, entreprise, raison sociale, firma",
    "email": "e mail, email address, mail, courriel, adresse e mail, adresse mail",
    "phone": "telephone, phone number, mobile, tel, portable",
    "language": "lang, locale, langue",
    "owner": "assigned to, assignee, sales agent, sales rep, rep, agent, responsible, responsable, proprietaire,"
             " holder, attribue a, charge d affaires, vendeur, commercial",
    "pipeline": "sales pipeline, process",
    "stage": "deal stage, lead stage, sales stage, etape, phase",
    "status": "lead status, deal status, statut, etat, converted",
    "lost_reason": "reason lost, loss reason, motif de perte, raison de la perte",
    "amount": "value, deal value, close value, price, montant, valeur, prix, revenue, total, betrag",
    "currency": "currency code, devise, monnaie, iso currency",
    "expected_close_on": "expected close, expected close date, close by, cloture prevue, date de cloture prevue",
    "created_at": "created, created on, creation date, date created, engage date, added on, cree le,"
                  " date de creation, since, opened, open date",
    "stage_at": "stage since, stage changed, stage change date, last stage change",
    "closed_at": "closed, close date, closed on, won on, lost on, date de cloture, cloture le, end date",
    "account.name": "account name, customer, customer name, client, compte, nom du compte",
    "account.email": "account e mail, account mail", "account.phone": "account telephone",
    "contact.name": "contact name, interlocuteur, nom du contact",
    "contact.email": "contact e mail, contact mail", "contact.phone": "contact telephone, contact mobile",
    "account": "account id, customer id", "contact": "contact id", "lead": "lead id, prospect id", "deal": "deal id",
    "kind": "type, task type, category, sort, nature, genre, categorie",
    "queue": "list, team queue, file d attente, desk, service",
    "state": "status, statut, etat",
    "priority": "prio, urgency, priorite, urgence",
    "due_at": "due, due date, deadline, echeance, date limite, a faire pour le",
    "waiting_reason": "waiting for, on hold because, pending reason, hold reason, motif d attente, en attente de",
    "waiting_until": "waiting till, snoozed until, on hold until, reminder, follow up on, en attente jusqu au, rappel",
    "checklist": "checks, steps, done items, etapes faites, liste de controle",
    "note": "notes, comment, comments, description, remark, commentaire, remarque",
    "file": "case, dossier", "waits_for": "blocked by kind, depends on",
}  # fmt: skip


def folded(text: str) -> str:
    """A heading as it is compared: small, without accents, words apart, a humped name divided.

    >>> folded("ProspectID"), folded("Échéance (date)"), folded("close_value")
    ('prospect id', 'echeance date', 'close value')
    """
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
    plain = "".join(c for c in unicodedata.normalize("NFKD", apart) if not unicodedata.combining(c)).casefold()
    return " ".join(re.findall(r"[^\W_]+", plain))


def headings(noun: str, header: Collection[str] = ()) -> dict[str, str]:
    """Every heading known for this noun → the field it stands for; a field's own name comes first.

    A deal's customer is told by name as a rule, by id only beside a column of the name.
    """
    known: dict[str, str] = {}
    for target in TARGETS[noun]:
        known.setdefault(folded(target), target)
    for target in TARGETS[noun]:
        for word in _WORDS.get(target, "").split(","):
            known.setdefault(folded(word), target)
    if noun == DEAL:
        heads = {folded(head) for head in header}
        known |= {one: f"{one}.name" for one in ("account", "contact") if f"{one} name" not in heads}
    known.pop("", None)
    return known


def kind_of(noun: str, target: str) -> str:
    """What the cells of a column hold."""
    return TARGETS[noun].get(target, TEXT)
