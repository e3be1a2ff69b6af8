"""What holds of every text and every pair: folded once is folded for good, and nobody comes first."""

from __future__ import annotations

import unicodedata
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from taskhub.policy.duplicates import DuplicatePolicy
from taskhub.sales.duplicates import likeness
from taskhub.sales.duplicates.blocking import keys_of
from taskhub.sales.duplicates.companies import FORMS, company
from taskhub.sales.duplicates.judge import judge, judged
from taskhub.sales.duplicates.letters import fold, words
from taskhub.sales.duplicates.mail import mail
from taskhub.sales.duplicates.persons import person
from taskhub.sales.duplicates.phones import phone
from taskhub.sales.duplicates.prints import COMPANY, PERSON, Print, packed, print_of, unpacked
from taskhub.sales.duplicates.runs import compared

TEXTS = st.text(max_size=40)
NAMED = st.text(st.sampled_from("aeoJSmith Müllerßıİşéø-'.,&"), max_size=24)
ANY = st.one_of(TEXTS, NAMED)
FEW = {
    "name": st.sampled_from(["Ann Lee", "Lee, Ann", "Anna Lee", "Bo Lee", "Acme", "", None]),
    "company": st.sampled_from(["Acme Ltd", "ACME", "Acmee", "Ann Lee", "Beta & Co", None]),
    "email": st.sampled_from(["ann.lee@acme.com", "anna.lee@acme.com", "info@acme.com", "020 7946 0018", None]),
    "phone": st.sampled_from(["+44 20 7946 0018", "020 7946 0019", "ann.lee@acme.com", "1", None]),
}
FIELDS = st.one_of(st.fixed_dictionaries(FEW), st.fixed_dictionaries(dict.fromkeys(FEW, st.one_of(st.none(), ANY))))
WORD = st.text(st.sampled_from("aeoJSmith Müllerßıİşéø"), min_size=1, max_size=24).filter(str.strip)
WHOLE = st.builds(
    lambda name, company, local, last: print_of(
        "lead", {"name": name, "company": company, "email": f"{local}@acme.com", "phone": f"+4420794{last}"}, "GB"
    ),
    WORD, WORD, st.from_regex(r"[a-h]{2}[a-z.]{0,9}[a-z]", fullmatch=True), st.integers(60_000, 69_999),
)  # fmt: skip
PRINTS = FIELDS.map(lambda fields: print_of("lead", fields, "GB"))


@given(ANY)
def test_what_is_folded_stays_as_it_is(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    for read in (words, person, company):
        assert read(" ".join(read(text))) == read(text)


@given(NAMED)
def test_composed_or_not_large_or_small_it_is_the_same(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert words(unicodedata.normalize(form, text)) == words(text)
    assert words(text.upper()) == words(text.lower()) == words(text)


@given(NAMED, st.sampled_from(sorted(" ".join(form) for form in FORMS)))
def test_a_legal_form_behind_a_name_changes_nothing(text: str, form: str) -> None:
    assume(len(company(text)) > 0 and len(words(text)[-1]) > 1)
    assume(company(text) != tuple(words(text)) or (words(text)[-1],) not in FORMS)
    assert company(f"{text}, {form.upper()}") == company(text)


@given(st.one_of(ANY, st.emails()))
def test_an_address_that_was_read_reads_the_same(text: str) -> None:
    read = mail(text)
    assert read is None or mail(str(read)) == read


@given(
    st.integers(0, 9_999), st.sampled_from(["+44 ", "+44", "0044 ", "+44 (0)", "0", "(0)"]),
    st.lists(st.sampled_from(["", " ", "-", ".", "/", " - "]), min_size=9, max_size=9),
)  # fmt: skip
def test_a_number_is_the_same_however_it_is_written(last: int, head: str, between: list[str]) -> None:
    digits = f"207946{last:04}"
    written = head + "".join(digit + gap for digit, gap in zip(digits, [*between, ""], strict=True))
    assert phone(written, "GB") == f"44{digits}"


@given(ANY, st.sampled_from(["GB", "US", None]))
def test_a_number_is_digits_or_nothing(text: str, region: str | None) -> None:
    read = phone(text, region)
    assert read is None or (read.isascii() and read.isdigit() and len(read) <= 20)


@given(FIELDS, st.sampled_from(["lead", "contact", "account"]))
def test_a_print_is_stored_without_loss(fields: dict[str, str], noun: str) -> None:
    one = print_of(noun, fields, "GB")
    assert unpacked(*packed(one).values()) == one
    assert one.tells == any(packed(one).values())


@given(PRINTS, PRINTS, st.sampled_from([PERSON, COMPANY]))
def test_nobody_comes_first(one: Print, two: Print, family: str) -> None:
    assert judge(one, two, family) == judge(two, one, family)
    assert 0 <= judge(one, two, family).score <= 100
    for least in (0.0, 60.0):
        verdict = judged(one, two, family, least=least)
        assert verdict == (judge(one, two, family) if judge(one, two, family).score >= least else None)


@given(WHOLE)
def test_no_other_record_is_likelier_than_the_record_itself(one: Print) -> None:
    assert judge(one, one).score > 95
    assert all(bits > 0 for _, bits in judge(one, one).reasons)


@given(st.lists(PRINTS, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(some: list[Print], rng: object) -> None:
    block = [(f"lead:{number}", one) for number, one in enumerate(some)]
    mixed = sorted(block, key=lambda _: rng.random())
    rules = DuplicatePolicy()
    found = list(compared(block, rules))
    assert sorted(found, key=repr) == sorted(compared(mixed, rules), key=repr)
    assert all(each.one < each.two for each in found)
    likely = {(each.one, each.two) for each in found}
    for (one, mine), (two, theirs) in combinations(block, 2):
        assert ((one, two) in likely) == (judge(mine, theirs).score >= rules.possible)


@given(PRINTS)
def test_keys_are_of_the_print_alone_and_fit_into_the_column(one: Print) -> None:
    for family in (PERSON, COMPANY):
        keys = keys_of(one, family)
        assert list(keys) == sorted(set(keys))
        assert all(-(2**63) <= key < 2**63 for key in keys)
    assert not set(keys_of(one, PERSON)) & set(keys_of(one, COMPANY))


@given(NAMED, NAMED)
def test_likeness_is_the_same_both_ways(one: str, two: str) -> None:
    for read, like in ((person, likeness.names), (company, likeness.companies)):
        mine, theirs = tuple(sorted(read(one))), tuple(sorted(read(two)))
        assert like(mine, theirs) == like(theirs, mine)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("İSTANBUL", "istanbul"), ("ışık", "ISIK"), ("Straße", "STRASSE"), ("Œuvre", "oeuvre"), ("ﬁrst", "first"),
        ("Zoe\u0308", "Zoë"), ("Łódź", "Lodz"), ("Ægir", "aegir"), ("Ｆｕｌｌ", "full"), ("Ö’Brien", "obrien"),
    ],
)  # fmt: skip
def test_two_ways_of_writing_one_word(one: str, two: str) -> None:
    assert words(one) == words(two)
