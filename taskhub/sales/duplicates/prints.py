"""The print of a record: what of it tells whom it stands for, each in its comparable form. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskhub.sales.duplicates.companies import company
from taskhub.sales.duplicates.mail import Mail, mail
from taskhub.sales.duplicates.persons import person
from taskhub.sales.duplicates.phones import phone

PERSON, COMPANY = "person", "company"
FAMILIES: Mapping[str, str] = {"lead": PERSON, "contact": PERSON, "account": COMPANY}
"""Nouns that can be doubles of each other: a lead may be a contact already. Deals and activities have no print."""
TELLING = ("name", "company", "email", "phone")
"""The fields a print is made of."""


@dataclass(frozen=True, slots=True)
class Print:
    """``name`` and ``company`` are words in alphabetical order, so that their order on paper does not matter.

    An account's own name is its ``company``; it has no ``name``. What a record does not say is empty or None.
    """

    name: tuple[str, ...] = ()
    company: tuple[str, ...] = ()
    mail: Mail | None = None
    phone: str | None = None

    @property
    def tells(self) -> bool:
        """Whether there is anything to compare."""
        return bool(self.name or self.company or self.mail or self.phone)


def print_of(noun: str, fields: Mapping[str, Any], region: str | None) -> Print:
    """The print of a lead, contact or account from its native fields.

    E-mail and telephone are told apart by what they look like, whichever field they stand in. A deleted record tells
    nothing: it is found no more.
    """
    if fields.get("deleted") is True:
        return Print()
    name, firm = _text(fields, "name"), _text(fields, "company")
    if FAMILIES[noun] == COMPANY:
        name, firm = "", firm or name
    ways = (_text(fields, "email"), _text(fields, "phone"))
    return Print(
        name=tuple(sorted(person(name))),
        company=tuple(sorted(company(firm))),
        mail=next((read for text in ways if text and (read := mail(text))), None),
        phone=next((seen for text in ways[::-1] if text and "@" not in text and (seen := phone(text, region))), None),
    )


def packed(one: Print) -> dict[str, str | None]:
    """The print as four columns of text."""
    return {
        "name": " ".join(one.name) or None, "company": " ".join(one.company) or None,
        "mail": str(one.mail) if one.mail else None, "phone": one.phone,
    }  # fmt: skip


def unpacked(name: str | None, company: str | None, mail: str | None, phone: str | None) -> Print:
    """The print of such columns."""
    local, _, domain = (mail or "").rpartition("@")
    return Print(
        tuple((name or "").split()), tuple((company or "").split()), Mail(local, domain) if domain else None, phone
    )


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
