"""One edit of a sound set, one problem: file, line, key, words and suggestion. Lines are those of the edited text."""

import pytest

from tests.unit.policy.small import SMALL, added, edited, refused

# By file: what is replaced by what; line and key of the problem, what it says, what it suggests.
EDITS = {
    "kinds": [
        ('queue = "desk"\nsla', 'queue = "dsek"\nsla', 4, "kind.contract.queue", "no queue 'dsek'", "desk"),
        ('queue = "desk"\nsla', 'quene = "desk"\nsla', 4, "kind.contract.quene", "unknown key", "queue"),
        ('sla = "standard"', 'sla = "standrad"', 5, "kind.contract.sla", "no SLA policy", "standard"),
        ('sla = "standard"', "sla = 8", 5, "kind.contract.sla", "text of 1 to 1000", None),
        ('sla = "standard"', "weight = 0", 5, "kind.contract.weight", "above 0 and at most 1000, not 0", None),
        ('sla = "standard"', "weight = -2.5", 5, "kind.contract.weight", "above 0", None),
        ('sla = "standard"', "weight = true", 5, "kind.contract.weight", "not true", None),
        ('sla = "standard"', "expected_minutes = nan", 5, "kind.contract.expected_minutes", "not nan", None),
        ('sla = "standard"', "expected_minutes = inf", 5, "kind.contract.expected_minutes", "not inf", None),
        ('sla = "standard"', "expected_minutes = 1e400", 5, "kind.contract.expected_minutes", "above 0", None),
        ('sla = "standard"', 'expected_minutes = "15"', 5, "kind.contract.expected_minutes", "not '15'", None),
        ('sla = "standard"', "level = 0", 5, "kind.contract.level", "from 1 to 5", None),
        ('sla = "standard"', "level = 6", 5, "kind.contract.level", "from 1 to 5", None),
        ('sla = "standard"', "level = 2.0", 5, "kind.contract.level", "whole number", None),
        ('sla = "standard"', "level = true", 5, "kind.contract.level", "not true", None),
        ('sla = "standard"', "requires = { a = {} }", 5, "kind.contract.requires.a", "must be a text", None),
        ('sla = "standard"', "requires = { a = 2026-01-01 }", 5, "kind.contract.requires.a", "quote dates", None),
        ('sla = "standard"', "requires = [1]", 5, "kind.contract.requires", "must be a table", None),
        ('sla = "standard"', 'skill = "C++"', 5, "kind.contract.skill", "lower-case letters", None),
        ('sla = "standard"', "checklist = 1", 5, "kind.contract.checklist", "a list of tables", None),
        ('sla = "standard"', 'checklist = [{ tex = "a" }]', 5, "kind.contract.checklist[1].tex", "unknown", "text"),
        (
            'sla = "standard"', 'checklist = [{ text = "a", url = "javascript:a" }]', 5,
            "kind.contract.checklist[1].url", "begins with https://", None,
        ),
        (
            'sla = "standard"', 'checklist = [{ text = "a", url = "https://crm.example/{lead.url" }]', 5,
            "kind.contract.checklist[1].url", "is no field", None,
        ),
        (
            'sla = "standard"', 'checklist = [{ text = "a", when = { "deal.amount" = { gte = 1 } } }]', 5,
            "kind.contract.checklist[1].when.deal.amount", "not for gte", None,
        ),
        ('name = "Billing"', 'name = { fr = "x" }', 9, "kind.billing.name", "English text is missing", None),
        ('name = "Billing"', 'name = { en = "x", french = "y" }', 9, "kind.billing.name.french", "no language", None),
        ('name = "Billing"', 'name.en = "x"\nname.fr = 3', 10, "kind.billing.name.fr", "not 3", None),
        ('name = "Billing"', 'name = " "', 9, "kind.billing.name", "text of 1 to 1000", None),
        ('name = "Billing"\n', "", 7, "kind.billing", "name is missing", None),
        ('key = "billing"\n', 'key = "Bill ing"\n', 8, "kind[2].key", "lower-case letters", None),
    ],
    "queues": [
        ("calendar", "calender", 5, "queue.desk.calender", "unknown key", "calendar"),
        ('"office"', '"offcie"', 5, "queue.desk.calendar", "no calendar", "office"),
        ('["desk"]', "[]", 4, "queue.desk.teams", "name at least one", None),
        ('["desk"]', '["desk", "desk"]', 4, "queue.desk.teams[2]", "listed twice", None),
        ('["desk"]', '["The Desk"]', 4, "queue.desk.teams[1]", "no team key", None),
        ('["desk"]', "[1]", 4, "queue.desk.teams", "list of texts", None),
        ('"dedicated"', '"dedicate"', 6, "queue.desk.staffing.model", "dedicated, rotating", "dedicated"),
        ('model = "dedicated", ', "", 6, "queue.desk.staffing", "model is missing", None),
        ("params", "parms", 6, "queue.desk.staffing.parms", "unknown key", "params"),
        ('{ team = "desk" }', "{ team = 3 }", 6, "queue.desk.staffing.params.team", "one team", None),
        ('{ team = "desk" }', '{ teams = "a" }', 6, "queue.desk.staffing.params.teams", "list of teams", None),
        ("{ team = ", "{ a = nan, team = ", 6, "queue.desk.staffing.params.a", "not nan", None),
        (
            '{ team = "desk" } }', '{}, strategy = "least" }', 6, "queue.desk.staffing.strategy", "one of",
            "least_loaded",
        ),
    ],
    "calendars": [
        ("Europe/Paris", "Europe/Pariss", 3, "calendar.office.tz", "no", "Europe/Paris"),
        ("Europe/Paris", "Mars/Phobos", 3, "calendar.office.tz", "not a time zone", None),
        ('tz = "Europe/Paris"\n', "", 1, "calendar.office", "tz is missing", None),
        ("tz", 'holiday_region = "FRR"\ntz', 3, "calendar.office.holiday_region", "no holidays of", "FR"),
        ("tz", 'holiday_region = "DE-BYY"\ntz', 3, "calendar.office.holiday_region", "no region", "DE-BY"),
        ("weekly", "weekley", 4, "calendar.office.weekley", "unknown key", "weekly"),
        ("mon =", "mun =", 4, "calendar.office.weekly.mun", "unknown weekday", "sun"),
        ("13:00", "11:00", 4, "calendar.office.weekly.mon[2]", "overlaps", None),
        ("17:00", "17", 4, "calendar.office.weekly.mon[2]", "time of day", None),
        ('mon = ["09:00-12:00", "13:00-17:00"]', "mon = []", 4, "calendar.office.weekly", "not open", None),
    ],
    "sla": [
        ('"8h"', '"8 hours"', 3, "sla.standard.completion", "write one of", None),
        ('"8h"', '"2d"', 3, "sla.standard.completion", "working days", None),
        ('"8h"', '"0h"', 3, "sla.standard.completion", "more than nothing", None),
        ('"8h"', "8", 3, "sla.standard.completion", "not 8", None),
        ('"late"', '"lat"', 4, "sla.standard.escalation", "no escalation", "late"),
        ('"late"', '"late"\nwarn_at = 1', 5, "sla.standard.warn_at", "between 0 and 1", None),
        ('"late"', '"late"\nwarn_at = [0.5, nan]', 5, "sla.standard.warn_at[2]", "between 0 and 1", None),
        ('"late"', '"late"\nwarn_at = [0.5, 0.4]', 5, "sla.standard.warn_at", "must rise", None),
        ('"late"', '"late"\nfirst_start = "9h"', 5, "sla.standard.first_start", "within 9h", None),
        ('"late"', '"late"\nsla_from = "ready"', 5, "sla.standard.sla_from", "ready_at, occurred_at", "ready_at"),
    ],
    "escalation": [
        ('"leader"', '"leadr"', 5, "escalation.late.steps[1].notify[1]", "is nobody", "leader"),
        ('"leader"', '"role:boss"', 5, "escalation.late.steps[1].notify[1]", "roles:", None),
        ('"leader"', '"tem:a"', 5, "escalation.late.steps[1].notify[1]", "is nobody", "team:a"),
        ('"leader"', '"url:"', 5, "escalation.late.steps[1].notify[1]", "is nobody", "url:NAME"),
        ("notify", "notfy", 5, "escalation.late.steps[1].notfy", "unknown key", "notify"),
        ('"2h"', '"2 hrs"', 4, "escalation.late.steps[1].overdue_for", "a duration", None),
        ('"2h"', '"2h"\nat_fraction = 0.5', 3, "escalation.late.steps[1]", "exactly one of", None),
        ('overdue_for = "2h"\n', "", 3, "escalation.late.steps[1]", "here: none", None),
        ('notify = ["leader"]', "raise_priority = 4", 5, "escalation.late.steps[1].raise_priority", "0 to 3", None),
        ('notify = ["leader"]', 'reassign = "boss"', 5, "escalation.late.steps[1].reassign", "queue, leader", None),
        ("overdue_for", "at_fraction = 0\n#", 4, "escalation.late.steps[1].at_fraction", "above 0", None),
    ],
    "rules": [
        ("deal.won", "deal won", 3, "rule.won.on", "no event type", None),
        ("gte", "gt", 4, "rule.won.when.deal.amount.gt", "compares nothing", "gte"),
        ("1000", '"much"', 4, "rule.won.when.deal.amount.gte", "needs a number", None),
        ("gte = 1000", "in = []", 4, "rule.won.when.deal.amount.in", "not empty", None),
        ("gte = 1000", "exists = 1", 4, "rule.won.when.deal.amount.exists", "true or false", None),
        ("gte = 1000", "eq = [1]", 4, "rule.won.when.deal.amount.eq", "use in for several", None),
        ("{ gte = 1000 }", "{}", 4, "rule.won.when.deal.amount", "how deal.amount is compared", None),
        ('"deal.amount"', '"deel.amount"', 4, "rule.won.when.deel.amount", "nothing a rule", "deal.amount"),
        ('"deal.amount"', '"deal amount"', 4, "rule.won.when.deal amount", "no field", None),
        (
            '"deal.amount" = { gte = 1000 }', '"deal.stage" = "tlak"', 4, "rule.won.when.deal.stage",
            "no deal stage", "talk",
        ),
        (
            '"deal.amount" = { gte = 1000 }', "deal.stage.in = ['tlak']", 4, "rule.won.when.deal.stage.in", "no",
            "talk",
        ),
        (
            '"deal.amount" = { gte = 1000 }', '"deal.pipeline" = "sale"', 4, "rule.won.when.deal.pipeline", "no",
            "sales",
        ),
        (
            '"deal.amount" = { gte = 1000 }', '"deal.lost_reason" = "prize"', 4, "rule.won.when.deal.lost_reason",
            "no", "price",
        ),
        ('kind = "billing"', 'kind = "biling"', 8, "rule.won.tasks[2].kind", "no kind", "billing"),
        (
            'waits_for = ["contract"]', 'waits_for = ["contrat"]', 9, "rule.won.tasks[2].waits_for[1]", "no kind",
            "contract",
        ),
        ("waits_for", "wait_for", 9, "rule.won.tasks[2].wait_for", "unknown key", "waits_for"),
        ('waits_for = ["contract"]', "share = 0", 9, "rule.won.tasks[2].share", "above 0 and at most 1", None),
        ('waits_for = ["contract"]', 'priority = "urgnt"', 9, "rule.won.tasks[2].priority", "low, normal", "urgent"),
        (
            'waits_for = ["contract"]', 'not_by = "complete"', 9, "rule.won.tasks[2].not_by", "completer, owner",
            "completer",
        ),
        (
            'waits_for = ["contract"]', 'not_by = "completer"', 9, "rule.won.tasks[2].not_by",
            "only a rule on task.completed", None,
        ),
        ('waits_for = ["contract"]', "blocking = true", 9, "rule.won.tasks[2].blocking", "only a rule on", None),
        ('waits_for = ["contract"]', "check = true", 9, "rule.won.tasks[2].check", "only a rule on", None),
        ('waits_for = ["contract"]', 'delay = "0m"', 9, "rule.won.tasks[2].delay", "longer than zero", None),
        ('waits_for = ["contract"]', 'delay = "4000d"', 9, "rule.won.tasks[2].delay", "ten years", None),
        ('waits_for = ["contract"]', 'title = "{deal.name"', 9, "rule.won.tasks[2].title", "is no field", None),
        ('waits_for = ["contract"]', 'title = "{7*7}"', 9, "rule.won.tasks[2].title", "is no field", None),
        ('waits_for = ["contract"]', 'sla = "slow"', 9, "rule.won.tasks[2].sla", "no SLA policy", None),
        (
            'waits_for = ["contract"]', "raises = [{ level = 3 }]", 9, "rule.won.tasks[2].raises[1]",
            "when is missing", None,
        ),
        (
            'waits_for = ["contract"]', 'raises = [{ when = { "deal.amount" = 1 } }]', 9,
            "rule.won.tasks[2].raises[1]", "raises nothing", None,
        ),
        ('on = "deal.won"\n', "", 1, "rule.won", "on is missing", None),
        ('on = "deal.won"', 'on = "deal.won"\nonce_per = "deal"', 4, "rule.won.once_per", "change, record", None),
        (
            'on = "deal.won"', 'on = "deal.won"\nclose_reason = "x"', 4, "rule.won.close_reason",
            "nothing to close", None,
        ),
        ('on = "deal.won"', 'on = "deal.won"\nclose = ["biling"]', 4, "rule.won.close[1]", "no kind", "billing"),
        ('on = "deal.won"', 'on = "deal.won"\nafter = "soon"', 4, "rule.won.after", "a duration", None),
        (
            'on = "deal.won"', 'on = "deal.won"\nbefore = { field = "deal.ends", by = "soon" }', 4,
            "rule.won.before.by", "60 days", None,
        ),
        (
            'on = "deal.won"', 'on = "deal.won"\nbefore = { by = "60 days" }', 4, "rule.won.before",
            "field is missing", None,
        ),
    ],
    "pipelines": [
        ('key = "offer"', 'key = "talk"', 10, "pipeline.sales.stages.talk.key", "already has a stage", None),
        ('"deal"', '"deel"', 3, "pipeline.sales.noun", "lead, deal", "deal"),
        ('noun = "deal"', 'noun = "deal"\ncurrency = "euro"', 4, "pipeline.sales.currency", "three capital", "EUR"),
        ('"timing"', '"price"', 5, "pipeline.sales.lost_reasons[2]", "listed twice", None),
        (
            'name = "Offer"', 'name = "Offer"\nmeening = "x"', 12, "pipeline.sales.stages.offer.meening",
            "unknown", "meaning",
        ),
    ],
    "connections": [
        ("pipedrive", "pipedriv", 3, "connection.crm.system", "pipedrive, salesforce", "pipedrive"),
        ("path =", "pth =", 5, "connection.crm.secrets.pth", "knows no secret", "path"),
        ("{ path = ", "{ token = ", 5, "connection.crm.secrets", "nobody is let in", None),
        ('1 = "talk"', '1 = "tlak"', 6, "connection.crm.stages.deal.1", "no deal stage", "talk"),
        ("deal =", "deel =", 6, "connection.crm.stages.deel", "unknown key", "deal"),
        ('1 = "talk"', "1 = 2", 6, "connection.crm.stages.deal.1", "must be a text", None),
    ],
}  # fmt: skip

