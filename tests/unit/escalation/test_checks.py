from datetime import timedelta

import pytest

from taskhub.calendars import parse_target
from taskhub.escalation.checks import check
from taskhub.policy.policies import Policies
from taskhub.policy.promise import FIRST_START, EscalationPolicy, SlaPolicy, Step


def problems(**step: object) -> list[str]:
    ladder = EscalationPolicy("late", (Step(at_fraction=0.5, notify=("agent",)), Step(at_fraction=1.0, **step)))  # type: ignore[arg-type]
    return [f"{one.key}: {one.message}" for one in check(Policies("h", escalations={"late": ladder}))]


def test_a_good_ladder_has_no_problem() -> None:
    assert problems(notify=("leader", "manager", "agent:zoe", "team:office", "role:admin", "url:OPS")) == []
    assert problems(reassign="leader", repeat_every=timedelta(hours=1)) == []
    assert problems(widen=("office",)) == []


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({}, "escalation.late.steps[2]: does nothing"),
        ({"notify": ("boss",)}, "escalation.late.steps[2].notify[0]: 'boss' is nobody"),
        ({"notify": ("agent", "mail:zoe")}, "escalation.late.steps[2].notify[1]: 'mail:zoe' is nobody"),
        ({"notify": ("team:",)}, "escalation.late.steps[2].notify[0]: 'team:' is nobody"),
        ({"notify": ("role:boss",)}, "escalation.late.steps[2].notify[0]: there is no role 'boss'"),
        ({"reassign": "queue", "repeat_every": timedelta()}, "escalation.late.steps[2].repeat_every: must be"),
    ],
)
def test_what_cannot_work_is_refused_when_the_file_is_read(step: dict[str, object], said: str) -> None:
    (found,) = problems(**step)
    assert found.startswith(said)


def test_a_step_about_the_start_needs_the_promise_of_one() -> None:
    steps = (
        Step(overdue_for=timedelta(), notify=("leader",)),
        Step(at_fraction=0.5, target=FIRST_START, notify=("agent",)),
    )
    hours = parse_target("4h")
    sla = {
        "plain": SlaPolicy("plain", hours, escalation="late"),
        "quick": SlaPolicy("quick", hours, first_start=parse_target("1h"), escalation="late"),
        "calm": SlaPolicy("calm", hours),
    }
    (found,) = check(Policies("h", sla=sla, escalations={"late": EscalationPolicy("late", steps)}))
    assert (found.file, found.key) == ("sla.toml", "sla.plain.escalation")
    assert found.message.startswith("step 2 of the ladder 'late' is about target = \"first_start\"")
