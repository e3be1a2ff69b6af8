"""One day under one fault: events come in, people work, blows fall meanwhile; then everything is recounted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random

from tests.faults import verdict
from tests.faults.fault import Fault
from tests.faults.ground import Ground
from tests.faults.hands import Hands
from tests.faults.house import Fittings, House, open_house
from tests.faults.night import Night
from tests.faults.office import texts
from tests.faults.plan import CAPACITY, CLAIMERS, NIGHT, PEOPLE, Plan
from tests.faults.result import Result
from tests.faults.shop import BATCH, EVENTS, open_shop

Blow = Callable[[House, Random], None]
STARTED = 0.05


@dataclass(frozen=True)
class Under:
    """A fault that strikes a whole day. ``blow`` lasts as long as the harm does; ``strikes`` of them in a run.

    ``begin`` is called before the first event, ``after`` when the harm is over, ``judge`` when all is at rest.
    """

    blow: Blow
    strikes: int = 4
    fittings: Fittings = field(default_factory=Fittings)
    begin: Callable[[House], None] | None = None
    after: Callable[[House], None] | None = None
    judge: Callable[[House], None] | None = None


def fault(name: str, about: str, under: Under) -> Fault:
    """The fault that is a day under those blows."""
    return Fault(name, about, lambda ground, seed: run(name, ground, seed, under))


def run(name: str, ground: Ground, seed: int, under: Under) -> Result:
    """The day of ``seed`` under these blows, judged against the quiet one."""
    plan, result = ground.plan_of(seed), Result(name, seed)
    wanted = ground.quiet(seed)
    begin = time.monotonic()
    with ExitStack() as ends:
        url = ends.enter_context(ground.database())
        redis = ends.enter_context(ground.redis())
        shop = ends.enter_context(open_shop(url, PEOPLE, capacity=CAPACITY, files=texts()))
        house = ends.enter_context(open_house(ground, shop, url, redis, under.fittings, result))
        hands = Hands(shop.db, house.call, [shop.people[who] for who in CLAIMERS], plan.deals())
        night = Night(house.call, shop.admin.key or "", {who: shop.people[who] for who in NIGHT}, Random(~seed))
        if under.begin is not None:
            under.begin(house)
        _spend(house, plan, under, hands, night)
        if under.after is not None:
            under.after(house)
        house.settle()
        calm = time.monotonic()
        hands.finish()
        night.finish()
        verdict.rest(shop, calm, result)
        hands.again()
        verdict.judge(house, plan, hands, night, wanted)
        if under.judge is not None:
            under.judge(house)
    result.took = time.monotonic() - begin
    return result


def _spend(house: House, plan: Plan, under: Under, hands: Hands, night: Night) -> None:
    batches, chance, harm = plan.batches(), Random(plan.seed), Random(-1 - plan.seed)
    blows = Counter(harm.choices(range(len(batches)), k=plan.strikes or under.strikes))
    with ThreadPoolExecutor(1) as striker:
        fallen: list[Future[None]] = []
        for post, batch in enumerate(batches):
            send(house, batch)
            fallen += [striker.submit(under.blow, house, harm) for _ in range(blows[post])]
            house.result.strikes += blows[post]
            hands.look()
            night.look()
            time.sleep(chance.expovariate(1 / plan.pause))
        while not all(one.done() for one in fallen):
            night.act()
            time.sleep(STARTED)
        for one in fallen:
            one.result()


def send(house: House, batch: list[dict[str, object]]) -> None:
    """One body of events, until it is accepted: some may be known from a try whose answer got lost."""
    headers = {"authorization": f"Bearer {house.shop.sender.key}", "content-type": BATCH}
    answer = house.call("POST", EVENTS, batch, headers)
    assert answer.status_code == 202, answer.text
    assert {one["status"] for one in answer.json()["events"]} <= {"accepted", "duplicate"}
    house.result.events += len(batch)
