"""Every connection of the API hangs on a lock: calls are refused in time, and leases are renewed all the same."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import psycopg
from sqlalchemy import make_url

from tests.faults import day, office
from tests.faults.house import Fittings, House
from tests.faults.plan import NIGHT

HOGS = 8
LASTS = 4.0
RENEWED_WITHIN = 2.0
HOLDER, HOGGED = NIGHT[0], NIGHT[1]


def blow(house: House, chance: Random) -> None:
    """One person's row is locked from outside, and many claims of theirs wait for it; somebody else renews."""
    call, admin = house.call, _bearer(house.shop.admin.key or "")
    name = f"{chance.getrandbits(48):x}"
    holder, hogged = (_bearer(house.shop.people[who]) for who in (HOLDER, HOGGED))
    call("POST", "/api/v1/tasks", {"kind": office.CALL, "title": f"Held {name}"}, admin | {"idempotency-key": name})
    claimed = call(
        "POST", "/api/v1/tasks/claim", {"queues": [office.COUNTER]}, holder | {"idempotency-key": f"claim-{name}"}
    )
    given = claimed.json()
    address = make_url(house.shop.db.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with ThreadPoolExecutor(HOGS) as hogs, psycopg.connect(address) as conn:
        conn.execute("SELECT 1 FROM agent WHERE key = %s FOR UPDATE", (HOGGED,))
        waiting = [hogs.submit(house.call.once, "POST", "/api/v1/tasks/claim", {"queues": [office.DRAWER]}, hogged)
                   for _ in range(HOGS)]  # fmt: skip
        if given["task"] is not None:
            _renew(house, holder, given)
        conn.rollback()
        for one in waiting:
            one.result()


def _renew(house: House, who: dict[str, str], given: dict[str, Any]) -> None:
    end, path = time.monotonic() + LASTS, f"/api/v1/tasks/{given['task']['id']}/renew"
    while time.monotonic() < end:
        begin = time.monotonic()
        answer = house.call.once("POST", path, {"lease_token": given["lease"]["token"]}, who)
        took = time.monotonic() - begin
        house.result.figures["slowest renewal s"] = max(house.result.figures.get("slowest renewal s", 0), took)
        if answer is None or answer.status_code != 200 or took > RENEWED_WITHIN:
            said = "nothing" if answer is None else f"{answer.status_code} {answer.text[:200]}"
            house.result.wrong.append(f"a renewal beside a used-up pool: {said} after {took:.1f} s")
        time.sleep(0.5)


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def after(house: House) -> None:
    house.result.figures["refused"] = house.call.answers[503]
    if not house.call.answers[503]:
        house.result.wrong.append("nobody was refused: the pool was not used up")


FAULT = day.fault(
    "pool used up", "two connections and many claims that hang on a lock",
    day.Under(blow, strikes=2, fittings=Fittings(pool=2), after=after),
)  # fmt: skip
