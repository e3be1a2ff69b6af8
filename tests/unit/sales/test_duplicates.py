"""Names, companies, addresses and numbers in their comparable form; verdicts with their reasons."""

from __future__ import annotations

import pytest

from taskhub.sales.duplicates import likeness, sentences
from taskhub.sales.duplicates.companies import company
from taskhub.sales.duplicates.judge import AGAINST, FIELDS, OF_COMPANY, OF_PERSON, SWAPPED, judge
from taskhub.sales.duplicates.mail import mail
from taskhub.sales.duplicates.phones import phone
from taskhub.sales.duplicates.prints import COMPANY, print_of

JANE = {"name": "Jane Smith", "company": "Acme Ltd", "email": "jane.smith@acme.com", "phone": "+44 20 7946 0018"}


@pytest.mark.parametrize(
    "text",
    [
        "Yıldız",
        "YILDIZ A.Ş.",
        "Yildiz Ltd. Şti.",
        "yıldız anonim şirketi",
        "Yıldız, Inc.",
        "The Yildiz Company",
        "YILDIZ S.à r.l.",
        "Yıldız GmbH & Co. KG",
        "Yildiz Sp. z o.o.",
        "Yildiz S.A. de C.V.",
        "Yildiz d.o.o.",
        "OOO Yildiz",
        "PT Yildiz Tbk",
        "Yildiz Pty Ltd",
        "Yildiz Sdn. Bhd.",
        "Yildiz UG (haftungsbeschränkt)",
        "Yildiz株式会社",
        "Yildiz S.p.A.",
        "Yildiz A/S",
    ],
)
def test_a_company_is_the_same_under_every_legal_form(text: str) -> None:
    assert company(text) == ("yildiz",)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("GmbH", ("gmbh",)),
        ("Co & Co", ("co",)),
        ("AG Consulting", ("ag", "consulting")),
        ("3M Company", ("3m",)),
        ("The", ("the",)),
        ("J. C. Penney", ("jc", "penney")),
        ("1 2 3 Ltd", ("1", "2", "3")),
        ("", ()),
    ],
)
def test_what_names_a_company_is_kept(text: str, kept: tuple[str, ...]) -> None:
    assert company(text) == kept


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Jane.Doe+fair@GMail.com", "janedoe@gmail.com"),
        ("j.a.n.e@googlemail.com", "jane@gmail.com"),
        ("Jane.Doe+fair@acme.com", "jane.doe@acme.com"),
        ("JANE.DOE@ACME.COM", "jane.doe@acme.com"),
        ("<jane@acme.com>", "jane@acme.com"),
        ("mailto:jane@acme.com", "jane@acme.com"),
        ("jane@münchen.de", "jane@münchen.de"),
        ("jane@xn--mnchen-3ya.de", "jane@münchen.de"),
        ("+tag@acme.com", "+tag@acme.com"),
        ("jane..doe@acme.com", "jane..doe@acme.com"),
        ("none", None),
        ("@", None),
        ("", None),
        ("jane@", None),
    ],
)
def test_an_address_is_what_its_provider_delivers_to(text: str, read: str | None) -> None:
    found = mail(text)
    assert (str(found) if found else None) == read


@pytest.mark.parametrize(
    ("text", "region", "read"),
    [
        ("020 7946 0018", "GB", "442079460018"),
        ("+44 (0)20 7946 0018", "FR", "442079460018"),
        ("0044 20 7946 0018", "US", "442079460018"),
        ("(415) 327-2875 x12", "US", "14153272875"),
        ("01 42 68 53 00", "FR", "33142685300"),
        ("0142685300", None, "142685300"),
        ("+33 1 42 68 53 00 poste 4", "US", "33142685300"),
        ("٠١٤٢٦٨٥٣٠٠", "FR", "33142685300"),
        ("n/a", "FR", None),
        ("12345", "FR", None),
    ],
)
def test_a_number_is_the_same_in_every_form(text: str, region: str | None, read: str | None) -> None:
    assert phone(text, region) == read


