"""The set as a whole: files, hash, resolved holidays, what other rooms say, every problem at once."""

from dataclasses import replace

import pytest

from taskhub.errors import PolicyError, Problem
from taskhub.policy.load import load
from tests.unit.policy.small import KNOWN, SMALL, accepted, added, edited, refused


def test_the_small_set_is_accepted_without_a_warning() -> None:
    policies = accepted()
    assert policies.warnings == ()
    assert list(policies.kinds) == ["contract", "billing"]
    assert policies.calendar_of("desk").key == "office"
    assert policies.teams == ("desk",)
    assert [kind.key for kind in policies.kinds_of("desk")] == ["contract", "billing"]
    assert [rule.key for rule in policies.rules_on("deal.won")] == ["won"]
    assert policies.stage("deal", "offer", "sales").name.in_("fr") == "Offer"
    assert policies.minutes_of("billing").total_seconds() == 900


@pytest.mark.parametrize("file", ["rules.toml", "sla.toml", "escalation.toml", "pipelines.toml", "connections.toml"])
def test_a_file_may_be_missing_where_nothing_refers_to_it(file) -> None:
    texts = {name: text for name, text in SMALL.items() if name != file}
    texts["kinds.toml"] = texts["kinds.toml"].replace('sla = "standard"\n', "")
    if "sla.toml" in texts:
        texts["sla.toml"] = texts["sla.toml"].replace('escalation = "late"\n', "")
    assert load(texts, known=KNOWN).kinds


@pytest.mark.parametrize("file", ["kinds.toml", "queues.toml", "calendars.toml"])
def test_a_file_no_set_can_do_without(file) -> None:
    problems = refused({name: text for name, text in SMALL.items() if name != file})
    assert [(p.file, p.line) for p in problems] == [(file, 0)]
    assert "the file is missing" in problems[0].message


def test_a_file_of_another_name_is_a_typo() -> None:
    problems = refused({**SMALL, "rule.toml": ""})
    assert str(problems[0]).startswith("rule.toml:1: file: taskhub reads no file of this name")
    problems = refused({**{n: t for n, t in SMALL.items() if n != "queues.toml"}, "queue.toml": ""})
    assert ("queue.toml", "queues.toml") in [(p.file, p.suggestion) for p in problems]


def test_every_problem_of_every_file_comes_at_once_in_order() -> None:
    problems = refused(
        kinds=SMALL["kinds.toml"].replace("sla", "sal").replace('"Billing"', "7"),
        queues=SMALL["queues.toml"].replace("teams", "team"),
        sla=SMALL["sla.toml"].replace("8h", "soon"),
        rules="[[rule]\n",
    )
    assert [(p.file, p.line, p.key) for p in problems] == [
        ("kinds.toml", 5, "kind.contract.sal"),
        ("kinds.toml", 9, "kind.billing.name"),
        ("queues.toml", 4, "queue.desk.team"),
        ("rules.toml", 1, "rule"),
        ("sla.toml", 3, "sla.standard.completion"),
    ]


def test_nothing_is_concluded_from_a_file_that_cannot_be_read() -> None:
    assert {p.file for p in refused(queues="[[queue]\n")} == {"queues.toml"}
    assert {p.file for p in edited("sla", '[[sla]]\nkey = "standard"', '[[slaa]]\nkey = "standard"')} == {"sla.toml"}


def test_the_hash_names_texts_and_holidays() -> None:
    first = accepted()
    assert len(first.hash) == 32
    assert accepted().hash == first.hash
    crlf = {name: text.replace("\n", "\r\n") for name, text in SMALL.items()}
    assert accepted(crlf).hash == first.hash
    assert accepted(sla=SMALL["sla.toml"].replace("8h", "9h")).hash != first.hash


