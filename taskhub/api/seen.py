"""Facts for the permission table: what a task, a person, a queue or a record is to the caller."""

from __future__ import annotations

from taskhub.access import service as access
from taskhub.access.permissions import Caller, Object, can, reaches_all
from taskhub.agents import service as agents
from taskhub.agents.model import Agent
from taskhub.api import queries
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.events.model import RecordRef
from taskhub.notes import model as writing
from taskhub.notes import service as notes
from taskhub.notes.model import Note
from taskhub.policy.policies import Policies
from taskhub.policy.work import Queue
from taskhub.queues import service as staffed
from taskhub.sales import path
from taskhub.sales import service as sales
from taskhub.sales.model import RecordState
from taskhub.tasks import service as tasks
from taskhub.tasks.model import Task
from taskhub.tasks.questions import service as questions
from taskhub.tasks.questions.model import Question


def of_task(task: Task, policies: Policies) -> Object:
    """A task concerns the teams its queue admits and those an escalation let in."""
    queue = policies.queues.get(task.queue)
    teams = frozenset(queue.teams if queue else ()) | frozenset(task.extra_teams)
    return Object(task.agent or task.completed_by, teams, _asked_by(task))


def of_agent(agent: Agent) -> Object:
    """A person belongs to themselves and concerns their team."""
    return Object(agent.key, frozenset({agent.team}))


def of_queue(queue: Queue) -> Object:
    """A queue concerns the teams it admits."""
    return Object(teams=frozenset(queue.teams))


def task(tx: Tx, task_id: str, act: str = "task.read") -> tuple[Task, Caller]:
    """The task, if the caller may do ``act`` to it. Raises NotFound or Forbidden."""
    found, who = tasks.get(tx, task_id), access.caller(tx)
    access.check(who, act, of_task(found, tx.policies))
    return found, who


def agent(tx: Tx, key: str, act: str = "agent.read") -> tuple[Agent, Caller]:
    """The person, if the caller may do ``act`` to them. Raises NotFound or Forbidden."""
    found, who = agents.get_agent(tx, key), access.caller(tx)
    access.check(who, act, of_agent(found))
    return found, who


def queue(tx: Tx, key: str, act: str = "queue.read") -> Queue:
    """The queue of the files, if the caller may do ``act`` to it. Raises NotFound or Forbidden."""
    found = staffed.known(tx, key)
    access.check(access.caller(tx), act, of_queue(found))
    return found


def queues(who: Caller, policies: Policies) -> list[str] | None:
    """Keys of the queues the caller sees; None: all."""
    if reaches_all(who, "queue.read"):
        return None
    return [key for key, queue in policies.queues.items() if can(who, "queue.read", of_queue(queue))]


def teams(who: Caller) -> list[str] | None:
    """Keys of the teams whose people the caller sees; None: all."""
    if reaches_all(who, "agent.read"):
        return None
    return sorted({*who.managed, *([who.by.team] if who.by.team else [])})


def _asked_by(task: Task) -> str | None:
    """Tasks made by hand carry who ordered them in their origin."""
    origin = task.origin or ""
    return origin.removeprefix(queries.ASKED).rpartition(":")[0] if origin.startswith(queries.ASKED) else None


def record(tx: Tx, noun: str, id_: str, act: str = "record.read") -> tuple[RecordState, Caller]:
    """The lead, deal, account or contact, if the caller may do ``act`` to it. Raises NotFound or Forbidden."""
    found, who = sales.get(tx, RecordRef(noun, id_)), access.caller(tx)
    access.check(who, act, of_record(tx, found, who))
    return found, who


def held(tx: Tx, noun: str, id_: str, act: str) -> tuple[RecordState, Caller]:
    """The same, locked until the transaction ends: whose it is cannot change between the question and the act.

    For acts on this record alone; those on several lock them in one order, and ask afterwards.
    """
    record(tx, noun, id_, act)  # nobody waits for the lock of what they may not change
    sales.locked(tx, RecordRef(noun, id_))
    return record(tx, noun, id_, act)


def of_record(tx: Tx, state: RecordState, who: Caller) -> Object:
    """A record belongs to its owner and concerns their team; a task about it opens it to whoever sees that task.

    One that was merged goes on hearing of the customer: it is whose the one that stayed is.
    """
    gone = state.fields.get("merged_into") is not None
    return of_row(tx, (sales.current(tx, state.ref) or state) if gone else state, who)


def of_row(tx: Tx, state: RecordState, who: Caller) -> Object:
    """The same by its own owner, though it was merged: who takes that back decides for both."""
    owner = state.fields.get("owner")
    owner = owner if isinstance(owner, str) else None
    team = queries.team_of_owner(tx, owner)
    mine = queues(who, tx.policies) or ()
    served = queries.served(tx, state.ref.noun, state.ref.id, tx.by.agent, mine)
    return Object(owner, frozenset({team} if team else ()), served=served)


def visible(tx: Tx, who: Caller, noun: str, id_: str) -> bool:
    """Whether the caller may look at a record or task."""
    if noun != "task" and reaches_all(who, "record.read"):
        return True
    try:
        _ = task(tx, id_) if noun == "task" else record(tx, noun, id_)
    except NotFound:
        return False
    return True


def note(tx: Tx, id_: str, *, removed: bool = False) -> Note:
    """A note that hangs on something the caller sees; ``removed``: also one that is not there. Raises NotFound."""
    found, who = notes.get(tx, id_, removed=removed), access.caller(tx)
    if not any(visible(tx, who, *on.split(":", 1)) for on in found.on):
        raise NotFound(writing.UNSEEN)
    return found


def question(tx: Tx, question_id: str, act: str = "question.read") -> tuple[Question, Caller]:
    """The question, if the caller may do ``act`` to it. Raises NotFound or Forbidden."""
    found, who = questions.get(tx, question_id), access.caller(tx)
    team_ = queries.team_of_owner(tx, found.asked_of)
    about = tasks.get(tx, found.task)
    served = bool(can(who, "task.read", of_task(about, tx.policies)))
    asked_by = found.asked_by.removeprefix("agent:")
    access.check(who, act, Object(found.asked_of, frozenset({team_} if team_ else ()), asked_by, served))
    return found, who


def refuse_unseen(tx: Tx, noun: str, id_: str | None, field: str | None = None) -> None:
    """Raises InvalidInput for a record that the caller may not read, in the words for one that nobody knows."""
    if id_ is None:
        return
    try:
        record(tx, noun, id_)
    except NotFound:
        raise path.unknown(field or noun, id_, (), "unknown_record") from None
