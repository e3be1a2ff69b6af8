"""Which work is looked at again is drawn by hash: the asked-for share of it, and the same whenever it is drawn."""

from datetime import UTC, datetime, timedelta
from math import sqrt

from hypothesis import given, settings
from hypothesis import strategies as st

from taskhub.events.model import RecordRef
from taskhub.ids import new_id
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind
from taskhub.rules.drafts import draw_of, drawn
from taskhub.rules.model import TaskFacts
from taskhub.rules.plan import plan_for_completion

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
KINDS = {"look": Kind("look", LocalText("Look"), "desk")}
IDS = [new_id() for _ in range(10_000)]


@settings(max_examples=60)
@given(share=st.floats(0.01, 0.99), rule=st.text(min_size=1, max_size=20), number=st.integers(0, 5))
def test_the_share_drawn_of_ten_thousand_is_the_share_asked_for(share: float, rule: str, number: int) -> None:
    hits = sum(drawn(draw_of(rule, number, id_), share) for id_ in IDS)
    spread = sqrt(share * (1 - share) * len(IDS))
    assert abs(hits - share * len(IDS)) <= 5 * spread + 1


@settings(max_examples=500)
@given(
    share=st.floats(0.01, 1.0), task=st.sampled_from(IDS), later=st.integers(1, 10**6), who=st.sampled_from(["a", "b"])
)
def test_a_task_draws_the_same_lot_whenever_and_whoever_completes_it(
    share: float, task: str, later: int, who: str
) -> None:
    rule = Rule("r", ("task.completed",), tasks=(TaskTemplate("look", share=share, not_by="completer"),))
    plans = [
        plan_for_completion(
            TaskFacts(task, "contract", at, completed_by=by, record=RecordRef("deal", "D1")), {}, (rule,), KINDS
        )
        for at, by in ((NOW, "zoe"), (NOW, "zoe"), (NOW + timedelta(seconds=later), who))
    ]
    assert len({len(plan.drafts) for plan in plans}) == 1
    assert plans[0] == plans[1]
    for plan, by in zip(plans, ("zoe", "zoe", who), strict=True):
        assert [(draft.checks, draft.completer) for draft in plan.drafts] in ([], [(task, by)])


@settings(max_examples=200)
@given(share=st.floats(0.01, 1.0), learning=st.booleans(), task=st.sampled_from(IDS))
def test_a_check_is_never_checked_and_all_of_a_learners_work_is(share: float, learning: bool, task: str) -> None:
    rule = Rule("r", ("task.completed",), tasks=(TaskTemplate("look", share=share, blocking=True),))
    facts = TaskFacts(task, "contract", NOW, completed_by="zoe", learning=learning)
    found = plan_for_completion(facts, {}, (rule,), KINDS).drafts
    assert len(found) == (1 if learning else drawn(draw_of("r", 0, task), share))
    again = TaskFacts(task, "look", NOW, completed_by="zoe", learning=learning, is_check=True)
    assert plan_for_completion(again, {}, (rule,), KINDS).drafts == ()