# By file: what is added at its end; line and key of the problem, what it says, what it suggests.
ADDED = {
    "kinds": [
        ('[[kind]]\nkey = "billing"\nname = "B"\nqueue = "desk"\n', 12, "kind.billing.key", "already a kind", None),
        ("[[kinds]]\n", 11, "kinds", "unknown key 'kinds'", "kind"),
    ],
    "queues": [
        ('mode = "pul"\n', 7, "queue.desk.mode", "push, pull", "pull"),
        ('pick = "sometimes"\n', 7, "queue.desk.pick", "never, reason, free", None),
        ('on_idle = "hld"\n', 7, "queue.desk.on_idle", "hold, return", "hold"),
        ('order = "urgent"\n', 7, "queue.desk.order", "fifo, urgency", "urgency"),
        ('lease_for = "0m"\n', 7, "queue.desk.lease_for", "longer than zero", None),
        ("lease_for = 15\n", 7, "queue.desk.lease_for", '"15m"', None),
        ("skip_budget = -1\n", 7, "queue.desk.skip_budget", "from 0 to 1000", None),
        ("closed = 1\n", 7, "queue.desk.closed", "true or false, not 1", None),
        ('paused = "no"\n', 7, "queue.desk.paused", "true or false", None),
        ('max_wait = { urgent = "20h" }\n', 7, "queue.desk.max_wait.urgent", "must not wait longer", None),
        ('max_wait = { urgnt = "1h" }\n', 7, "queue.desk.max_wait.urgnt", "unknown key", "urgent"),
    ],
    "calendars": [
        ('holidays = ["2026-02-30"]\n', 5, "calendar.office.holidays[1]", "out of range", None),
        ("[calendar.special_dates]\n2026-12-24 = 9\n", 6, "calendar.office.special_dates.2026-12-24", "list", None),
        ("[calendar.breaks]\n24-12 = []\n", 6, "calendar.office.breaks.24-12", "not a date", None),
    ],
    "sla": [
        ("max_paused = 0\n", 5, "sla.standard.max_paused", "unknown key", None),
        ('[[pause_reason]]\nkey = "x"\n', 5, "pause_reason.x", "name is missing", None),
        (
            '[[pause_reason]]\nkey = "set_aside"\nname = "x"\nstops_clock = true\n', 8,
            "pause_reason.set_aside.stops_clock", "clock runs on", None,
        ),
        (
            '[[pause_reason]]\nkey = "x"\nname = "x"\nmax_for = "1d"\nremind = "2d"\n', 9, "pause_reason.x.remind",
            "only after the longest wait", None,
        ),
        (
            '[[pause_reason]]\nkey = "x"\nname = "x"\nremind = { every = "1d", who = ["agnt"] }\n', 8,
            "pause_reason.x.remind.who[1]", "is nobody", "agent",
        ),
        (
            '[[pause_reason]]\nkey = "x"\nname = "x"\nremind = { every = "1d", who = "role:boss" }\n', 8,
            "pause_reason.x.remind.who", "no role", None,
        ),
        (
            '[[pause_reason]]\nkey = "x"\nname = "x"\nremind = { every = "1d", who = [] }\n', 8,
            "pause_reason.x.remind.who", "nobody would be reminded", None,
        ),
        (
            '[[pause_reason]]\nkey = "x"\nname = "x"\nremind = { who = ["agent"] }\n', 8, "pause_reason.x.remind",
            "every is missing", None,
        ),
        (
            '[[skip_reasons]]\nkey = "a"\nname = "A"\n[[skip_reasons]]\nkey = "a"\nname = "B"\n', 9,
            "skip_reasons.a.key", "twice", None,
        ),
    ],
    "escalation": [
        (
            '[[escalation.steps]]\noverdue_for = "1h"\nnotify = "agent"\n', 6, "escalation.late.steps[2]",
            "before step 1", None,
        ),
        (
            '[[escalation.steps]]\noverdue_for = "2h"\nreassign = "queue"\n', 6, "escalation.late.steps[2]",
            "same instant", None,
        ),
        (
            '[[escalation.steps]]\nat_fraction = 0.9\nnotify = "agent"\n', 6, "escalation.late.steps[2]",
            "before step 1", None,
        ),
        (
            '[[escalation.steps]]\npaused_for = "1d"\ntarget = "first_start"\nnotify = "agent"\n', 8,
            "escalation.late.steps[2].target", "goes by the pause", None,
        ),
        (
            (
                '[[escalation.steps]]\ntarget = "first_start"\noverdue_for = "2h"\nnotify = "agent"\n'
                '[[escalation.steps]]\ntarget = "first_start"\noverdue_for = "1h"\nnotify = "agent"\n'
            ), 10,
            "escalation.late.steps[3]", "before step 2", None,
        ),
        ('[[escalation.steps]]\noverdue_for = "3h"\n', 6, "escalation.late.steps[2]", "does nothing", None),
        ('[[escalation]]\nkey = "b"\n', 6, "escalation.b", "steps is missing", None),
        ('[[escalation]]\nkey = "b"\nsteps = []\n', 8, "escalation.b.steps", "without steps", None),
    ],
    "rules": [
        (
            '[[rule]]\nkey = "won"\non = "a.b"\nclose = "*"\n', 11, "rule.won.key",
            "already a rule 'won' on line 2", None,
        ),
        ('[[rule]]\nkey = "b"\non = "a.b"\n', 10, "rule.b", "does nothing", None),
        (
            '[[rule]]\nkey = "b"\non = "a.b"\nafter = "3d"\nbefore = { field = "a", by = "3d" }\nclose = "*"\n',
            14, "rule.b.before", "not both", None,
        ),
        (
            '[[rule]]\nkey = "b"\non = "task.completed"\nafter = "3d"\nclose = "*"\n', 12, "rule.b.on",
            "fires at once", None,
        ),
    ],
    "pipelines": [
        (
            '[[pipeline]]\nkey = "b"\nnoun = "lead"\nname = "B"\nstages = []\n', 16, "pipeline.b.stages",
            "at least one", None,
        ),
    ],
    "connections": [
        (
            'settings = { pipelines = { 1 = "sale" } }\n', 7, "connection.crm.settings.pipelines.1", "no pipeline",
            "sales",
        ),
        ("fields = { deel = {} }\n", 7, "connection.crm.fields.deel", "unknown key", "deal"),
        ("users = { 1 = 2 }\n", 7, "connection.crm.users.1", "must be a text", None),
    ],
}  # fmt: skip


