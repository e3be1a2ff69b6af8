"""Rules that read well line by line and make no sense together."""

from itertools import pairwise

import pytest

from tests.unit.policy.small import SMALL, accepted, edited, refused, warned

WHEN = '"deal.amount" = { gte = 1000 }'
NEVER = {
    "deal.amount = { gte = 1000, lt = 1000 }": ("deal.amount", "at least 1000 and below 1000"),
    'x.y = { eq = "a", in = ["b", "c"] }': None,
    '"deal.name" = { eq = "a", in = ["b", "c"] }': ("deal.name", "exclude each other"),
    '"deal.amount" = { eq = 5, gte = 10 }': ("deal.amount", "outside the limits"),
    '"deal.amount" = { in = [1, 2], gte = 3 }': ("deal.amount", "outside the limits"),
    '"deal.amount" = { in = [1, 4], gte = 3 }': None,
    '"deal.renewal_on" = { gte = "2026-12-01", lt = 2026-01-01 }': ("deal.renewal_on", "no value is"),
    '"deal.owner" = { exists = false, eq = "lea" }': ("deal.owner", "empty and have a value"),
    '"deal.stage" = { changed_to = "offer", changed_from = "offer" }': ("deal.stage", "what it was before"),
    '"deal.stage" = { changed_to = "offer", eq = "talk" }': ("deal.stage", "exclude each other"),
    '"deal.stage" = { changed_from = "talk", changed_to = "offer" }': None,
    '"deal.stage" = { changed_from = "talk", changed_to = ["offer", "talk"] }': None,
    '"deal.stage" = { in = ["talk"], changed_to = ["offer"] }': ("deal.stage", "exclude each other"),
    '"deal.labels" = { eq = "a", in = ["b"] }': None,
    '"deal.id" = { eq = 13, in = ["13"] }': None,
    '"deal.status" = "lost"': ("deal.status", "deal.won always makes it 'won'"),
    '"deal.status" = ["open", "won"]': None,
    '"lead.stage" = { changed_to = "new" }': ("lead.stage", "only events of a lead"),
    '"task.kind" = "contract"': ("task.kind", "only task.completed"),
    '"deal.pipeline" = "sales", "deal.stage" = "talk"': None,
}


@pytest.mark.parametrize("when", NEVER)
def test_a_condition_that_can_never_hold_is_refused(when) -> None:
    expected = NEVER[when]
    if expected is None:
        accepted(
            rules=SMALL["rules.toml"].replace(WHEN, when).replace("x.y", '"deal.own"').replace('"a", in', '"b", in')
        )
        return
    problems = edited("rules", WHEN, when)
    assert [(p.file, p.line, p.key) for p in problems] == [("rules.toml", 4, f"rule.won.when.{expected[0]}")]
    assert expected[1] in problems[0].message


def test_a_stage_of_another_pipeline_never_comes() -> None:
    pipelines = SMALL["pipelines.toml"] + (
        '[[pipeline]]\nkey = "partner"\nnoun = "deal"\nname = "P"\n[[pipeline.stages]]\nkey = "signed"\nname = "S"\n'
    )
    rules = SMALL["rules.toml"].replace(WHEN, '"deal.pipeline" = "partner", "deal.stage" = "talk"')
    problems = refused(pipelines=pipelines, rules=rules)
    assert [(p.line, p.key) for p in problems] == [(4, "rule.won.when.deal.stage")]
    assert "partner has no such stage" in problems[0].message


def test_a_contradiction_in_what_raises_a_task_is_found_too() -> None:
    problems = edited(
        "rules",
        'kind = "billing"',
        'kind = "billing"\nraises = [{ when = { "deal.amount" = { gte = 9, lt = 1 } }, level = 2 }]',
    )
    assert [(p.line, p.key) for p in problems] == [(9, "rule.won.tasks[2].raises[1].when.deal.amount")]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('on = "lead.created"\nafter = "14d"\nwhen = { "lead.stage" = { changed_to = "x" } }', "fires by the clock"),
        ('on = "task.completed"\nwhen = { "task.kind" = { changed_to = "contract" } }', "changes no field"),
        ('on = "task.completed"\nwhen = { "event.type" = "a" }', "no event from outside"),
    ],
)
def test_what_an_event_never_tells(rule, said) -> None:
    problems = refused(rules=f'[[rule]]\nkey = "r"\n{rule}\nclose = "*"\n')
    assert len(problems) == 1
    assert said in problems[0].message


def test_types_of_other_senders_may_hold_anything() -> None:
    rule = '[[rule]]\nkey = "r"\non = ["ticket.closed", "deal.won"]\nwhen = { "task.kind" = "contract" }\nclose = "*"\n'
    assert accepted(rules=rule).rules[0].on == ("ticket.closed", "deal.won")


def chain(*kinds: str, when: str = "", more: str = "") -> str:
    links = pairwise(kinds)
    return "".join(
        f'[[rule]]\nkey = "r{number}"\non = "task.completed"\nwhen = {{ "task.kind" = "{first}"{when} }}\n'
        f'tasks = [{{ kind = "{second}"{more} }}]\n'
        for number, (first, second) in enumerate(links, 1)
    )


def kinds(count: int) -> str:
    more = "".join(f'[[kind]]\nkey = "k{n}"\nname = "K"\nqueue = "desk"\n' for n in range(count))
    return SMALL["kinds.toml"] + more


def test_a_chain_that_never_ends_is_refused() -> None:
    problems = refused(rules=chain("contract", "billing", "contract"))
    assert [(p.file, p.key) for p in problems] == [("rules.toml", "rule.r1.tasks")]
    assert "contract → billing → contract" in problems[0].message
    assert "never ends" in refused(rules=chain("contract", "contract"))[0].message


