"""A snooze that has ended tops its person's list, and waits there while they are full."""

from taskhub.assignment import service as assignment
from taskhub.tasks import service as tasks
from taskhub.tasks.model import NewTask
from taskhub.testing import organisation as org
from taskhub.testing.clock import SetClock
from taskhub.testing.drain import drain


def test_an_ended_snooze_comes_first_but_never_over_capacity(database_url: str) -> None:
    clock = SetClock()
    db = org.database(database_url, org.policies(), clock=clock)
    with db.begin(org.ADMIN) as tx:
        org.people(tx, "front", ["zoe"], "front_line", capacity=1)
        for n in range(3):
            tasks.create(tx, NewTask("billing", f"B{n}"))
    with db.begin(org.as_agent("zoe"), act="task.claim") as tx:
        first = assignment.claim(tx)
    with db.begin(org.as_agent("zoe"), act="task.pause") as tx:
        until = clock.now.replace(hour=10)
        tasks.pause(tx, first.task.id, "waiting_customer", until, first.lease.token)
    with db.begin(org.as_agent("zoe"), act="task.claim") as tx:
        second = assignment.claim(tx)
    assert second.task.id != first.task.id
    clock.forward(hours=2)
    with db.begin(org.as_agent("zoe"), act="task.claim") as tx:
        full = assignment.claim(tx)
    assert (full.task, full.reason) == (None, "at_capacity")
    with db.begin(org.as_agent("zoe"), act="task.release") as tx:
        tasks.release(tx, second.task.id, "later", second.lease.token)
    drain(db)
    with db.begin(org.as_agent("zoe"), act="task.claim") as tx:
        again = assignment.claim(tx)
    assert again.task.id == first.task.id
    db.close()
