"""Why two records may be the same, in words, English and French. Made on reading, never stored.

French: U+00A0 before a colon, U+202F before a semicolon.
"""

from __future__ import annotations

from collections.abc import Iterable

LANGUAGES = ("en", "fr")
# Whether the reason speaks for or against stands in the sign of its bits.
WORDS = {
    "en": {
        "name_same": "the same name", "name_near": "a name that differs by a slip",
        "name_far": "a similar name", "name_part": "a name of which one says only a part",
        "name_kin": "only a part of the name is the same", "name_other": "another name",
        "company_same": "the same company", "company_near": "a company that differs by a slip",
        "company_far": "a similar company", "company_part": "a company of which one says only a part",
        "company_other": "another company",
        "email_same": "the same e-mail address", "email_near": "an e-mail address that differs by a slip",
        "email_far": "a similar e-mail address", "email_shared": "a mailbox that many share",
        "email_domain": "another e-mail address of the same house", "email_other": "another e-mail address",
        "phone_same": "the same telephone number", "phone_near": "a telephone number that differs by a slip",
        "phone_far": "a similar telephone number", "phone_other": "another telephone number",
        "swapped": "name and company in each other's place",
        "own_address": "each has an address in their own name",
        "own_ways": "both ways to reach them are others",
        "nameless": "one of them has no name",
    },
    "fr": {
        "name_same": "le même nom", "name_near": "un nom à une faute de frappe près",
        "name_far": "un nom proche", "name_part": "un nom dont l'une n'indique qu'une partie",
        "name_kin": "une partie du nom seulement est la même", "name_other": "un autre nom",
        "company_same": "la même entreprise", "company_near": "une entreprise à une faute de frappe près",
        "company_far": "une entreprise au nom proche",
        "company_part": "une entreprise dont l'une n'indique qu'une partie",
        "company_other": "une autre entreprise",
        "email_same": "la même adresse e-mail", "email_near": "une adresse e-mail à une faute de frappe près",
        "email_far": "une adresse e-mail proche", "email_shared": "une boîte aux lettres partagée par plusieurs",
        "email_domain": "une autre adresse e-mail de la même maison", "email_other": "une autre adresse e-mail",
        "phone_same": "le même numéro de téléphone", "phone_near": "un numéro de téléphone à une faute de frappe près",
        "phone_far": "un numéro de téléphone proche", "phone_other": "un autre numéro de téléphone",
        "swapped": "nom et entreprise intervertis",
        "own_address": "chacune a une adresse à son propre nom",
        "own_ways": "les deux moyens de les joindre diffèrent",
        "nameless": "l'une des deux n'a pas de nom",
    },
}  # fmt: skip
HEADS = {
    "en": {True: "Very likely the same: {for_}.", False: "Possibly the same: {for_}.", "against": " Against it: {}."},
    "fr": {
        True: "Très probablement la même fiche\u00a0: {for_}.",
        False: "Peut-être la même fiche\u00a0: {for_}.",
        "against": " Contre\u00a0: {}.",
    },
}
JOIN = {"en": "; ", "fr": "\u202f; "}


MERGED = {
    "en": {
        "chosen": "you chose it", "only": "only this record says it", "same": "all say the same",
        "newer": "it was said last", "earliest": "a customer since the earliest day",
        "way": "the record that stays keeps its way and its owner", "link": "the record that stays keeps its links",
    },
    "fr": {
        "chosen": "vous l’avez choisi", "only": "seule cette fiche l’indique", "same": "toutes disent la même chose",
        "newer": "c’est l’information la plus récente", "earliest": "client depuis la date la plus ancienne",
        "way": "la fiche conservée garde son parcours et son responsable",
        "link": "la fiche conservée garde ses rattachements",
    },
}  # fmt: skip
"""Why a value wins where records are merged."""


def wins(why_: str, language: str = "en") -> str:
    """Why a value wins, in words.

    >>> wins("newer"), wins("only", "fr-CA")
    ('it was said last', 'seule cette fiche l’indique')
    """
    return MERGED[_known(language)][why_]


def why(reasons: Iterable[tuple[str, float]], language: str = "en", *, likely: bool) -> str:
    """One sentence for what speaks for it, one for what speaks against it.

    >>> why((("email_same", 8.0), ("name_near", 4.0), ("company_other", -3.0)), likely=True)
    'Very likely the same: the same e-mail address; a name that differs by a slip. Against it: another company.'
    """
    known, told = _known(language), tuple(reasons)
    for_ = JOIN[known].join(reason(what, known) for what, bits in told if bits > 0)
    against = JOIN[known].join(reason(what, known) for what, bits in told if bits < 0)
    head = HEADS[known][likely].format(for_=for_)
    return head + HEADS[known]["against"].format(against) if against else head


def reason(code: str, language: str = "en") -> str:
    """One reason in words; an unknown one is shown as it is."""
    return WORDS[_known(language)].get(code, code)


def _known(language: str) -> str:
    short = language[:2].lower()
    return short if short in LANGUAGES else LANGUAGES[0]
