"""Columns become fields: proposed from their headings, or as somebody wrote it, with every mistake named."""

from __future__ import annotations

from typing import Any

import pytest

from taskhub.errors import InvalidInput
from taskhub.importing import mapping
from taskhub.importing.mapping_files import read_text

HEADER = ("ID", "Nom complet", "Société", "Montant", "Étape", "Chargé d’affaires", "Créé le", "Couleur")


def test_headings_are_known_in_two_languages_and_what_is_not_is_kept() -> None:
    found = mapping.propose("lead", HEADER)
    assert found.columns == {
        "ID": ("id",), "Nom complet": ("name",), "Société": ("company",), "Montant": ("amount",), "Étape": ("stage",),
        "Chargé d’affaires": ("owner",), "Créé le": ("created_at",), "Couleur": ("fields.couleur",),
    }  # fmt: skip
    assert found.unsure == ()


def test_a_misspelt_heading_is_guessed_and_told() -> None:
    found = mapping.propose("task", ("Kind", "Prioriity", "Titel of it"))
    assert found.columns["Prioriity"] == ("priority",)
    assert found.unsure == ("Prioriity",)


def test_a_deal_s_account_is_a_name_unless_the_name_stands_beside_it() -> None:
    assert mapping.propose("deal", ("account", "x")).columns["account"] == ("account.name",)
    assert mapping.propose("deal", ("account", "account.name")).columns["account"] == ("account",)


def test_two_columns_for_one_field_and_names_of_taskhub_are_kept_apart() -> None:
    found = mapping.propose("lead", ("name", "full name", "version", "1", "Ω"))
    assert found.columns["name"] == ("name",)
    assert found.columns["full name"] == ("fields.full_name",)
    assert found.columns["version"] == ("fields.x_version",)
    assert found.columns["1"] == ("fields.x_1",)
    assert "Ω" not in found.columns
    many = mapping.propose("lead", tuple(f"Thing {n}" for n in range(80)))
    assert len(many.columns) == 50


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"columns": {"Nom complt": "name"}}, "columns.Nom complt: the file has no such column; did you mean Nom complet?"),
    ({"columns": {"ID": "ammount"}}, "columns.ID: 'ammount' is no field of a lead; did you mean amount?"),
    ({"columns": {"ID": "fields.version"}}, "cannot be a field of one's own"),
    ({"columns": {"ID": "name", "Couleur": "name"}}, "columns.Couleur: name is given by 'ID' already"),
    ({"colums": {}}, "colums: is no key of a mapping; did you mean columns?"),
    ({"columns": {"Couleur": "fields.colour"}}, "no column is a field of a lead"),
    ({"columns": {}}, "no column is a field of a lead"),
    ({"columns": []}, "columns: must be a table"),
    ({"columns": {"ID": 5}}, "is no field of a lead"),
    ({"columns": {"ID": ["id", ["x"]]}}, "must be the name of a field"),
    ({"noun": "deal", "columns": {"ID": "id"}}, "noun: this mapping is for deals"),
    ({"columns": {"ID": "id"}, "decimal": ";"}, "decimal: must be one of . ,"),
    ({"columns": {"ID": "id"}, "dates": "iso"}, "dates: must be one of"),
    ({"columns": {"ID": "id"}, "time_zone": "Europe/Pari"}, "did you mean Europe/Paris?"),
    ({"columns": {"ID": "id"}, "time_zone": []}, "is no time zone"),
    ({"columns": {"ID": "id"}, "values": {"stage": {"a": []}}}, "values.stage: must be a table"),
    ({"columns": {"ID": "id"}, "constants": {"stge": "a"}}, "constants.stge: 'stge' is no field of a lead"),
    ({"columns": {"ID": "id"}, "constants": {"owner": "a\x00"}}, "constants.owner: must be text or a number"),
    ({"columns": {"ID": "id"}, "values": {"owner": {"a": "\ud800"}}}, "values.owner: must be a table"),
    ({"columns": {"ID": "id"}, "encoding": 5}, "encoding: must be text"),
]


@pytest.mark.parametrize(("body", "said"), WRONG)
def test_what_is_wrong_is_named(body: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        mapping.read("lead", body, HEADER)
    assert error.value.stable_code == "mapping_invalid"
    assert said in error.value.message


def test_a_task_needs_a_kind() -> None:
    with pytest.raises(InvalidInput, match="no column is kind"):
        mapping.read("task", {"columns": {"ID": "id"}}, HEADER)
    assert mapping.read("task", {"columns": {"ID": "id"}, "constants": {"kind": "contract"}}, HEADER).targets


def test_a_mapping_is_written_and_read_again() -> None:
    body = {
        "noun": "lead", "columns": {"ID": "id", "Étape": ["stage", "fields.was"]}, "values": {"stage": {"Neu": "new"}},
        "constants": {"currency": "EUR"}, "decimal": ",", "dates": "dmy", "time_zone": "Europe/Paris",
    }  # fmt: skip
    found = mapping.read("lead", body, HEADER)
    assert found.body() == body
    assert mapping.read("lead", found.body(), HEADER) == found


def test_files_of_mappings() -> None:
    assert read_text("m.toml", '[columns]\nID = "id"\n') == {"columns": {"ID": "id"}}
    assert read_text("m.json", '{"columns": {}}') == {"columns": {}}
    for name, text in (("m.toml", "x = ="), ("m.json", "{"), ("m.json", "[]")):
        with pytest.raises(InvalidInput, match=f"^{name}"):
            read_text(name, text)
