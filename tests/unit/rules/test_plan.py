"""What rules make of an event: drafts with everything on them, closings, completions, wakes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.events.cloudevents import read_structured
from taskhub.events.model import Event, RecordRef, Version
from taskhub.policy.rule import Condition, Raise, Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import ChecklistItem, Kind
from taskhub.rules.drafts import drawn
from taskhub.rules.effects import applies_to, hits, older
from taskhub.rules.model import MAX_DEPTH, Effect, Plan, TaskDraft, TaskFacts
from taskhub.rules.plan import plan, plan_for_completion
from taskhub.sales.model import Changes
from taskhub.sales.stated import stated_changes

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
VISA = ChecklistItem(LocalText("Check the visa"), when={"deal.country": "US"})
KINDS = {
    "contract": Kind(
        "contract",
        LocalText("Write contract"),
        "legal",
        level=2,
        requires={"region": "EU"},
        checklist=(ChecklistItem(LocalText("Read")), VISA),
        sla="standard",
    )
}


def told(type_: str = "deal.won", *, id_: str = "e1", **data: Any) -> Event:
    subject = "L1" if type_.startswith("lead") else "D1"
    envelope = {"specversion": "1.0", "id": id_, "source": "crm", "type": type_, "subject": subject, "data": data}
    event = read_structured(envelope, NOW).event
    assert event is not None
    return event


def planned(rule: Rule, event: Event | None = None, known: dict[str, Any] | None = None) -> Plan:
    event = event or told()
    return plan(event, stated_changes(event), known or {}, (rule,), KINDS)


def one_draft(template: TaskTemplate, event: Event | None = None, **known: Any) -> TaskDraft:
    [draft] = planned(Rule("r", ("deal.won", "lead.converted"), tasks=(template,)), event, known).drafts
    return draft


class TestMatching:
    def test_no_rule(self) -> None:
        assert planned(Rule("r", ("deal.lost",), tasks=(TaskTemplate("contract"),))) == Plan(reason="no_rule")

    def test_the_reason_of_the_changes_stands(self) -> None:
        event = told()
        changes = Changes(event.record, event.types, event.version, reason="stale")
        assert plan(event, changes, {}, (Rule("r", ("deal.won",), close=("*",)),), KINDS) == Plan(reason="stale")

    def test_any_type_may_be_named(self) -> None:
        rule = Rule("r", ("com.example.signed",), tasks=(TaskTemplate("contract", "{who} signed"),))
        [draft] = planned(rule, told("com.example.signed", who="Ana")).drafts
        assert (draft.title, draft.record, draft.file) == ("Ana signed", None, None)

    def test_all_conditions_must_hold(self) -> None:
        when = (Condition("deal.amount", "gte", 5), Condition("lead.language", "eq", "de"))
        rule = Rule("r", ("deal.won",), when=when, wake=("contract",))
        assert planned(rule, told(deal={"amount": 9})).matched == ()
        assert planned(rule, told(deal={"amount": 9}), {"lead": {"language": "de"}}).matched == ("r",)

    def test_the_status_follows_the_type_whatever_the_data_say(self) -> None:
        rule = Rule("r", ("deal.won",), when=(Condition("deal.status", "eq", "won"),), wake=("x",))
        assert planned(rule, told(deal={"status": "open"})).matched == ("r",)

    def test_a_senders_own_status_can_be_asked_for(self) -> None:
        rule = Rule("r", ("lead.created",), when=(Condition("lead.status", "eq", "warm"),), wake=("x",))
        assert planned(rule, told("lead.created", lead={"status": "warm"})).matched == ("r",)


class TestDrafts:
    def test_the_kind_gives_what_the_template_does_not(self) -> None:
        draft = one_draft(TaskTemplate("contract"))
        assert (draft.title, draft.level, draft.sla, draft.requires) == (
            "Write contract",
            2,
            "standard",
            {"region": "EU"},
        )
        assert (draft.record, draft.file, draft.deal) == (RecordRef("deal", "D1"), "deal:D1", "D1")
        assert draft.version == Version(NOW, "e1 crm")

    def test_a_kind_that_is_gone_still_makes_a_task(self) -> None:
        assert one_draft(TaskTemplate("gone")).title == "gone"

    def test_raises(self) -> None:
        template = TaskTemplate(
            "contract",
            requires={"language": "{lead.language}"},
            raises=(
                Raise((Condition("deal.amount", "gte", 50_000),), level=4),
                Raise((Condition("lead.language", "eq", "de"),), requires={"law": "DE"}),
                Raise((Condition("deal.amount", "gte", 90_000),), level=5),
            ),
        )
        draft = one_draft(template, told(deal={"amount": 60_000}), lead={"language": "de"})
        assert draft.level == 4
        assert draft.requires == {"region": "EU", "language": "de", "law": "DE"}

    def test_the_checklist_fits_the_record(self) -> None:
        assert one_draft(TaskTemplate("contract")).checklist == (KINDS["contract"].checklist[0],)
        assert (
            one_draft(TaskTemplate("contract"), told(deal={"country": "US"})).checklist == KINDS["contract"].checklist
        )

    @pytest.mark.parametrize(
        "template", [TaskTemplate("contract", not_owner=True), TaskTemplate("contract", not_by="rep")]
    )
    def test_not_who_sold_it(self, template: TaskTemplate) -> None:
        draft = one_draft(template, told(deal={"owner": "ana"}), lead={"owner": "bob"})
        assert draft.excluded == ("ana", "bob")

    def test_everything_else_is_handed_on(self) -> None:
        template = TaskTemplate(
            "contract",
            "For {deal.name}",
            "high",
            "fast",
            timedelta(hours=1),
            ("offer",),
            not_by="completer",
            blocking=True,
        )
        draft = one_draft(template, told(deal={"name": "Acme", "amount": 5, "secret": "x"}))
        assert (draft.title, draft.priority, draft.sla, draft.delay) == ("For Acme", "high", "fast", timedelta(hours=1))
        assert (draft.waits_for, draft.not_by, draft.blocking) == (("offer",), "completer", True)
        assert draft.data == {"deal": {"id": "D1", "name": "Acme", "amount": 5}}

    def test_the_file_of_a_conversion_is_the_deal(self) -> None:
        draft = one_draft(TaskTemplate("contract"), told("lead.converted", deal={"id": "D7"}))
        assert (draft.record, draft.file, draft.lead, draft.deal) == (RecordRef("lead", "L1"), "deal:D7", "L1", "D7")

    def test_an_activity_is_work_on_its_deal(self) -> None:
        rule = Rule("r", ("activity.completed",), tasks=(TaskTemplate("contract"),), complete=("call",))
        result = planned(rule, told("activity.completed", activity={"id": "A1", "deal": "D9", "lead": "L9"}))
        assert result.drafts[0].record == result.completions[0].record == RecordRef("deal", "D9")
        assert (result.drafts[0].file, result.drafts[0].lead) == ("deal:D9", "L9")


class TestOrigins:
    def origins(self, event: Event, **more: Any) -> list[str]:
        rule = Rule("r", ("deal.won",), tasks=(TaskTemplate("contract"), TaskTemplate("contract")), **more)
        return [draft.origin for draft in planned(rule, event).drafts]

    def test_each_draft_has_its_own(self) -> None:
        assert len(set(self.origins(told()))) == 2

    def test_the_same_change_has_the_same(self) -> None:
        assert self.origins(told(id_="a")) == self.origins(told(id_="b", deal={"name": "A"}))

    def test_once_per_record(self) -> None:
        later = told(id_="b", deal={"status": "x"}, previous={"amount": 1})
        assert self.origins(told()) == self.origins(later)
        assert self.origins(told(), once_per="record") == self.origins(later, once_per="record") != self.origins(told())

    def test_a_share_is_drawn_the_same_every_time(self) -> None:
        rule = Rule("r", ("deal.won",), tasks=(TaskTemplate("contract", share=0.3),))
        events = [told(deal={"id": f"D{n}"}) for n in range(1_000)]
        first = [len(planned(rule, event).drafts) for event in events]
        assert first == [len(planned(rule, event).drafts) for event in events]
        assert 240 < sum(first) < 360

    def test_all_and_none(self) -> None:
        assert drawn("f" * 32, 1.0)
        assert not drawn("0" * 32, 0.0)


class TestEffects:
    def effect(self, second: int, verb: str = "close", kinds: tuple[str, ...] = ("*",), of: str = "deal") -> Effect:
        version = Version(NOW + timedelta(seconds=second), "x")
        return Effect(verb, RecordRef(of, "D1" if of == "deal" else "L1"), kinds, version, "r")

    def test_verbs(self) -> None:
        rule = Rule("r", ("deal.won",), wake=("a",), complete=("b",), close=("c",), close_reason="won")
        result = planned(rule)
        assert [effect.kinds for effect in (*result.wakes, *result.completions, *result.closings)] == [
            ("a",),
            ("b",),
            ("c",),
        ]
        assert result.closings[0].reason == "won"

    def test_only_older_work_is_hit(self) -> None:
        draft = one_draft(TaskTemplate("contract"))
        assert not hits(Effect("close", RecordRef("deal", "D1"), ("*",), draft.version, "r"), draft)
        assert hits(self.effect(1), draft)
        assert hits(self.effect(1, kinds=("contract",)), draft)
        assert not hits(self.effect(1, kinds=("other",)), draft)
        assert not hits(self.effect(1, of="lead"), draft)

    def test_a_deals_closing_reaches_the_conversions_work(self) -> None:
        draft = one_draft(TaskTemplate("contract"), told("lead.converted", deal={"id": "D1"}))
        assert hits(self.effect(1), draft)
        assert hits(self.effect(1, of="lead"), draft)

    def test_the_first_in_time_ends_a_late_draft(self) -> None:
        draft = one_draft(TaskTemplate("contract"))
        late, early, wake = self.effect(9), self.effect(2, "complete"), self.effect(1, "wake")
        assert applies_to([late, wake, early, self.effect(-1)], draft) is early
        assert applies_to([wake], draft) is None

    def test_the_older_of_two_drafts_counts(self) -> None:
        draft = one_draft(TaskTemplate("contract"))
        later = one_draft(TaskTemplate("contract"), told(id_="e2"))
        assert older(draft, later) is older(later, draft) is draft


class TestChains:
    RULE = Rule(
        "check",
        ("task.completed",),
        when=(Condition("task.kind", "eq", "contract"), Condition("task.data.pages", "gte", 2)),
        tasks=(TaskTemplate("contract", "Check {deal.name}", not_by="completer", share=0.0), TaskTemplate("contract")),
        close=("draft",),
    )

    def facts(self, **more: Any) -> TaskFacts:
        data = {"pages": 3, "deal": {"id": "D1", "name": "Acme"}}
        about = {"record": RecordRef("deal", "D1"), "deal": "D1", "file": "deal:D1", "completed_by": "ana"}
        return TaskFacts(**{"id": "t1", "kind": "contract", "completed_at": NOW, "data": data, **about, **more})

    def test_a_completed_task_leads_to_the_next(self) -> None:
        result = plan_for_completion(self.facts(), {}, (self.RULE,), KINDS)
        [draft] = result.drafts
        assert (draft.parent, draft.depth, draft.file, draft.number) == ("t1", 1, "deal:D1", 1)
        assert draft.data == {"deal": {"id": "D1", "name": "Acme"}}
        assert result.closings[0].record == RecordRef("deal", "D1")

    def test_while_learning_all_work_is_checked_by_another(self) -> None:
        check, _ = plan_for_completion(self.facts(learning=True), {}, (self.RULE,), KINDS).drafts
        assert (check.title, check.excluded) == ("Check Acme", ("ana",))

    def test_other_tasks_do_not_match(self) -> None:
        assert plan_for_completion(self.facts(kind="call"), {}, (self.RULE,), KINDS).reason == "no_rule"

    def test_done_again_means_checked_again(self) -> None:
        [one] = plan_for_completion(self.facts(), {}, (self.RULE,), KINDS).drafts
        again = TaskFacts("t1", "contract", NOW + timedelta(hours=1), data={"pages": 2})
        [two] = plan_for_completion(again, {}, (self.RULE,), KINDS).drafts
        assert one.origin != two.origin

    def test_chains_end(self) -> None:
        assert plan_for_completion(self.facts(depth=MAX_DEPTH - 1), {}, (self.RULE,), KINDS).drafts
        assert plan_for_completion(self.facts(depth=MAX_DEPTH), {}, (self.RULE,), KINDS) == Plan(reason="too_deep")
