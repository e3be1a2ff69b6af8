"""Somebody leaves: what they held goes back in the transaction that ends their days here; directors lead too."""

from taskhub.acts import people
from taskhub.assignment import service as assignment
from taskhub.db.tx import By
from taskhub.tasks import service as tasks
from taskhub.tasks.model import NewTask
from taskhub.testing import organisation as org
from taskhub.testing.clock import SetClock
from taskhub.testing.drain import drain


def test_whoever_leaves_holds_nothing(database_url: str) -> None:
    db = org.database(database_url, org.policies(), clock=SetClock())
    with db.begin(org.ADMIN) as tx:
        org.people(tx, "specialists", ["ana"])
        made = [tasks.create(tx, NewTask("contract", f"C{n}")).id for n in range(3)]
    drain(db)
    with db.begin(org.as_agent("ana"), act="task.claim") as tx:
        begun = assignment.claim(tx).task
        waiting = assignment.claim(tx)
        tasks.pause(tx, waiting.task.id, "waiting_customer", token=waiting.lease.token)
    with db.begin(org.ADMIN, act="agent.patch") as tx:
        people.patch_agent(tx, "ana", {"active": False})
    with db.read() as tx:
        left = [tasks.get(tx, id_) for id_ in made]
    assert {task.state for task in left} == {"queued"}
    assert {task.agent for task in left} == {None}
    drain(db)
    with db.read() as tx:
        assert tasks.get(tx, begun.id).waiting_reasons == ["pool_empty"]
    db.close()


def test_a_director_leads_every_team_of_the_department(sqlite_url: str) -> None:
    db = org.database(sqlite_url, org.policies(), clock=SetClock())
    with db.begin(org.ADMIN) as tx:
        org.people(tx, "specialists", ["ana", "dora"])
        tx.conn.exec_driver_sql("update team set leader = 'dora', department = 'ops'")
        made = tasks.create(tx, NewTask("contract", "C")).id
    dora = By("agent:dora", role="director", agent="dora", team="specialists", roles=("director",))
    with db.begin(dora, act="task.cancel") as tx:
        assert tasks.cancel(tx, made, "not needed").state == "cancelled"
    db.close()
