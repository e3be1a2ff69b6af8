from dataclasses import replace
from datetime import timedelta

import pytest

from taskhub.escalation.surroundings import check
from taskhub.policy.policies import Policies
from taskhub.policy.promise import EscalationPolicy, Step
from taskhub.policy.text import LocalText
from taskhub.policy.work import Queue, Staffing

HOUR = timedelta(hours=1)
DESK = Queue("desk", LocalText("Desk"), ("specialists",), "office", Staffing("dedicated"))
HERE = {"OPS_URL": "json://ops", "NIGHT_FILE": "/run/night"}


def said(*steps: Step, teams: frozenset[str] | None = frozenset({"office"})) -> list[str]:
    policies = Policies("h", queues={"desk": DESK}, escalations={"late": EscalationPolicy("late", steps)})
    return [str(one) for one in check(policies, teams=teams, environ=HERE)]


def test_targets_that_are_there() -> None:
    step = Step(at_fraction=0.5, notify=("team:office", "url:OPS_URL", "url:NIGHT"), widen=("specialists",))
    assert said(step) == []
    assert said(Step(at_fraction=0.5, widen=("anybody",)), teams=None) == []


@pytest.mark.parametrize(
    ("step", "place", "hint"),
    [
        (Step(notify=("agent", "team:offise")), "notify[1]: there is no team 'offise'", "'office'"),
        (Step(widen=("specialist",)), "widen[0]: there is no team 'specialist'", "'specialists'"),
        (Step(notify=("url:OPS_URI",)), "notify[0]: the variable OPS_URI is not set", "'OPS_URL'"),
        (Step(notify=("url:json://u:secret@h",)), "notify[0]: an address holds secrets", ""),
        (Step(notify=("agent",), reassign="queue", repeat_every=HOUR), "repeat_every: repeats a reassign", ""),
        (Step(notify=("agent",), repeat_every=HOUR / 3600), "repeat_every: says it again every 1s; 5m is", ""),
        (Step(widen=("office",), repeat_every=HOUR), "repeat_every: repeats what has been done", ""),
    ],
)
def test_what_is_not_there_is_named_with_what_was_meant(step: Step, place: str, hint: str) -> None:
    (found,) = said(step)
    assert found.startswith("escalation.toml: escalation.late.steps[1].")
    assert place in found
    assert hint in found
    assert "secret@" not in found


def test_a_step_whose_work_is_done_already_can_never_do_anything() -> None:
    raises = Step(overdue_for=HOUR, raise_priority=3)
    again = Step(overdue_for=2 * HOUR, raise_priority=1)
    (found,) = said(raises, again)
    assert "steps[2]: can never do anything" in found
    assert said(raises, Step(overdue_for=2 * HOUR, raise_priority=1, notify=("leader",))) == []
    # A step that waits for a pause may come first.
    assert said(Step(paused_for=HOUR, raise_priority=3), again) == []
    widens = Step(overdue_for=HOUR, widen=("office",))
    assert "steps[2]: can never" in said(widens, Step(overdue_for=2 * HOUR, widen=("office",)))[0]


def test_steps_beyond_the_promised_time_come_after_those_before_it() -> None:
    beyond = Step(at_fraction=1.5, notify=("leader",))
    for early in (Step(at_fraction=0.5, notify=("agent",)), Step(overdue_for=timedelta(), notify=("agent",))):
        (found,) = said(beyond, early)
        assert "steps[2]: falls due before step 1" in found
        assert said(early, beyond) == []
    # of two promises each has its own time
    assert said(replace(beyond, target="first_start"), Step(at_fraction=0.8, notify=("agent",))) == []
    # which of these comes first depends on the promise
    assert said(beyond, Step(overdue_for=HOUR, notify=("agent",))) == []


def test_the_shortest_repeat_is_accepted() -> None:
    assert said(Step(overdue_for=HOUR, notify=("agent",), repeat_every=timedelta(minutes=5))) == []
