"""A Salesforce connection in connections.toml: the shipped example, and what is wrong told at its place."""

from itertools import takewhile

import pytest

from taskhub.policy.load import Known, load
from tests.unit.policy.small import KNOWN, SMALL, accepted, refused, shipped

SALESFORCE = """\
[[connection]]
key = "sf"
system = "salesforce"
name = "Salesforce"
secrets = { path = "SF_PATH" }
[connection.settings]
organization_id = "00D5f0000051ABC"
"""


def test_the_example_that_ships_can_be_switched_on() -> None:
    text = shipped()["connections.toml"]
    example = text[text.index("# ── Salesforce") :].splitlines()[3:]
    switched_on = "\n".join(line[2:] for line in takewhile(lambda line: line.startswith("#"), example))
    assert switched_on.startswith("[[connection]]")
    policies = accepted({**shipped(), "connections.toml": switched_on})
    assert policies.warnings == ()
    connection = policies.connections["salesforce"]
    assert connection.stages["lead"]["Working - Contacted"] == "contacted"
    assert connection.settings["statuses"]["lead"] == {"Rejected": "lost"}


@pytest.mark.parametrize(
    ("more", "key", "said", "hint"),
    [
        ("statuses = { deal = { Signed = 'wno' } }", "statuses.deal.Signed", "must be one of open, won, lost", "won"),
        ("statuses = { deel = {} }", "statuses.deel", "not for deel", "deal"),
        ("statuses = 'won'", "statuses", "must be a table", None),
        ("statuses = { deal = 'won' }", "statuses.deal", "must be a table", None),
        ("lost_reasons = { deal = { Price = 1 } }", "lost_reasons.deal.Price", "our lost reasons", None),
        ("entities = { Enquiry__c = 'leed' }", "entities.Enquiry__c", "must be one of lead", "lead"),
        ("entities = ['Lead']", "entities", "must be a table", None),
        ("own_user = 'anna'", "own_user", "15 or 18 characters", None),
        ("pipelines = { x = 'sale' }", "pipelines.x", "no pipeline", "sales"),
        ("username = 'anna'", "username", "such as taskhub@example.com", None),
        ("login_url = 'test.salesforce.com'", "login_url", "must be an address", None),
        ("audience = ['https://login.salesforce.com']", "audience", "must be an address", None),
    ],
)
def test_what_is_wrong_is_told_at_its_place(more: str, key: str, said: str, hint: str | None) -> None:
    [problem] = refused({**SMALL, "connections.toml": SALESFORCE + more + "\n"})
    assert (problem.line, problem.key) == (8, f"connection.sf.settings.{key}")
    assert said in problem.message
    assert problem.suggestion == hint


def test_without_a_secret_nobody_would_be_let_in() -> None:
    [problem] = refused({**SMALL, "connections.toml": SALESFORCE.replace('secrets = { path = "SF_PATH" }', "")})
    assert "path or bearer or signing_key" in problem.message


BY_KEY = SALESFORCE.replace('path = "SF_PATH"', 'path = "SF_PATH", client_id = "SF_ID", private_key = "SF_KEY"')


def test_a_key_logs_in_as_a_user() -> None:
    [problem] = refused({**SMALL, "connections.toml": BY_KEY})
    assert (problem.line, problem.key) == (6, "connection.sf.settings")
    assert "username" in problem.message
    more = 'username = "taskhub@example.com"\nlogin_url = "https://test.salesforce.com/"\n'
    policies = accepted({**SMALL, "connections.toml": BY_KEY + more})
    assert policies.connections["sf"].secrets["private_key"] == "SF_KEY"
    assert policies.warnings == ()


def test_two_ways_to_log_in_are_refused() -> None:
    both = BY_KEY.replace("private_key =", 'client_secret = "SF_SECRET", private_key =')
    [problem] = refused({**SMALL, "connections.toml": both + 'username = "taskhub@example.com"\n'})
    assert (problem.line, problem.key) == (5, "connection.sf.secrets")
    assert "client_secret and private_key are two ways to log in: keep one" in problem.message


@pytest.mark.parametrize("more", [
    'username = "taskhub@example.com"', 'login_url = "https://test.salesforce.com"',
    'audience = "https://test.salesforce.com"',
])  # fmt: skip
def test_what_belongs_to_a_key_is_refused_beside_a_client_secret(more: str) -> None:
    text = BY_KEY.replace('private_key = "SF_KEY"', 'client_secret = "SF_SECRET"') + more + "\n"
    name = more.partition(" ")[0]
    [problem] = refused({**SMALL, "connections.toml": text})
    assert (problem.line, problem.key) == (8, f"connection.sf.settings.{name}")
    assert f"take {name} away, or name private_key instead" in problem.message
    # What was accepted once goes on: a new version does not stop the house.
    old = Known(KNOWN.strategies, KNOWN.models, KNOWN.orders, gone=True)
    assert load({**SMALL, "connections.toml": text}, known=old).connections["sf"].settings[name]


def test_a_key_written_into_the_file_is_refused_and_not_repeated() -> None:
    text = BY_KEY.replace('"SF_KEY"', '"MIIEvQIBADANBg"') + 'username = "taskhub@example.com"\n'
    [problem] = refused({**SMALL, "connections.toml": text})
    assert "name of an environment variable" in problem.message
    assert "MIIE" not in problem.message


def test_an_unknown_secret_is_told_with_the_nearest() -> None:
    [problem] = refused({**SMALL, "connections.toml": SALESFORCE.replace("path =", "pth =")})
    assert problem.suggestion == "path"


def test_an_organisation_that_is_not_named_is_a_doubt() -> None:
    policies = accepted({**SMALL, "connections.toml": SALESFORCE.partition("[connection.settings]")[0]})
    assert ["organization_id" in one.message for one in policies.warnings] == [True]
    assert accepted({**SMALL, "connections.toml": SALESFORCE}).warnings == ()


def test_lost_reasons_are_ours() -> None:
    more = "lost_reasons = { deal = { Expensive = 'prise' } }\n"
    [problem] = refused({**SMALL, "connections.toml": SALESFORCE + more})
    assert (problem.key, problem.suggestion) == ("connection.sf.settings.lost_reasons.deal.Expensive", "price")
    assert accepted({**SMALL, "connections.toml": SALESFORCE + more.replace("prise", "price")}).connections["sf"]
