"""One event ends every process that tries to apply it: dead after three tries, and nothing else suffers."""

from __future__ import annotations

import threading
import time
from random import Random

from sqlalchemy import select

from taskhub.db import deaths
from taskhub.db.tables import message
from tests.faults import day
from tests.faults.calls import patiently
from tests.faults.house import Fittings, House
from tests.faults.shop import BATCH, EVENTS

RECORD = "lead:poison"
TRIES = 3
WITHIN = 120.0


def begin(house: House) -> None:
    """The event comes in before the others, and whoever dies is replaced at once, as a supervisor does."""
    event = {
        "specversion": "1.0", "id": "poison", "source": "poisoner", "type": "lead.updated", "subject": "poison",
        "time": "2026-01-05T10:00:00+00:00", "data": {"lead": {"id": "poison", "name": "P", "status": "lost"}},
    }  # fmt: skip
    headers = {"authorization": f"Bearer {house.shop.sender.key}", "content-type": BATCH}
    assert house.call("POST", EVENTS, [event], headers).status_code == 202
    threading.Thread(target=_supervise, args=(house, time.monotonic() + WITHIN), daemon=True).start()


def _supervise(house: House, end: float) -> None:
    while time.monotonic() < end and not patiently(lambda: _dead(house)):
        for one in house.workers:
            if one.code is not None:
                house.result.kills += 1
                house.redo.note()
                one.start(*house.fittings.armed)
        time.sleep(0.1)


def _dead(house: House) -> int | None:
    dead = select(message.c.id).where(message.c.dead_at.is_not(None))
    with house.shop.db.read() as tx:
        return tx.conn.execute(dead).scalar()


def after(house: House) -> None:
    """It is dead with its reason; replayed by sound workers it is applied like any other."""
    end = time.monotonic() + WITHIN
    while (dead := _dead(house)) is None:
        assert time.monotonic() < end, "the poison row never died"
        time.sleep(0.2)
    if house.result.kills > TRIES:
        house.result.wrong.append(f"the poison ended {house.result.kills} processes instead of {TRIES}")
    for one in house.workers:
        one.stop()
        one.start()
        one.wait()
    with house.shop.db.begin() as tx:
        row = tx.conn.execute(select(message.c.error, message.c.attempts).where(message.c.id == dead)).one()
        house.result.figures["tries"] = row.attempts
        if "the process ended during the last try" not in (row.error or ""):
            house.result.wrong.append(f"the dead row does not say why: {row.error}")
        deaths.replay(tx, dead)


def blow(_house: House, _chance: Random) -> None:
    """The poison does it all."""


FAULT = day.fault(
    "poison", "a row whose handler ends its process each time",
    day.Under(blow, strikes=1, fittings=Fittings(armed=(f"poison=event.apply:{RECORD}",)), begin=begin, after=after),
)  # fmt: skip
