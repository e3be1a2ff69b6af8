"""What is written becomes what is meant."""

from datetime import timedelta

import pytest

from taskhub.calendars import OpenTime, WorkingDays
from taskhub.escalation.checks import ROLES as ESCALATION_ROLES
from taskhub.events.native import NATIVE_TYPES
from taskhub.policy.promise import Remind, Step
from taskhub.policy.reading import vocabulary
from taskhub.policy.rule import Condition, Raise, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import DEFAULT_MAX_WAIT
from taskhub.sales.model import ENDED
from tests.unit.policy.small import SMALL, accepted, refused


def test_a_kind() -> None:
    extra = """\
weight = 2
expected_minutes = 12.5
level = 3
skill = "contract"
requires = { language = "de", region = ["FR", "DE"] }
[[kind.checklist]]
text = { en = "Check", fr = "Vérifier" }
required = true
when = { "deal.amount" = [1, 2], lead.language = "de" }
field = "number"
url = "https://crm.example/{deal.id}"
"""
    kind = accepted(kinds=SMALL["kinds.toml"] + extra).kinds["billing"]
    assert (kind.weight, kind.expected_minutes, kind.level, kind.skill_key) == (2.0, 12.5, 3, "contract")
    assert kind.requires == {"language": "de", "region": ["FR", "DE"]}
    item = kind.checklist[0]
    assert (item.text.in_("fr"), item.text.in_("de"), item.required) == ("Vérifier", "Check", True)
    assert item.when == {"deal.amount": (1, 2), "lead.language": "de"}
    assert (item.field, item.url) == ("number", "https://crm.example/{deal.id}")


def test_a_kind_with_nothing_but_what_it_needs() -> None:
    kind = accepted().kinds["billing"]
    assert (kind.weight, kind.expected_minutes, kind.level, kind.requires, kind.checklist) == (1.0, 15.0, 1, {}, ())
    assert (kind.sla, kind.skill_key, kind.name) == (None, "billing", LocalText("Billing"))


def test_a_queue() -> None:
    extra = """\
mode = "push"
lease_for = "1h30m"
rotation = "turns"
order = "fifo"
accept_for = "4h"
pick = "never"
skip_budget = 3
on_idle = "return"
hold_for = "2h"
cool_down = "30m"
front_line = true
paused_counts = true
closed = true
paused = true
max_wait = { high = "2h" }
"""
    queue = accepted(queues=SMALL["queues.toml"] + extra).queues["desk"]
    assert (queue.mode, queue.lease_for, queue.turn_key, queue.order) == ("push", timedelta(hours=1.5), "turns", "fifo")
    assert (queue.accept_for, queue.pick, queue.skip_budget) == (timedelta(hours=4), "never", 3)
    assert (queue.on_idle, queue.hold_for, queue.cool_down) == ("return", timedelta(hours=2), timedelta(minutes=30))
    assert (queue.front_line, queue.paused_counts, queue.closed, queue.paused) == (True, True, True, True)
    assert queue.max_wait == {**DEFAULT_MAX_WAIT, "high": timedelta(hours=2)}
    assert queue.staffing.params == {"team": "desk"}
    plain = accepted().queues["desk"]
    assert (plain.mode, plain.order, plain.turn_key, plain.pick, plain.on_idle) == (
        "pull",
        "urgency",
        "desk",
        "reason",
        "hold",
    )
    assert plain.staffing.strategy == "least_loaded"


