"""Somebody converts a lead over there while taskhub is asked for the same: one deal, and the work of one conversion."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from taskhub.events.model import RecordRef
from taskhub.testing.crm.sender import Parcel
from tests.crm.floor import SYSTEMS, Floor, floor, senders
from tests.crm.hands import hands
from tests.crm.test_after_all import held_back, of_deal, say
from tests.crm.test_asked_there import ask, states

Split = Callable[[Parcel], bool]
# Which of its words are heard before we ask; the others come after we were answered.
HEARD: dict[str, Split] = {
    "nothing": lambda _: False,
    "of the deal": of_deal,
    "of the lead": lambda parcel: not of_deal(parcel),
    "of both": lambda _: True,
}


def converted_by_hand(house: Floor, lead: RecordRef) -> list[Parcel]:
    """What the CRM has to say of it, none of which has come yet."""
    held = held_back(house)
    [sender] = senders(house.fake, house.system)
    house.fake.clock.forward(seconds=2)
    hands(house.fake, house.system).convert(lead.id.removeprefix("crm:"))
    sender.run()
    return held


def one_at_a_time(house: Floor, words: Iterable[Parcel]) -> None:
    for word in words:
        say(house, [word])


def one_conversion(house: Floor, lead: RecordRef) -> None:
    assert states(house) == ["done"]
    [deal] = house.deals_there()
    assert house.count("welcome", "onboard") == {"welcome": 1, "onboard": 1}
    assert house.known(RecordRef("deal", f"crm:{deal}")).fields["lead"] == lead.id
    assert house.known(lead).fields["deal"] == f"crm:{deal}"


@pytest.mark.parametrize("own_user", [True, False])
@pytest.mark.parametrize("backwards", [True, False])
@pytest.mark.parametrize("heard", HEARD)
@pytest.mark.parametrize("system", SYSTEMS)
def test_by_hand_before_we_asked_its_work_is_made_once(
    sqlite_url: str, system: str, heard: str, *, backwards: bool, own_user: bool
) -> None:
    with floor(sqlite_url, system, own_user=own_user) as house:
        lead = house.lead()
        ask(house, lead)
        words = converted_by_hand(house, lead)[:: -1 if backwards else 1]
        one_at_a_time(house, filter(HEARD[heard], words))
        house.pass_time()
        one_at_a_time(house, (word for word in words if not HEARD[heard](word)))
        house.settle()
        one_conversion(house, lead)


@pytest.mark.parametrize("system", ["pipedrive", "dynamics"])  # one parcel of Salesforce tells of both together
def test_asked_for_after_its_deal_was_heard_of_its_work_is_made_once(sqlite_url: str, system: str) -> None:
    with floor(sqlite_url, system) as house:
        lead = house.lead()
        words = converted_by_hand(house, lead)
        one_at_a_time(house, filter(of_deal, words))
        ask(house, lead)
        house.pass_time()
        one_at_a_time(house, (word for word in words if not of_deal(word)))
        house.settle()
        one_conversion(house, lead)
