"""The quiet day: the same events and the same people where nothing goes wrong."""

from __future__ import annotations

from collections import Counter

from taskhub.db import ledger
from taskhub.flow import HANDLERS
from taskhub.workers import run_due
from tests.faults import invariants, office, outcome, recount
from tests.faults.hands import Hands
from tests.faults.plan import CAPACITY, CLAIMERS, PEOPLE, Plan
from tests.faults.shop import Shop, open_shop


def day(url: str, plan: Plan) -> Counter[str]:
    """What must come out whatever happens. In one thread, so that the day itself is the same each time."""
    with open_shop(url, PEOPLE, capacity=CAPACITY, files=office.texts()) as shop:
        for batch in plan.batches():
            shop.batch(batch)
            run_due(shop.db, HANDLERS)
        hands = hands_of(shop, plan)
        while not hands.look():
            run_due(shop.db, HANDLERS)
        asked = shop.rest()
        with shop.db.read() as tx:
            assert not ledger.any_due(tx.conn, asked), "work is left on the quiet day"
            wrong = [*invariants.broken(tx.conn, asked), *recount.broken(tx)]
            assert wrong == [], "even on the quiet day"
            return day_of(tx.conn)


def hands_of(shop: Shop, plan: Plan) -> Hands:
    """The people of the day, who call the app directly."""

    def call(method: str, path: str, body: object, headers: dict[str, str]) -> object:
        return shop.client.request(method, path, json=body, headers=headers)

    keys = [shop.people[name] for name in CLAIMERS]
    return Hands(shop.db, call, keys, plan.deals(), shop.admin.key or "", plan.orders())  # type: ignore[arg-type]


def day_of(conn: object) -> Counter[str]:
    """The tasks to compare: the night desk's hang on the clock."""
    return outcome.tasks(conn, hands=False, without=office.NIGHT_KINDS, hash_=False)  # type: ignore[arg-type]
