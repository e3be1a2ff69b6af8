"""An e-mail address in the one form that its provider delivers to. Pure: no server is asked."""

from __future__ import annotations

import re
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from taskhub.sales.duplicates.letters import fold

# Providers that deliver a.b@ and ab@ to the same person, and the other names of their domain.
_DOTLESS = frozenset({"gmail.com"})
_SAME = {"googlemail.com": "gmail.com", "hotmail.co.uk": "hotmail.com", "me.com": "icloud.com", "mac.com": "icloud.com"}
FREE = frozenset(
    "gmail.com outlook.com hotmail.com live.com msn.com yahoo.com yahoo.fr yahoo.co.uk ymail.com aol.com "
    "icloud.com gmx.de gmx.net gmx.at gmx.ch web.de t-online.de freenet.de orange.fr wanadoo.fr free.fr "
    "laposte.net sfr.fr bluewin.ch hispeed.ch libero.it virgilio.it terra.es mail.ru yandex.ru qq.com 163.com "
    "naver.com proton.me protonmail.com fastmail.com zoho.com rediffmail.com hotmail.fr outlook.fr btinternet.com "
    "sky.com comcast.net verizon.net att.net".split()
)
SHARED = frozenset(
    "info sales office contact kontakt hello mail post admin support service kundenservice help team accounts "
    "accounting billing invoice invoices rechnung buchhaltung compta comptabilite facturation einkauf achats "
    "purchasing orders order marketing press presse jobs hr rh bewerbung noreply reception empfang accueil "
    "secretariat sekretariat direction vertrieb ventes bestellung general enquiries inquiries webmaster privacy "
    "legal bilgi iletisim contacto ventas vendite".split()
)
MOST = 320
_PLAIN = re.compile(r"([a-z0-9._%+'-]+)@([a-z0-9.-]+)", re.ASCII | re.IGNORECASE)


class Mail(NamedTuple):
    """``local`` and ``domain`` as the provider takes them."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def mail(text: str) -> Mail | None:
    """The address in ``text``; None where there is nothing like one. A bad one is taken as far as it can be read.

    >>> str(mail("Jane.Doe+fair@GoogleMail.com")), str(mail(" Jane.Doe@Müller.de ")), mail("n/a")
    ('janedoe@gmail.com', 'jane.doe@müller.de', None)
    """
    given = text.strip().removeprefix("mailto:").strip("<>")[:MOST]
    if "@" not in given.strip("@"):
        return None
    local, domain = _plain(given) or _read(given)
    return _kept(local, domain)


def _plain(given: str) -> tuple[str, str] | None:
    """Both parts of an address that no reading would change, as nearly all are: the library costs thirty times that."""
    found = _PLAIN.fullmatch(given)
    return (found[1], found[2]) if found and "xn--" not in given.lower() else None


def _read(given: str) -> tuple[str, str]:
    try:
        valid = validate_email(given, check_deliverability=False, allow_smtputf8=True)
    except EmailNotValidError:
        local, _, domain = given.rpartition("@")
        return local, domain
    return valid.local_part, valid.domain


def _kept(local: str, domain: str) -> Mail | None:
    home = domain.casefold().strip(" .")
    home = _SAME.get(home, home)
    name = fold(local).replace(" and ", "+").strip()
    bare = name.partition("+")[0] or name
    if home in _DOTLESS:
        bare = bare.replace(".", "") or bare
    return Mail(bare, home) if bare and home else None