def verdict(changes: dict[str, str | None], others: dict[str, str | None] | None = None) -> tuple[float, list[str]]:
    one, two = print_of("lead", {**JANE, **(others or {})}, "GB"), print_of("lead", {**JANE, **changes}, "GB")
    found = judge(one, two)
    return found.score, [what for what, _ in found.reasons]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "SMITH, Jane"},
        {"name": "Jane Smiht", "company": "Acme Inc."},
        {"email": None, "phone": None},
        {"name": None, "phone": None},
        {"name": "Acme", "company": "Jane Smith"},
        {"company": None, "phone": None},
        {"email": "+44 20 7946 0018", "phone": "jane.smith@acme.com"},
        {"name": "J. Smith", "phone": None},
        {"name": "Jane Mary Smith", "email": None},
        {"phone": "020 7946 0081", "email": "jane.smiht@acme.com"},
    ],
)
def test_the_same_person_is_seen_through_slips_and_gaps(changes: dict[str, str | None]) -> None:
    score, _ = verdict(changes)
    assert score >= 60


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "John Miller", "email": "john.miller@acme.com"},
        {"name": "Joan Smith", "email": "joan.smith@acme.com", "phone": None},
        {"name": "Peter Smith", "email": "peter.smith@acme.com"},
        {"company": "Beta", "email": "jane.smith@beta.com", "phone": "+44 161 496 0000"},
        {"name": None, "email": None},
        {"name": "John Miller", "company": "Beta"},
        {"name": "Bob", "email": "info@acme.com"},
    ],
)
def test_colleagues_relatives_and_namesakes_stay_apart(changes: dict[str, str | None]) -> None:
    score, _ = verdict(changes)
    assert score < 60


def test_a_mailbox_of_many_says_little() -> None:
    shared = {"email": "info@acme.com"}
    score, reasons = verdict({**shared, "name": "John Miller", "phone": None}, shared)
    assert score < 5
    assert "email_shared" in reasons


def test_reasons_say_what_speaks_for_and_against() -> None:
    assert verdict({"company": "Beta"})[1] == ["email_same", "name_same", "phone_same", "company_other"]
    assert "swapped" in verdict({"name": "Acme", "company": "Jane Smith"})[1]
    assert verdict({"name": None, "email": None})[1] == ["phone_same", "company_same", "nameless"]
    one = {"name": "Mary Hill", "email": "mary.hill@acme.com"}
    assert "own_address" in verdict({"name": "Mary Hall", "email": "mary.hall@acme.com"}, one)[1]


def test_accounts_are_compared_by_company() -> None:
    one = print_of("account", {"name": "Müller & Söhne GmbH", "email": "info@mueller.de"}, "DE")
    assert judge(one, print_of("account", {"name": "MULLER SOHNE AG"}, "DE"), COMPANY).score >= 60
    assert judge(one, print_of("account", {"name": "Meyer GmbH"}, "DE"), COMPANY).score < 60


def test_every_reason_there_can_be_has_words_in_both_languages() -> None:
    levels = zip(FIELDS * 2, (*OF_PERSON, *OF_COMPANY), strict=True)
    codes = {f"{field}_{level}" for field, weights in levels for level, bits in weights.items() if bits}
    codes |= {SWAPPED, *AGAINST}
    for language in sentences.LANGUAGES:
        assert codes <= sentences.WORDS[language].keys()
        assert all(sentences.reason(code, language) != code for code in codes)


def test_a_sentence_in_french() -> None:
    said = sentences.why((("email_same", 8.0), ("name_near", 4.0), ("phone_other", -3.0)), "fr-CH", likely=False)
    assert said == (
        "Peut-être la même fiche\u00a0: la même adresse e-mail\u202f; un nom à une faute de frappe près."
        " Contre\u00a0: un autre numéro de téléphone."
    )


@pytest.mark.parametrize(
    ("one", "two", "level"),
    [
        ("jane smith", "jane smith", "same"),
        ("jane smith", "jnae smith", "near"),
        ("mc donald", "mcdonald", "same"),
        ("jane smith", "j smith", "part"),
        ("jane smith", "jane mary smith", "part"),
        ("jane smith", "peter smith", "kin"),
        ("jane smith", "john miller", "other"),
        ("jane smith", "", "unknown"),
        ("li wu", "lu wu", "kin"),
    ],
)
def test_how_alike_two_names_are(one: str, two: str, level: str) -> None:
    assert likeness.names(tuple(sorted(one.split())), tuple(sorted(two.split()))) == level
