from datetime import timedelta

import pytest

from taskhub.escalation.checks import check
from taskhub.policy.policies import Policies
from taskhub.policy.promise import EscalationPolicy, Step


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
