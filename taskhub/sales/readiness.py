"""What a lead still needs before it can become a customer, as a list people can work off. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taskhub.policy.policies import Pipeline, Policies
from taskhub.sales.model import OPEN, RecordState
from taskhub.sales.path import filled, pipeline_of

NAMES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "open": "The lead is open", "party": "A company or a name is known", "owner": "Somebody owns it",
        "required": "{field} is filled in: converting asks for it",
        "stage": "{field} is filled in: the stage {stage} asks for it",
    },
    "fr": {
        "open": "Le prospect est ouvert", "party": "Une société ou un nom est connu",
        "owner": "Quelqu’un en est chargé",
        "required": "{field} est rempli : la conversion le demande",
        "stage": "{field} est rempli : l’étape {stage} le demande",
    },
}  # fmt: skip
FIELDS: Mapping[str, Mapping[str, str]] = {
    "en": {"email": "E-mail", "expected_close_on": "Expected close"},
    "fr": {
        "title": "Titre", "name": "Nom", "company": "Société", "email": "E-mail", "phone": "Téléphone",
        "language": "Langue", "owner": "Responsable", "amount": "Montant", "currency": "Devise",
        "expected_close_on": "Clôture prévue",
    },
}  # fmt: skip


def missing_to_convert(fields: Mapping[str, Any], line: Pipeline | None) -> list[str]:
    """What converting insists on and nobody has filled in."""
    return [name for name in (line.required_to_convert if line else ()) if not filled(fields, name)]


def checklist(state: RecordState, policies: Policies, language: str) -> dict[str, Any]:
    """``items`` with ``done`` and ``required``; ``ready``: all done; ``convertible``: all that is required is done.

    What stages ask for is advice at this point; what ``required_to_convert`` names is not.
    """
    line = pipeline_of("lead", state.fields, policies, lenient=True)
    items = list(_items(state, line, language))
    return {
        "ready": all(item["done"] for item in items),
        "convertible": all(item["done"] for item in items if item["required"]),
        "items": items,
    }


def _items(state: RecordState, line: Pipeline | None, language: str) -> Iterator[dict[str, Any]]:
    words, fields = NAMES.get(language, NAMES["en"]), state.fields
    yield _item("status", None, words["open"], done=fields.get("status", OPEN) == OPEN, required=True)
    party = filled(fields, "company") or filled(fields, "name") or filled(fields, "account")
    yield _item("company", None, words["party"], done=party, required=True)
    yield _item("owner", None, words["owner"], done=filled(fields, "owner"), required=False)
    seen = {"owner"}
    for name in line.required_to_convert if line else ():
        seen.add(name)
        text = words["required"].format(field=_name(name, language))
        yield _item(name, None, text, done=filled(fields, name), required=True)
    for stage in line.stages if line else ():
        for name in (name for name in stage.required_fields if name not in seen):
            seen.add(name)
            text = words["stage"].format(field=_name(name, language), stage=stage.name.in_(language))
            yield _item(name, stage.key, text, done=filled(fields, name), required=False)


def _item(field: str, stage: str | None, text: str, *, done: bool, required: bool) -> dict[str, Any]:
    return {"field": field, "stage": stage, "done": done, "required": required, "text": text}


def _name(field: str, language: str) -> str:
    return FIELDS.get(language, FIELDS["en"]).get(field, field.replace("_", " ").capitalize())
