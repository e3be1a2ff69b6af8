"""A small set of policies that every test of this folder starts from, and ways to break it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from taskhub.errors import PolicyError, Problem
from taskhub.policy.load import Known, load
from taskhub.policy.policies import Policies

CONFIG = Path(__file__).resolve().parents[3] / "config"
KNOWN = Known(
    strategies=frozenset({"least_loaded", "round_robin"}),
    models=frozenset({"dedicated", "rotating"}),
    orders=frozenset({"urgency", "fifo"}),
)
SMALL = {
    "kinds.toml": """\
[[kind]]
key = "contract"
name = { en = "Contract", fr = "Contrat" }
queue = "desk"
sla = "standard"

[[kind]]
key = "billing"
name = "Billing"
queue = "desk"
""",
    "queues.toml": """\
[[queue]]
key = "desk"
name = "Desk"
teams = ["desk"]
calendar = "office"
staffing = { model = "dedicated", params = { team = "desk" } }
""",
    "calendars.toml": """\
[[calendar]]
key = "office"
tz = "Europe/Paris"
weekly = { mon = ["09:00-12:00", "13:00-17:00"] }
""",
    "sla.toml": """\
[[sla]]
key = "standard"
completion = "8h"
escalation = "late"
""",
    "escalation.toml": """\
[[escalation]]
key = "late"
[[escalation.steps]]
overdue_for = "2h"
notify = ["leader"]
""",
    "rules.toml": """\
[[rule]]
key = "won"
on = "deal.won"
when = { "deal.amount" = { gte = 1000 } }
[[rule.tasks]]
kind = "contract"
[[rule.tasks]]
kind = "billing"
waits_for = ["contract"]
""",
    "pipelines.toml": """\
[[pipeline]]
key = "sales"
noun = "deal"
name = "Sales"
lost_reasons = ["price", "timing"]
[[pipeline.stages]]
key = "talk"
name = "Talk"
[[pipeline.stages]]
key = "offer"
name = "Offer"
""",
    "connections.toml": """\
[[connection]]
key = "crm"
system = "pipedrive"
name = "CRM"
secrets = { path = "CRM_PATH" }
stages = { deal = { 1 = "talk" } }
""",
}


def accepted(texts: Mapping[str, str] = SMALL, **changed: str) -> Policies:
    """The set that ``texts`` make; ``changed`` replaces files by their names without .toml."""
    return load({**texts, **{f"{name}.toml": text for name, text in changed.items()}}, known=KNOWN)


def refused(texts: Mapping[str, str] = SMALL, **changed: str) -> list[Problem]:
    """Every problem of the set."""
    with pytest.raises(PolicyError) as caught:
        accepted(texts, **changed)
    return list(caught.value.problems)


def edited(file: str, old: str, new: str) -> list[Problem]:
    """Every problem after one edit of the small set."""
    assert old in SMALL[f"{file}.toml"]
    return refused(**{file: SMALL[f"{file}.toml"].replace(old, new, 1)})


def added(file: str, text: str) -> list[Problem]:
    """Every problem after lines were added at the end of a file."""
    return refused(**{file: SMALL[f"{file}.toml"] + text})


def warned(**changed: str) -> list[str]:
    """Every warning as people read it."""
    return [str(warning) for warning in accepted(**changed).warnings]


def shipped() -> dict[str, str]:
    """The example organisation."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(CONFIG.glob("*.toml"))}
