"""Work given by a person: what a manager may override and what nobody may."""

from dataclasses import replace
from datetime import UTC, datetime

from taskhub.assignment.manual import manual
from taskhub.assignment.model import AgentFacts, QueueFacts, TaskFacts
from taskhub.assignment.registry import built_ins
from taskhub.tasks.shape import Shape

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
QUEUE = QueueFacts("desk", ("red",))
TASK = TaskFacts("t", Shape.of("desk", "offer"), NOW, NOW)
ANN = AgentFacts("ann", "red", skills={"offer": 1})


def test_a_fitting_gift_stands() -> None:
    found = manual(ANN, TASK, QUEUE, NOW, built_ins())
    assert found.stands
    assert (found.refused, found.overridden) == ((), ())


def test_skill_shift_and_refusals_may_be_overridden_on_record() -> None:
    unfit = replace(ANN, skills={}, shifts=(("sun", ("09:00-10:00",)),), presence="away")
    found = manual(unfit, replace(TASK, excluded={"ann": "declined"}), QUEUE, NOW, built_ins())
    assert found.stands
    assert found.overridden == ("skill_missing", "off_shift", "presence_away", "declined")


def test_capacity_inactive_and_four_eyes_never() -> None:
    found = manual(
        replace(ANN, active=False, held=3), replace(TASK, excluded={"ann": "not_by"}), QUEUE, NOW, built_ins()
    )
    assert not found.stands
    assert found.refused == ("inactive", "not_by", "at_capacity")