def test_a_rule_for_every_completed_task_feeds_itself() -> None:
    rules = '[[rule]]\nkey = "r"\non = "task.completed"\ntasks = [{ kind = "billing" }]\n'
    problems = refused(rules=rules)
    assert "billing → billing" in problems[0].message


@pytest.mark.parametrize("more", [', "task.outcome" = "wrong"', None])
def test_a_circle_that_can_end_is_allowed(more) -> None:
    rules = chain("contract", "billing", "contract", when=more or "", more="" if more else ", share = 0.5")
    assert len(accepted(rules=rules).rules) == 2


def test_once_per_record_ends_a_circle() -> None:
    rules = chain("contract", "billing", "contract").replace("tasks", 'once_per = "record"\ntasks')
    assert len(accepted(rules=rules).rules) == 2


def test_a_chain_may_be_five_links_long() -> None:
    names = [f"k{n}" for n in range(7)]
    assert len(accepted(kinds=kinds(7), rules=chain(*names[:6])).rules) == 5
    problems = refused(kinds=kinds(7), rules=chain(*names))
    assert [(p.file, p.key, p.line) for p in problems] == [("rules.toml", "rule.r6.tasks", 30)]
    assert "6 links long, at most 5" in problems[0].message


def test_tasks_that_wait_for_each_other_are_refused() -> None:
    problems = edited("rules", 'kind = "contract"', 'kind = "contract"\nwaits_for = ["billing"]')
    assert len(problems) == 1
    assert "contract → billing → contract" in problems[0].message
    assert "for ever" in edited("rules", 'kind = "contract"', 'kind = "contract"\nwaits_for = "contract"')[0].message


def test_rules_of_one_event_may_not_wait_for_each_other_either() -> None:
    other = '[[rule]]\nkey = "b"\non = "{}"\ntasks = [{{ kind = "contract", waits_for = ["billing"] }}]\n'
    problems = refused(rules=SMALL["rules.toml"] + other.format("deal.won"))
    assert [p.key for p in problems] in (["rule.b.tasks[1].waits_for"], ["rule.won.tasks[2].waits_for"])
    assert accepted(rules=SMALL["rules.toml"] + other.format("deal.lost"))


RULES = SMALL["rules.toml"]
TWICE = RULES + RULES.replace('"won"', '"won2"').rpartition("[[rule.tasks]]")[0]
STAGES = "".join(f'[[pipeline.stages]]\nkey = "s{n}"\nname = "S"\n' for n in range(6))
NO_LADDER = SMALL["sla.toml"].replace('escalation = "late"\n', "")
WARNINGS = {
    "a type nobody sends": (
        {"rules": SMALL["rules.toml"].replace("deal.won", "deal.wonn")}, "rules.toml:3: rule.won.on", "'deal.won'"
    ),
    "a field nobody knows": (
        {"rules": SMALL["rules.toml"].replace("deal.amount", "deal.amuont")},
        "rules.toml:4: rule.won.when.deal.amuont", "'deal.amount'",
    ),
    "a status that is none": (
        {"rules": SMALL["rules.toml"].replace(WHEN, '"lead.status" = "opne"')},
        "rules.toml:4: rule.won.when.lead.status", "'open'",
    ),
    "two rules for one thing": (
        {"rules": TWICE},
        "rules.toml:14: rule.won2.tasks", "two tasks for one change",
    ),
    "waiting for what nobody makes": (
        {"rules": SMALL["rules.toml"].replace('kind = "contract"', 'kind = "billing"')},
        "rules.toml:9: rule.won.tasks[2].waits_for", "no rule makes 'contract'",
    ),
    "work for a closed queue": (
        {"queues": SMALL["queues.toml"] + "closed = true\n"}, "rules.toml:6: rule.won.tasks[1].kind", "no new work"
    ),
    "a queue without kinds": (
        {"queues": SMALL["queues.toml"] + SMALL["queues.toml"].replace('key = "desk"', 'key = "b"')},
        "queues.toml:7: queue.b", "no kind belongs to it",
    ),
    "an offer in a pull queue": (
        {"queues": SMALL["queues.toml"] + 'accept_for = "4h"\n'}, "queues.toml:7: queue.desk.accept_for", "pull queue"
    ),
    "a ladder nobody climbs": (
        {"sla": NO_LADDER}, "escalation.toml:1: escalation.late", "no SLA policy"
    ),
    "too many key fields": (
        {"pipelines": SMALL["pipelines.toml"] + 'key_fields = ["a", "b", "c", "d", "e", "f"]\n'},
        "pipelines.toml:12: pipeline.sales.stages.offer.key_fields", "not looked at",
    ),
    "too many stages": (
        {"pipelines": SMALL["pipelines.toml"] + STAGES},
        "pipelines.toml:6: pipeline.sales.stages", "8 stages",
    ),
    "a setting that is misspelt": (
        {"connections": SMALL["connections.toml"] + "settings = { compny_id = 1 }\n"},
        "connections.toml:7: connection.crm.settings.compny_id", "'company_id'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WARNINGS)
def test_what_is_only_doubtful_is_a_warning(what) -> None:
    changed, place, said = WARNINGS[what]
    found = warned(**changed)
    assert any(warning.startswith(f"{place}: ") and said in warning for warning in found), found


def test_fields_a_connection_maps_are_known() -> None:
    connections = SMALL["connections.toml"] + 'fields = { deal = { amuont = "f1" } }\n'
    assert warned(rules=SMALL["rules.toml"].replace("deal.amount", "deal.amuont"), connections=connections) == []
