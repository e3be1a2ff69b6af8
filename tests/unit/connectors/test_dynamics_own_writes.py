"""What taskhub wrote to Dynamics itself comes back: it fires nothing, and hides nothing somebody else did."""

from dataclasses import replace
from typing import Any

import pytest

from taskhub.connectors.own_write import is_own_write
from taskhub.sales.model import Change, Changes
from taskhub.sales.projection import project
from tests.unit.connectors.dataverse import APPLICATION, LEAD, OTHER_REP, choice, create, row, update
from tests.unit.connectors.test_dynamics import CONNECTION, accepted

OURS = replace(CONNECTION, settings={"own_user": f"{{{APPLICATION.upper()}}}"})
OPEN, CONVERTED = (
    {"statecode": choice(state), "statuscode": choice(reason), "leadid": LEAD} for state, reason in ((0, 1), (1, 3))
)
IMAGE = [{"key": "after", "value": row("lead", LEAD, CONVERTED)}]


def told(*bodies: dict[str, Any]) -> list[Changes]:
    """What each message changes, one after the other."""
    state, found = None, []
    for body in bodies:
        state, changes = project(state, accepted(body, OURS))
        found.append(changes)
    return found


@pytest.mark.parametrize("ours_first", [True, False])
def test_the_image_around_our_own_write_does_not_take_what_somebody_else_did(*, ours_first: bool) -> None:
    made = create("lead", LEAD, {**OPEN, "subject": "A"}, 0)
    ours = update("lead", LEAD, {"subject": "B"}, second=20, InitiatingUserId=APPLICATION, PostEntityImages=IMAGE)
    theirs = update("lead", LEAD, CONVERTED, second=10, InitiatingUserId=OTHER_REP, PostEntityImages=IMAGE)
    order = (ours, theirs) if ours_first else (theirs, ours)
    changes = told(made, *order)[1:]
    other = changes[1 if ours_first else 0]
    assert (other.types, other.reason) == (("lead.converted",), None)
    assert other.fields["status"] == Change("open", "converted")


def test_what_the_message_itself_says_is_still_known() -> None:
    ours = update("lead", LEAD, CONVERTED, InitiatingUserId=APPLICATION, PostEntityImages=IMAGE)
    assert accepted(ours, OURS).data["lead"]["status"] == "converted"


def test_anybody_elses_image_is_read() -> None:
    theirs = update("lead", LEAD, {"subject": "B"}, InitiatingUserId=OTHER_REP, PostEntityImages=IMAGE)
    assert accepted(theirs, OURS).data["lead"]["status"] == "converted"


@pytest.mark.parametrize("spelled", [APPLICATION, APPLICATION.upper(), f"{{{APPLICATION}}}", f" {APPLICATION} "])
def test_our_user_is_known_however_its_id_is_written(spelled: str) -> None:
    connection = replace(CONNECTION, settings={"own_user": spelled})
    assert is_own_write(accepted(create("lead", LEAD, OPEN, InitiatingUserId=APPLICATION), connection), connection)
    assert not is_own_write(accepted(create("lead", LEAD, OPEN), connection), connection)