def rows(table):
    return [pytest.param(file, *row, id=f"{file}: {row[-4]}: {row[-2]}"[:70]) for file in table for row in table[file]]


@pytest.mark.parametrize(("file", "old", "new", "line", "key", "said", "hint"), rows(EDITS))
def test_one_edit_one_problem(file, old, new, line, key, said, hint) -> None:
    problems = edited(file, old, new)
    assert [(p.file, p.line, p.key) for p in problems] == [(f"{file}.toml", line, key)], problems
    assert said in problems[0].message
    assert problems[0].suggestion == hint


@pytest.mark.parametrize(("file", "text", "line", "key", "said", "hint"), rows(ADDED))
def test_one_addition_one_problem(file, text, line, key, said, hint) -> None:
    problems = added(file, text)
    assert [(p.file, p.line, p.key) for p in problems] == [(f"{file}.toml", line, key)], problems
    assert said in problems[0].message
    assert problems[0].suggestion == hint


def test_a_secret_in_the_file_is_refused_and_never_repeated() -> None:
    problems = edited("connections", '"CRM_PATH"', '"hunter2-of-the-house"')
    assert [p.key for p in problems] == ["connection.crm.secrets.path"]
    assert "hunter2" not in str(problems[0])
    assert "name of an environment variable" in problems[0].message


@pytest.mark.parametrize(
    ("made", "place", "said"),
    [
        ('waits_for = ["contract"]\nblocking = true', "waits_for", "nothing is left to wait for"),
        ("check = false\nblocking = true", "blocking", "only a check is waited for"),
        ("share = 0", "share", ""),
        ("share = 1.5", "share", ""),
    ],
)
def test_a_second_look_that_makes_no_sense_is_refused(made: str, place: str, said: str) -> None:
    head = '[[rule]]\nkey = "look"\non = "task.completed"\nwhen = { "task.kind" = "contract" }\n'
    rule = f'{head}[[rule.tasks]]\nkind = "billing"\n{made}\n'
    (found,) = refused({**SMALL, "rules.toml": rule})
    assert found.key == f"rule.look.tasks[1].{place}"
    assert said in found.message
