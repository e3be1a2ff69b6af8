"""A set of files is asked whether its ladders fit this house when it is accepted; one in force loads anywhere."""

import pytest

from taskhub import bootstrap
from taskhub.db.database import Database
from taskhub.errors import PolicyError
from taskhub.flow import FLOW


@pytest.fixture
def texts() -> dict[str, str]:
    return bootstrap.read_config(bootstrap.example_config())


def test_the_example_fits(sqlite_url: str, texts: dict[str, str]) -> None:
    db = Database(sqlite_url, flow=FLOW, loader=bootstrap.policies)
    assert bootstrap.wanted(texts, db).escalations
    db.close()


def test_what_is_not_there_is_named_with_its_line_and_what_was_meant(
    sqlite_url: str, texts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_CHANNEL", "json://ops")
    steps = texts["escalation.toml"].replace('notify = ["agent"]', 'notify = ["agent", "url:OPS_CHANEL"]', 1)
    steps = steps.replace("raise_priority = 1", 'raise_priority = 1\nwiden = ["front-lin"]', 1)
    changed = texts | {"escalation.toml": steps}
    db = Database(sqlite_url, flow=FLOW, loader=bootstrap.policies)
    with pytest.raises(PolicyError) as raised:
        bootstrap.wanted(changed, db)
    db.close()
    lines = steps.splitlines()
    variable, team = raised.value.problems
    assert "OPS_CHANEL" in lines[variable.line - 1]
    assert (variable.key, variable.suggestion) == ("escalation.standard.steps[1].notify[1]", "OPS_CHANNEL")
    assert "front-lin" in lines[team.line - 1]
    assert (team.key, team.suggestion) == ("escalation.standard.steps[2].widen[0]", "front-line")
    # A machine without the variable still loads the set that is in force.
    assert bootstrap.policies(changed).escalations["standard"].steps[1].widen == ("front-lin",)
    monkeypatch.setenv("OPS_CHANEL", "json://ops")
    assert bootstrap.wanted(changed).escalations
