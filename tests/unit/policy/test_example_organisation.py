"""The configuration that ships: it loads, it teaches no mistakes, and its events make the work it promises."""

from datetime import UTC, datetime, timedelta

import pytest

from taskhub.calendars import BusinessCalendar
from taskhub.events.cloudevents import read_structured
from taskhub.policy.load import FILES
from taskhub.rules.model import TaskFacts
from taskhub.rules.plan import plan, plan_for_completion
from taskhub.sales.stated import stated_changes
from taskhub.sla import promised
from tests.unit.policy.small import CONFIG, accepted, shipped

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
WON = {"deal": {"title": "Press", "company": "Atelier Roux", "amount": 60_000, "currency": "EUR", "language": "de"}}


@pytest.fixture(scope="module")
def policies():
    return accepted(shipped())


@pytest.fixture(scope="module")
def planned(policies):
    def planned(type_, data):
        envelope = {"specversion": "1.0", "id": "e1", "source": "crm", "type": type_, "subject": "X1", "data": data}
        event = read_structured(envelope, NOW).event
        return plan(event, stated_changes(event), {}, policies.rules, policies.kinds)

    return planned


def test_every_file_is_there_and_nothing_is_doubtful(policies) -> None:
    assert shipped().keys() == FILES.keys()
    assert policies.warnings == ()
    assert (CONFIG / "README.md").is_file()


def test_two_ways_of_staffing(policies) -> None:
    served = {key: (q.mode, q.staffing.model, q.staffing.strategy) for key, q in policies.queues.items()}
    assert served["contracts"] == ("push", "dedicated", "least_loaded")
    assert served["credit"] == ("push", "dedicated", "least_loaded")
    assert served["billing"] == ("pull", "rotating", "least_loaded")
    assert served["welcome"] == ("push", "rotating", "round_robin")
    assert policies.queues["quick"].on_idle == "return"
    assert policies.teams == ("contract-desk", "front-line")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_everything_people_read_is_there_in_both_languages(policies, language) -> None:
    texts = [kind.name for kind in policies.kinds.values()]
    texts += [item.text for kind in policies.kinds.values() for item in kind.checklist]
    texts += [one.name for one in (*policies.queues.values(), *policies.pause_reasons.values())]
    texts += [rule.name for rule in policies.rules]
    stages = [stage for line in policies.pipelines.values() for stage in line.stages]
    texts += [text for stage in stages for text in (stage.name, stage.meaning, stage.guidance) if text]
    texts += [name for line in policies.pipelines.values() for name in line.lost_reason_names.values()]
    assert all(language == "en" or language in text.by_language for text in texts)
    assert all(text.in_(language) for text in texts)


def test_every_kind_is_made_by_some_rule_and_promised_something(policies) -> None:
    made = {task.kind for rule in policies.rules for task in rule.tasks}
    assert made == set(policies.kinds)
    assert all(kind.sla in policies.sla for kind in policies.kinds.values())


def test_the_holidays_of_france_close_both_calendars(policies) -> None:
    bastille = datetime(2027, 7, 14, 8, tzinfo=UTC)
    assert not any(calendar.is_open(bastille) for calendar in policies.calendars.values())
    assert all(calendar.is_open(bastille + timedelta(days=1)) for calendar in policies.calendars.values())


def test_a_contract_is_due_in_two_working_days(policies) -> None:
    office: BusinessCalendar = policies.calendars["office-paris"]
    assert promised(policies.sla["contract"].completion, office, NOW) == datetime(2026, 11, 25, 16, tzinfo=UTC)


def test_a_won_deal_makes_four_tasks(planned) -> None:
    drafts = {draft.kind: draft for draft in planned("deal.won", WON).drafts}
    assert set(drafts) == {"contract", "credit_check", "billing_setup", "onboarding_call"}
    assert drafts["billing_setup"].waits_for == ("contract", "credit_check")
    assert (drafts["contract"].level, drafts["contract"].requires) == (3, {"language": "de"})
    assert drafts["credit_check"].title == "Credit check: Atelier Roux 60000 EUR"
    small = planned("deal.won", {"deal": {**WON["deal"], "amount": 100, "language": "fr"}})
    assert [(draft.level, draft.requires) for draft in small.drafts if draft.kind == "contract"] == [(2, {})]


