"""Work that failed for good: listed, tried again, given up."""

from __future__ import annotations

from sqlalchemy import select, update

from taskhub.db.tables import history, message
from tests.api.client import code
from tests.api.house import House

PATH = "/api/v1/messages"


def bury(house: House, *, again: bool = False) -> int:
    """A row that failed for good."""
    with house.db.begin() as tx:
        if not again:
            tx.emit("notification.created", "n1")
    with house.db.begin() as tx:
        gone = update(message).where(message.c.handler == "notification.deliver").values(dead_at=tx.now, error="broke")
        return int(tx.conn.execute(gone.returning(message.c.id)).scalar_one())


def acts(house: House) -> list[tuple[str, dict[str, str]]]:
    """What history says of the ledger."""
    with house.db.read() as tx:
        said = select(history.c.act, history.c.change).where(history.c.noun == "message").order_by(history.c.row)
        return [(act, change) for act, change in tx.conn.execute(said)]


def test_a_dead_message_is_replayed_or_given_up_once(any_house: House) -> None:
    admin, about = any_house.of("admin"), {"handler": "notification.deliver", "key": "n1"}
    number = bury(any_house)
    assert admin.ok("POST", f"{PATH}/{number}/replay")["id"] == number
    assert code(admin.post(f"{PATH}/{number}/discard", json={"reason": "gone"})) == (404, "not_found")
    number = bury(any_house, again=True)
    assert code(admin.post(f"{PATH}/{number}/discard", json={}))[0] == 422
    given_up = admin.ok("POST", f"{PATH}/{number}/discard", {"reason": "gone"})
    assert given_up["id"] == number
    assert given_up["discarded_at"]
    assert code(admin.post(f"{PATH}/{number}/replay")) == (404, "not_found")
    assert admin.ok("GET", f"{PATH}/dead")["items"] == []
    assert acts(any_house) == [("replay", about), ("discard", {**about, "reason": "gone"})]
