"""How often taskhub looks by itself, and the system whose hooks nobody reads."""

from datetime import timedelta

import pytest

from taskhub.errors import PolicyError
from taskhub.policy.load import Known, load
from tests.unit.policy.small import KNOWN, SMALL

CRM = '[[connection]]\nkey = "crm"\nsystem = "{}"\nname = "CRM"\nsecrets = {{ path = "CRM_PATH" }}\n'


def connection(*lines: str, system: str = "pipedrive", known: Known = KNOWN):
    files = {**SMALL, "connections.toml": CRM.format(system) + "\n".join(lines)}
    return load(files, known=known).connections["crm"]


def problem(*lines: str, system: str = "pipedrive"):
    with pytest.raises(PolicyError) as refused:
        connection(*lines, system=system)
    [one] = refused.value.problems
    return one


def test_unless_told_otherwise_every_quarter_of_an_hour():
    assert (connection().poll, connection().renew_webhooks) == (timedelta(minutes=15), True)


@pytest.mark.parametrize(("said", "poll"), [("1m", 60), ("1d", 86_400), ("0s", 0), ("1h30m", 5_400)])
def test_as_often_as_it_says(said, poll):
    assert connection(f'poll = "{said}"').poll == timedelta(seconds=poll)


@pytest.mark.parametrize("said", ['"59s"', '"25h"', '"soon"', "15", "true", '""'])
def test_not_more_often_than_each_minute_nor_less_than_each_day(said):
    assert problem(f"poll = {said}").key == "connection.crm.poll"


def test_a_misspelt_switch_is_named():
    assert problem("renew_webhook = false").suggestion == "renew_webhooks"
    assert problem('renew_webhooks = "no"').key == "connection.crm.renew_webhooks"
    assert not connection("renew_webhooks = false").renew_webhooks


def test_a_system_whose_hooks_nobody_reads_is_refused_with_the_one_that_is_meant():
    one = problem(system="webhooks")
    assert (one.key, one.suggestion) == ("connection.crm.system", "standard_webhooks")


def test_a_set_that_was_accepted_with_it_stays_in_force():
    old = Known(KNOWN.strategies, KNOWN.models, KNOWN.orders, gone=True)
    assert connection(system="webhooks", known=old).system == "webhooks"