def test_rules() -> None:
    text = """\
[[rule]]
key = "a"
name = { en = "A", fr = "Un" }
on = ["deal.won", "deal.lost"]
once_per = "record"
sla_from = "occurred_at"
wake = "contract"
complete = ["billing"]
close = "*"
close_reason = "over"
[rule.when]
deal.amount = { gte = 1000, lt = 5000.5 }
"deal.language" = "de"
"deal.stage" = ["talk", "offer"]
"deal.owner".exists = true
"deal.signed_on".gte = 2026-01-01
[[rule.tasks]]
kind = "contract"
title = "Contract for {deal.company}"
priority = "urgent"
sla = "standard"
delay = "1d12h"
level = 2
share = 0.5
not_by = "owner"
not_owner = true
requires = { language = "{deal.language}" }
[[rule.tasks.raises]]
when = { "deal.amount".gte = 2000 }
level = 4
requires = { region = "DE" }
[[rule]]
key = "b"
after = "14d"
close = "*"
[[rule]]
key = "c"
before = { field = "deal.renewal_on", by = "60 days" }
close = "*"
"""
    first, silent, before = accepted(rules=text).rules
    assert (first.on, first.once_per, first.sla_from, first.name) == (
        ("deal.won", "deal.lost"), "record", "occurred_at", LocalText("A", {"fr": "Un"}),
    )  # fmt: skip
    assert (first.wake, first.complete, first.close, first.close_reason) == (
        ("contract",),
        ("billing",),
        ("*",),
        "over",
    )
    assert first.when == (
        Condition("deal.amount", "gte", 1000),
        Condition("deal.amount", "lt", 5000.5),
        Condition("deal.language", "eq", "de"),
        Condition("deal.stage", "in", ("talk", "offer")),
        Condition("deal.owner", "exists", True),
        Condition("deal.signed_on", "gte", "2026-01-01"),
    )
    assert first.tasks == (
        TaskTemplate(
            "contract", "Contract for {deal.company}", "urgent", "standard", timedelta(hours=36), (),
            {"language": "{deal.language}"}, 2,
            (Raise((Condition("deal.amount", "gte", 2000),), {"region": "DE"}, 4),),
            0.5, "owner", True,
        ),
    )  # fmt: skip
    assert (silent.on, silent.after) == ((), timedelta(days=14))
    assert (before.before_field, before.before_by) == ("deal.renewal_on", timedelta(days=60))


MONTHLY = '[[rule]]\nkey = "monthly"\nevery = "first working day"\n'
BILLING = '[[rule.tasks]]\nkind = "billing"\n'


def test_a_rule_may_fire_every_month() -> None:
    policies = accepted(rules=MONTHLY + BILLING)
    (rule,) = policies.rules
    assert (rule.on, rule.every, rule.calendar) == ((), "first working day", None)
    assert policies.calendar_for(rule) == policies.calendars["office"]
    other = (
        SMALL["calendars.toml"] + '[[calendar]]\nkey = "far"\ntz = "Asia/Tokyo"\nweekly = { tue = ["09:00-12:00"] }\n'
    )
    policies = accepted(calendars=other, rules=MONTHLY + 'calendar = "far"\n' + BILLING)
    (rule,) = policies.rules
    assert policies.calendar_for(rule) == policies.calendars["far"]
    assert str(policies.zone_for(rule)) == "Asia/Tokyo"
    assert not any("far" in str(warning) for warning in policies.warnings)


@pytest.mark.parametrize(
    ("rule", "task", "key", "message"),
    [
        ('on = "deal.won"', "", "on", "once a month and by nothing else"),
        ('after = "2d"', "", "after", "once a month and by nothing else"),
        ('when = { "deal.amount" = { gte = 5 } }', "", "when", "about no record"),
        ('close = "billing"', "", "close", "about no record"),
        ('once_per = "record"', "", "once_per", "about no record"),
        ("", 'waits_for = ["contract"]', "tasks[1].waits_for", "about no record"),
        ("", "not_owner = true", "tasks[1].not_owner", "about no record"),
        ("", 'not_by = "owner"', "tasks[1].not_by", "about no record"),
        ("", 'title = "Close {deal.title}"', "tasks[1].title", "write it out"),
        ("", 'requires = { language = "{deal.language}" }', "tasks[1].requires.language", "write it out"),
        ("", 'requires = { language = ["fr", "{deal.language}"] }', "tasks[1].requires.language", "write it out"),
        ("", 'not_by = "completer"', "tasks[1].not_by", "speaks of the task before"),
        ('calendar = "ofice"', "", "calendar", "ofice"),
    ],
)
def test_a_month_has_no_record(rule: str, task: str, key: str, message: str) -> None:
    found = [str(one) for one in refused(rules=f"{MONTHLY}{rule}\n{BILLING}{task}\n")]
    assert any(f"rule.monthly.{key}" in one and message in one for one in found), found


