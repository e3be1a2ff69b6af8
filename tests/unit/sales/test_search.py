"""Words are folded alike on both sides; what answers best stands first; numbers are found however they are written."""

from __future__ import annotations

import pytest

from taskhub.errors import InvalidInput
from taskhub.sales.search.ranking import LONGEST, matched, score, snippet
from taskhub.sales.search.tokens import MOST_TERMS, Term, entry, groups_of, parts, terms, with_parts, words_of

ANN = {
    "title": "Große Bestellung", "name": "Ann Éloïse Roux", "company": "Atelier Roux & Fils", "owner": "rob",
    "email": "Ann.Roux@Müller.example", "phone": "06 12 34 56 78", "stage": "new", "order_no": "PO-2024/0017",
    "rank": 7, "vip": True,
}  # fmt: skip


def answers(q: str, fields: dict[str, object] = ANN, region: str | None = "FR") -> bool:
    """Whether every term of q is met by the entry, as the database asks for it."""
    kept = entry("lead", fields, region)
    assert kept is not None
    return all(score([term], kept.text) > 0 for term in terms(q, region))


@pytest.mark.parametrize(
    "q",
    [
        "roux", "ROUX ann", "ann roux", "eloise", "ÉLOÏSE", "E\u0301loi\u0308se", "grosse", "GROSSE best", "ouxx"[:3],
        "teli", "muller", "müller", "ann.roux@müller.example", "roux@muller", "fils atelier", "0612345678",
        "06 12 34 56 78", "+33 6 12 34 56 78", "0033612345678", "06.12.34.56.78", "345678", "po-2024/0017", "PO 2024",
        "20240017", "0017", "7", "roux 06 12 34 56 78 ann",
    ],
)  # fmt: skip
def test_it_is_found(q: str) -> None:
    assert answers(q)


@pytest.mark.parametrize("q", ["rouxel", "ann durand", "new", "true", "0612345679", "nn", "oux fil x"])
def test_it_is_not_found(q: str) -> None:
    assert not answers(q)


def test_what_nobody_looks_for_is_not_kept() -> None:
    kept = entry("lead", ANN, "FR")
    assert kept is not None
    assert kept.owner == "rob"
    assert {"rob", "new", "true"}.isdisjoint(words_of(kept.text))
    assert [number for number, _ in groups_of(kept.text)] == [1, 2, 3]
    assert entry("lead", {**ANN, "deleted": True}, "FR") is None


@pytest.mark.parametrize("q", ["+33612345678", "0033 6 12 34 56 78", "0612345678", "06.12.34.56.78", "345678"])
def test_a_telephone_number_answers_however_it_is_written(q: str) -> None:
    assert [one.field for one in matched(terms(q, "FR"), "lead", ANN, "FR")] == ["phone"]


def test_a_task_is_found_by_its_title_and_data() -> None:
    kept = entry("task", {"title": "Agreement with Roux", "data": {"po": "A-17", "nested": {"x": "y"}}}, None)
    assert kept is not None
    assert words_of(kept.text) == {"agreement", "with", "roux", "a", "17"}


def test_names_come_before_addresses_and_whole_words_before_parts() -> None:
    def of(**fields: str) -> int:
        kept = entry("contact", fields, None)
        assert kept is not None
        return score(terms("roux", None), kept.text)

    ladder = [of(name="Roux"), of(name="Ann Roux"), of(email="a@roux.example"), of(name="Rouxel"), of(own="roux")]
    assert ladder == sorted(set(ladder), reverse=True)
    assert of(name="Garoux") < of(name="Rouxel")


def test_matched_fields_with_what_they_say() -> None:
    found = matched(terms("roux 0017", None), "lead", ANN)
    assert [(one.field, one.snippet) for one in found] == [
        ("name", "Ann Éloïse Roux"), ("company", "Atelier Roux & Fils"), ("email", "Ann.Roux@Müller.example"),
        ("order_no", "PO-2024/0017"),
    ]  # fmt: skip


def test_snippets_are_cut_around_the_word_and_keep_its_spelling() -> None:
    long = f"{'voilà ' * 60}Éloïse {'encore ' * 60}"
    cut = snippet(long, Term(("eloise",)))
    assert "Éloïse" in cut
    assert cut.startswith("…")
    assert cut.endswith("…")
    assert len(cut) <= LONGEST + 2
    assert snippet("x" * 5_000, Term(("nowhere",))).startswith("xxx")


@pytest.mark.parametrize("q", ["", " ", "!?", "\u202e", "…", "a b c d e f g h i j k"])
def test_what_asks_for_nothing_or_too_much_is_refused(q: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        terms(q, None)
    assert refused.value.fields["errors"][0]["path"] == "q"
    assert MOST_TERMS == 10


def test_parts_of_a_word_are_its_ends() -> None:
    assert list(parts("roux")) == ["roux", "oux"]
    assert list(parts("an")) == ["an"]
    assert list(parts("12345")) == ["12345", "2345"]
    assert list(parts("東京都")) == ["東京都", "京都"]
    assert list(parts("0a1b2c3d4e5f6")) == ["0a1b2c3d4e5f6"]
    assert list(parts("3" * 16)) == ["3" * 16]
    assert len(list(parts("336123456789012"))) == 12


def test_no_record_makes_parts_without_end() -> None:
    many = {f"{'x' * 40}{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(200)}
    some = with_parts(many | {"roux"})
    assert "roux" in some
    assert sum(len(list(parts(word))) for word in some) <= 2_000


@pytest.mark.parametrize(
    "text", ["x" * 10_000, "a " * 10_000, "\ud800", "\x00", "#1 #2", "١٢٣٤٥٦٧٨", "½ ² ㎏ ﷺ", "%_%"]
)
def test_odd_texts_make_bounded_entries(text: str) -> None:
    kept = entry("lead", {"name": text, "phone": text, "own": text}, "FR")
    assert kept is not None
    assert len(kept.text) < 12_000
    assert all(set(word).isdisjoint("%_ #'\"\\") for word in words_of(kept.text))