def test_holidays_are_kept_as_dates_and_used_again() -> None:
    calendar = SMALL["calendars.toml"].replace('tz = "Europe/Paris"', 'tz = "Europe/Paris"\nholiday_region = "DE-BY"')
    texts = {**SMALL, "calendars.toml": calendar}
    policies = load(texts, known=KNOWN)
    dates = policies.resolved["holidays"]["DE-BY"]
    assert "2026-01-06" in dates  # Epiphany: not in Berlin
    assert dates == sorted(dates)
    assert (dates[0][:4], dates[-1][:4]) == ("2005", "2040")
    older = {"holidays": {"DE-BY": ["2026-01-02"], "FR": ["2026-07-14"]}}
    stored = load(texts, known=KNOWN, resolved=older)
    assert stored.resolved == {"holidays": {"DE-BY": ["2026-01-02"]}}
    assert stored.hash != policies.hash
    assert load(texts, known=KNOWN, resolved=policies.resolved).hash == policies.hash


def test_a_check_of_another_room_gets_the_line_of_its_key() -> None:
    def check(policies):
        yield Problem("queues.toml", 0, "queue.desk.staffing.params.team", "no.")
        yield Problem("rules.toml", 0, "rule.won.tasks[2].kind", "no.")
        yield Problem("rules.toml", 0, "rule.won.when.deal.amount", "no.")
        yield Problem("rules.toml", 0, "rule.other", "no.")

    with pytest.raises(PolicyError) as caught:
        load(SMALL, known=KNOWN, checks=[check])
    assert [(p.file, p.line) for p in caught.value.problems] == [
        ("queues.toml", 6), ("rules.toml", 1), ("rules.toml", 4), ("rules.toml", 8),
    ]  # fmt: skip


def test_a_check_is_heard_only_about_files_that_are_sound() -> None:
    def check(policies):
        yield Problem("kinds.toml", 0, "kind.contract", "kinds.")
        yield Problem("queues.toml", 0, "queue.desk", "queues.")

    with pytest.raises(PolicyError) as caught:
        load({**SMALL, "kinds.toml": SMALL["kinds.toml"] + "level = 9\n"}, known=KNOWN, checks=[check])
    assert [p.file for p in caught.value.problems] == ["kinds.toml", "queues.toml"]
    assert "level" in caught.value.problems[0].message


def test_a_check_that_breaks_is_a_problem_not_a_crash() -> None:
    def fragile(policies):
        return [policies.kinds["nobody"]]

    with pytest.raises(PolicyError, match="fragile failed: KeyError"):
        load(SMALL, known=KNOWN, checks=[fragile])


def test_teams_and_people_nobody_knows_are_warnings() -> None:
    known = replace(KNOWN, teams=frozenset({"desks"}), agents=frozenset({"lea"}))
    texts = {**SMALL, "escalation.toml": SMALL["escalation.toml"].replace('"leader"', '"leader", "agent:leo"')}
    noted = [str(warning) for warning in load(texts, known=known).warnings]
    assert len(noted) == 2
    assert noted[0].startswith("escalation.toml:5: escalation.late.steps[1].notify: there is nobody called 'leo'")
    assert noted[1].startswith("queues.toml:4: queue.desk.teams: there is no team 'desk' yet")
    assert noted[1].endswith("Did you mean 'desks'?")


def test_line_ends_a_byte_order_mark_and_comments_do_not_matter() -> None:
    texts = {name: "\ufeff# first\r\n" + text.replace("\n", "\r\n") for name, text in SMALL.items()}
    assert accepted(texts).kinds.keys() == accepted().kinds.keys()
    problems = refused({**texts, "kinds.toml": texts["kinds.toml"].replace("queue", "quene", 1)})
    assert (problems[0].line, problems[0].suggestion) == (5, "queue")


def test_problems_say_where_what_and_what_was_meant() -> None:
    text = str(PolicyError(added("kinds", "levl = 2\n")))
    assert text.startswith("kinds.toml:11: kind.billing.levl: unknown key 'levl'; known here: checklist,")
    assert text.endswith("Did you mean 'level'?")