def test_other_triggers_and_rules_without_a_calendar_to_look_at() -> None:
    (found,) = refused(rules=MONTHLY.replace("first working day", "monday") + BILLING)
    assert "first working day" in str(found)
    (found,) = refused(rules='[[rule]]\nkey = "won"\non = "deal.won"\ncalendar = "office"\n' + BILLING)
    assert "nothing here asks for a calendar" in str(found)


def test_promises() -> None:
    text = SMALL["sla.toml"].replace('"8h"', '"2 working days, 17:00"') + (
        'first_start = "1h"\nwarn_at = [0.5, 0.9]\nsla_from = "occurred_at"\n'
        '[[pause_reason]]\nkey = "customer"\nname = "Customer"\nstops_clock = true\nmax_for = "10d"\nremind = "2d"\n'
        '[[skip_reasons]]\nkey = "busy"\nname = { en = "Busy", fr = "Pris" }\n'
    )
    policies = accepted(sla="max_paused = 7\n" + text)
    promise = policies.sla["standard"]
    assert (promise.completion, promise.first_start) == (WorkingDays(2, 1020), OpenTime(timedelta(hours=1)))
    assert (promise.warn_at, promise.escalation, promise.sla_from) == ((0.5, 0.9), "late", "occurred_at")
    assert set(policies.pause_reasons) == {"set_aside", "away", "waiting_rep", "customer"}
    assert policies.pause_reasons["customer"].max_for == timedelta(days=10)
    assert policies.pause_reasons["customer"].remind == Remind(timedelta(days=2))
    others = 'remind = { every = "4h", who = ["agent", "team:legal"] }'
    policies = accepted(sla="max_paused = 7\n" + text.replace('remind = "2d"', others))
    assert policies.pause_reasons["customer"].remind == Remind(timedelta(hours=4), ("agent", "team:legal"))
    assert "legal" in policies.teams
    assert (policies.skip_reasons, policies.skip_reason_names["busy"].in_("fr")) == (("busy",), "Pris")
    assert policies.max_paused == 7


def test_what_taskhub_pauses_for_itself_is_always_there() -> None:
    reasons = accepted().pause_reasons
    assert {key: reason.stops_clock for key, reason in reasons.items()} == dict.fromkeys(
        ("set_aside", "away", "waiting_rep"), False
    )
    assert reasons["waiting_rep"].remind == Remind(timedelta(days=1), ("rep",))
    assert reasons["away"].name.in_("fr") == "Absence"


def test_ladders() -> None:
    text = """\
[[escalation]]
key = "late"
steps = [
  { at_fraction = 0.5, notify = "agent", business_time = false },
  { overdue_for = "0m", raise_priority = 1 },
  { paused_for = "3d", notify = ["team:desk", "agent:lea", "role:admin", "url:OPS"], repeat_every = "1d" },
  { overdue_for = "2h", reassign = "leader" },
]
"""
    assert accepted(escalation=text).escalations["late"].steps == (
        Step(at_fraction=0.5, notify=("agent",), business_time=False),
        Step(overdue_for=timedelta(), raise_priority=1),
        Step(
            paused_for=timedelta(days=3), notify=("team:desk", "agent:lea", "role:admin", "url:OPS"),
            repeat_every=timedelta(days=1),
        ),
        Step(overdue_for=timedelta(hours=2), reassign="leader"),
    )  # fmt: skip


def test_pipelines_and_connections() -> None:
    policies = accepted()
    line = policies.pipelines["sales"]
    assert (line.noun, [stage.key for stage in line.stages], line.lost_reasons) == (
        "deal",
        ["talk", "offer"],
        ("price", "timing"),
    )
    connection = policies.connections["crm"]
    assert (connection.secrets, connection.stages) == ({"path": "CRM_PATH"}, {"deal": {"1": "talk"}})


def test_the_words_of_policies_are_those_of_the_code() -> None:
    assert set(vocabulary.EVENT_TYPES) >= NATIVE_TYPES
    assert {status for known in vocabulary.STATUSES.values() for status in known} == {"open", *ENDED}
    assert vocabulary.ROLES == ESCALATION_ROLES
