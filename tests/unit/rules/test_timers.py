"""Rules that wait: after silence, before a date."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from taskhub.events.model import Event, RecordRef, Version
from taskhub.policy.rule import Condition, Rule, TaskTemplate
from taskhub.rules.model import TimerCheck, Watch
from taskhub.rules.plan import plan, plan_for_timer
from taskhub.rules.timers import before_due, silence_due
from taskhub.sales.model import RecordState
from taskhub.sales.stated import stated_changes

START = datetime(2026, 5, 4, 9, tzinfo=UTC)
DEAL = RecordRef("deal", "D1")
WEEKS = timedelta(days=14)
SILENT = Rule("silent", ("deal.stage_changed",), after=WEEKS, tasks=(TaskTemplate("nudge", "Nudge {deal.name}"),))
RENEWAL = Rule(
    "renewal", (), before_field="deal.renewal_on", before_by=timedelta(days=60), tasks=(TaskTemplate("renew"),)
)
PARIS = ZoneInfo("Europe/Paris")


def state(**fields: Any) -> RecordState:
    return RecordState(DEAL, fields, dict.fromkeys(fields, Version(START, "e")), START, START)


def event(type_: str, **deal: Any) -> Event:
    return Event("crm", "e1", (type_,), START, DEAL, {"deal": {"id": "D1", **deal}})


class TestSilence:
    def test_not_yet(self) -> None:
        almost = START + WEEKS - timedelta(microseconds=1)
        assert silence_due(SILENT, state(), almost) == TimerCheck(due=False, at=START + WEEKS)

    def test_due_from_the_very_instant(self) -> None:
        assert silence_due(SILENT, state(), START + WEEKS) == TimerCheck(due=True, at=START + WEEKS)

    @pytest.mark.parametrize(
        "fields", [{"status": "won"}, {"status": "lost"}, {"status": "converted"}, {"deleted": True}]
    )
    def test_ended_records_are_left_in_peace(self, fields: dict[str, Any]) -> None:
        assert silence_due(SILENT, state(**fields), START + WEEKS) == TimerCheck(due=False)

    def test_unless_the_rule_asks_for_them(self) -> None:
        rule = Rule("r", (), when=(Condition("deal.status", "eq", "won"),), after=WEEKS)
        assert silence_due(rule, state(status="won"), START + WEEKS).due
        assert not silence_due(rule, state(status="open"), START + WEEKS).due

    def test_a_rule_without_silence_is_never_due(self) -> None:
        assert silence_due(RENEWAL, state(), START + WEEKS) == TimerCheck(due=False)


class TestBefore:
    @pytest.mark.parametrize(
        ("renewal_on", "now", "expected"),
        [
            ("2026-09-01", "2026-07-02T21:59:59Z", TimerCheck(due=False, at=datetime(2026, 7, 2, 22, tzinfo=UTC))),
            ("2026-09-01", "2026-07-02T22:00:00Z", TimerCheck(due=True, at=datetime(2026, 7, 2, 22, tzinfo=UTC))),
            ("2026-09-01", "2026-09-01T10:00:00Z", TimerCheck(due=True, at=datetime(2026, 7, 2, 22, tzinfo=UTC))),
            ("2026-09-01", "2026-09-02T10:00:00Z", TimerCheck(due=False)),
            (
                "2026-09-01T10:00:00Z",
                "2026-07-03T10:00:00Z",
                TimerCheck(due=True, at=datetime(2026, 7, 3, 10, tzinfo=UTC)),
            ),
            ("soon", "2026-07-03T10:00:00Z", TimerCheck(due=False)),
            ("0001-01-01", "2026-07-03T10:00:00Z", TimerCheck(due=False)),
            ("9999-12-31", "2026-07-03T10:00:00Z", TimerCheck(due=False)),
            (True, "2026-07-03T10:00:00Z", TimerCheck(due=False)),
            (None, "2026-07-03T10:00:00Z", TimerCheck(due=False)),
        ],
    )
    def test_due(self, renewal_on: object, now: str, expected: TimerCheck) -> None:
        found = before_due(RENEWAL, state(renewal_on=renewal_on), datetime.fromisoformat(now), tz=PARIS)
        assert found == expected

    @pytest.mark.parametrize(
        ("date", "days", "at"),
        [("2026-06-01", 90, "2026-03-02T23:00:00Z"), ("2026-12-01", 60, "2026-10-01T22:00:00Z")],
    )
    def test_whole_days_are_counted_by_the_calendar_over_a_change_of_the_clock(
        self, date: str, days: int, at: str
    ) -> None:
        rule = replace(RENEWAL, before_by=timedelta(days=days))
        found = before_due(rule, state(renewal_on=date), datetime(2026, 1, 1, tzinfo=UTC), tz=PARIS)
        assert found.at == datetime.fromisoformat(at)

    def test_another_records_field_is_none_of_ours(self) -> None:
        rule = Rule("r", (), before_field="lead.renewal_on", before_by=timedelta(days=1))
        assert before_due(rule, state(renewal_on="2026-09-01"), START) == TimerCheck(due=False)


class TestWatches:
    def watches(self, rule: Rule, told: Event, **known: Any) -> tuple[Watch, ...]:
        result = plan(told, stated_changes(told), {"deal": known}, (rule,), {}, zone_of=lambda _rule: PARIS)
        assert result.drafts == ()
        return result.watch

    def test_silence_starts_with_its_types(self) -> None:
        assert self.watches(SILENT, event("deal.stage_changed")) == (Watch("silent", DEAL, START + WEEKS),)
        assert self.watches(SILENT, event("deal.won")) == ()

    def test_a_date_is_watched_when_known(self) -> None:
        [watch] = self.watches(RENEWAL, event("deal.won", renewal_on="2026-09-01"))
        assert watch.due_at == datetime(2026, 7, 2, 22, tzinfo=UTC)
        assert self.watches(RENEWAL, event("deal.won"), renewal_on="2026-09-01") == (watch,)
        assert self.watches(RENEWAL, event("deal.won")) == ()

    def test_another_nouns_date_is_not(self) -> None:
        rule = Rule("r", (), before_field="lead.renewal_on", before_by=timedelta(days=1))
        assert self.watches(rule, event("deal.won", renewal_on="2026-09-01")) == ()


class TestFiring:
    def test_a_date_in_another_zone_is_no_second_work(self) -> None:
        record, now = state(renewal_on="2026-09-01"), datetime(2026, 8, 1, tzinfo=UTC)
        found = [before_due(RENEWAL, record, now, tz=zone).at for zone in (PARIS, UTC)]
        assert found[0] != found[1]
        origins = {plan_for_timer(RENEWAL, record, at, {}, {}).drafts[0].origin for at in found if at is not None}
        assert len(origins) == 1

    def test_one_instant_makes_one_task(self) -> None:
        known = {"lead": {"id": "L1"}}
        record = state(name="Acme", lead="L1")
        [one] = plan_for_timer(SILENT, record, START + WEEKS, known, {}).drafts
        [same] = plan_for_timer(SILENT, record, START + WEEKS, {}, {}).drafts
        [later] = plan_for_timer(SILENT, record, START + 2 * WEEKS, {}, {}).drafts
        assert one.origin == same.origin != later.origin
        assert (one.title, one.record, one.lead, one.file) == ("Nudge Acme", DEAL, "L1", "deal:D1")