def test_a_converted_lead_makes_three_tasks_and_ends_its_own(planned) -> None:
    result = planned("lead.converted", {"lead": {"company": "Roux"}})
    assert [draft.kind for draft in result.drafts] == ["contract", "credit_check", "billing_setup"]
    assert result.drafts[0].title == "Framework agreement for Roux"
    assert [effect.kinds for effect in result.closings] == [("lead_qualification", "lead_follow_up")]


def test_a_lost_deal_closes_everything_and_asks_again_in_a_month(planned) -> None:
    result = planned("deal.lost", {"deal": {"title": "Press", "lost_reason": "price"}})
    assert [(draft.kind, draft.delay) for draft in result.drafts] == [("win_back", timedelta(days=30))]
    assert [effect.kinds for effect in result.closings] == [("*",)]


@pytest.mark.parametrize(
    ("type_", "data", "kinds"),
    [
        ("lead.created", {"lead": {"company": "Roux"}}, ["lead_qualification"]),
        ("lead.stage_changed", {"lead": {"stage": "qualified"}, "previous": {"stage": "new"}}, ["data_hygiene"]),
        ("lead.stage_changed", {"lead": {"stage": "contacted"}, "previous": {"stage": "new"}}, []),
        ("deal.created", {"deal": {"title": "Press"}}, ["data_hygiene"]),
        ("lead.lost", {"lead": {"lost_reason": "no_budget"}}, []),
    ],
)
def test_what_other_events_make(planned, type_, data, kinds) -> None:
    assert [draft.kind for draft in planned(type_, data).drafts] == kinds


def test_silence_and_dates_are_watched(planned) -> None:
    watches = planned("lead.created", {"lead": {"company": "Roux"}}).watch
    assert [(watch.rule, watch.due_at) for watch in watches] == [("lead-silent", NOW + timedelta(days=14))]
    dated = planned("deal.won", {"deal": {"title": "Press", "renewal_on": "2027-11-01"}}).watch
    assert [watch.rule for watch in dated] == ["deal-renewal"]


def test_an_activity_answers_the_follow_up_and_news_wake_it(planned) -> None:
    done = planned("activity.completed", {"activity": {"id": "a1", "type": "call"}, "lead": {"id": "X1"}})
    assert [effect.kinds for effect in done.completions] == [("lead_follow_up",)]
    woken = planned("lead.updated", {"lead": {"phone": "1"}, "previous": {"phone": "2"}}).wakes
    assert [effect.kinds for effect in woken] == [("lead_qualification", "lead_follow_up")]


def test_about_one_contract_in_five_is_checked_by_somebody_else(policies) -> None:
    checks = [
        draft
        for number in range(500)
        for draft in plan_for_completion(completed("contract", number), {}, policies.rules, policies.kinds).drafts
    ]
    assert 70 < len(checks) < 130
    assert {(draft.kind, draft.blocking, draft.excluded) for draft in checks} == {("contract_check", True, ("lea",))}


def test_a_renewal_that_is_agreed_needs_a_contract(policies) -> None:
    made = [
        [draft.kind for draft in plan_for_completion(task, {}, policies.rules, policies.kinds).drafts]
        for task in (completed("renewal", 1, outcome="renewed"), completed("renewal", 1, outcome="ended"))
    ]
    assert made == [["contract"], []]


def completed(kind: str, number: int, **facts) -> TaskFacts:
    return TaskFacts(id=f"t{number}", kind=kind, completed_at=NOW, completed_by="lea", **facts)


def test_secrets_are_only_names(policies) -> None:
    secrets = policies.connections["pipedrive"].secrets
    assert secrets["path"] == "TASKHUB_PIPEDRIVE_PATH_SECRET"
    assert all(name.startswith("TASKHUB_") for name in secrets.values())
