"""A Pipedrive connection in connections.toml: its words for our lost reasons."""

from dataclasses import replace

import pytest

from taskhub.policy.load import load
from tests.unit.policy.small import KNOWN, SMALL, accepted, refused

PIPEDRIVE = f"{SMALL['connections.toml']}[connection.settings]\n"


@pytest.mark.parametrize(
    ("more", "key", "said"),
    [
        ("lost_reasons = 'price'", "lost_reasons", "must be a table"),
        ("lost_reasons = { lead = { Price = 'price' } }", "lost_reasons.lead", "of leads lost_labels tells"),
        ("lost_reasons = { deal = 'price' }", "lost_reasons.deal", "a table of their words"),
        ("lost_reasons = { deal = { Price = 1 } }", "lost_reasons.deal.Price", "our lost reasons"),
    ],
)
def test_what_is_no_map_of_reasons_is_told_at_its_place(more: str, key: str, said: str) -> None:
    [problem] = refused(connections=PIPEDRIVE + more)
    assert (problem.file, problem.key.endswith(key), said in problem.message) == ("connections.toml", True, True)


def test_a_set_that_was_accepted_before_goes_on() -> None:
    texts = {**SMALL, "connections.toml": f"{PIPEDRIVE}lost_reasons = 'price'"}
    assert load(texts, known=replace(KNOWN, gone=True)).connections


def test_a_connection_knows_what_reasons_are_called_here() -> None:
    named = SMALL["pipelines.toml"].replace(
        'lost_reasons = ["price", "timing"]',
        'lost_reasons = [{ key = "price", name = { en = "Too dear", fr = "Trop cher" } }]',
    )
    found = accepted(pipelines=named, connections=f"{PIPEDRIVE}lost_reasons = {{ deal = {{ Money = 'price' }} }}")
    [names] = found.connections["crm"].reason_names.values()
    assert names["price"].in_("fr") == "Trop cher"
