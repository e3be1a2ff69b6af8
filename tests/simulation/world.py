"""One run: a seed, a clock, a database, people, workers and a sender, and who of them acts next."""

from __future__ import annotations

import gc
import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from taskhub import failpoints, ids
from taskhub.db.types import instant_of
from tests.simulation import house
from tests.simulation.crew import Post, Worker, handlers, refused
from tests.simulation.desk import Answer, Call, Desk
from tests.simulation.lease_log import Log
from tests.simulation.ledger_watch import RUN, TAKE, Deed, LedgerWatch, Wrong
from tests.simulation.memory import Died, Memory
from tests.simulation.once import Once
from tests.simulation.task_watch import Doing, TaskWatch

GAP = timedelta(seconds=10)
WORKERS = 3
DEATHS, LOSSES, FAULTS = 0.06, 0.05, 0.03


class Failure(Exception):
    """A handler fails for no reason of the product's."""


@dataclass(frozen=True, slots=True)
class Undoable:
    """An act somebody did."""

    id: str
    by: str
    at: datetime
    undoes: str | None


@dataclass
class Sent:
    """What the sender knows: events by id, and what each record should have come to."""

    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)


class Ground:
    """What runs of one process share: the memory and the picture of the house every run begins with."""

    def __init__(self) -> None:
        self.now = house.START
        self.memory = Memory(lambda: self.now)
        self.memory.make_tables()
        self._draw(random.Random(0))
        house.settle(self.memory.database(house.load))
        self.picture = self.memory.picture()
        gc.freeze()

    def _draw(self, chance: random.Random) -> None:
        ids.draw_from(lambda: int(self.now.timestamp() * 1000), lambda: chance.getrandbits(80))

    def begin(self, seed: int) -> None:
        """The house as it was, the clock at its start, ids of this seed."""
        self.now = house.START
        self.memory.reset(self.picture)
        self._draw(random.Random(f"ids {seed}"))


class World:
    """The state of one run. A step may raise Wrong; ``log`` is its trace, line by line."""

    def __init__(self, ground: Ground, seed: int) -> None:
        ground.begin(seed)
        self.ground, self.seed = ground, seed
        self.memory, self.raw, self.fate = ground.memory, ground.memory.raw, ground.memory.fate
        self.fate.statements = 0
        failpoints.arm(self.fate.step)
        self.log: list[str] = []
        self.chance = random.Random(0)
        self.desk = Desk(self.memory.database(house.load, ring=self._hear))
        self.post = Post(self._meanwhile)
        self.heard: list[int] = []
        self.workers = [self._worker(f"w{number}", 0) for number in range(WORKERS)]
        self._restarts = 0
        self.ledger, self.tasks, self.once = LedgerWatch(self.raw), TaskWatch(self.raw), Once()
        self.tokens: dict[str, list[tuple[str, int]]] = {who: [] for who in house.PEOPLE}
        self.lost: list[Call] = []
        self.acts: dict[str, Undoable] = {}
        self.undone: set[str] = set()
        self.sent = Sent()
        self.seen = Log()
        self.keys = 0
        self.between: Callable[[], None] | None = None
        self.finishing = False

    @property
    def now(self) -> datetime:  # what the database's clock shows
        return self.ground.now

    def say(self, text: str) -> None:
        """One line of the trace."""
        self.log.append(f"{self.now:%d %H:%M:%S.%f} {text} [{self.fate.statements}]")

    def digest(self) -> str:
        """The hash of the trace and of the whole database."""
        return hashlib.sha256("\n".join([*self.log, *self.memory.contents()]).encode()).hexdigest()

    # ── the clock ────────────────────────────────────────────────────────────────────────────────────────────────────
    def pass_(self, span: timedelta, *, looked: bool = True) -> None:
        """Time goes on. ``looked``: workers were there meanwhile; otherwise nobody was, and leases get new terms."""
        self.ground.now += timedelta(milliseconds=round(span.total_seconds() * 1000))
        if looked and abs(span) > timedelta(seconds=1):
            self.raw.execute("update sweep set at = ?", (self._text(self.now),))
            for worker in self.workers:
                if not worker.frozen and worker.beaten_at is not None:
                    worker.beaten_at = self.now

    @staticmethod
    def _text(at: datetime) -> str:
        return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def fresh_key(self) -> str:
        """An Idempotency-Key nobody has used."""
        self.keys += 1
        return f"k{self.keys}"

    def send(self, call: Call, *, calm: bool = False) -> Answer | None:
        """The call and what its client hears; None: the server died, or the answer was lost. Judges what it did."""
        before, leases = self.tasks.row, self.tasks.leases
        answer = self._attempt(call, calm=calm)
        alive = self._alive(call)
        holder = self._renewed(call, answer)
        self.seen.answered(call, answer)
        self.after(Deed(), Doing(self.now, renews=holder))
        if answer is None:
            self.seen.unheard(call, leases.values(), self.tasks.leases.values())
            self.once.unheard(call, self._stored_reply(call), self.now, wrote=self.tasks.row != before)
            self.lost.append(call)
            return None
        self.once.told(call, answer, self.now, wrote=self.tasks.row != before)
        self._judge_token(call, answer, alive=alive)
        self._note_acts()
        self._note_tokens(call.who, answer)
        if not calm and self.chance.random() < LOSSES:
            self.lost.append(call)
            return None
        return answer

    def _attempt(self, call: Call, *, calm: bool) -> Answer | None:
        if not calm and self.chance.random() < DEATHS:
            self.fate.strike(self.chance.randint(1, 50), Died())
        try:
            return self.desk.send(call)
        except Died:
            self.desk = Desk(self.memory.database(house.load, ring=self._hear))
            return None
        finally:
            self.fate.spare()

    def _stored_reply(self, call: Call) -> bytes | None:
        """What is kept for the key of a call whose server died: whether it did so before or after its commit."""
        sql = "select reply from idempotency where key = ? and caller like ? and at > ? and status is not null"
        day = self._text(self.now - timedelta(hours=24))
        found = self.raw.execute(sql, (call.key, f"%{call.who}", day)).fetchone()
        return found[0] if found is not None else None

    def _alive(self, call: Call) -> bool | None:
        """Whether the token the call carries was alive when it came; None where it carries none."""
        token = call.json.get("lease_token") if call.body and call.name != "post_events" else None
        return None if token is None else self.tasks.token_is_alive(dict(call.path).get("id", ""), token, call.who)

    def _renewed(self, call: Call, answer: Answer | None) -> str:
        """Whose leases have a new term; after a death, whose may have."""
        if call.name != "renew" or (answer is not None and (answer.code or answer.replayed)):
            return ""
        lease = self.raw.execute("select max(expires_at) from lease where agent = ?", (call.who,)).fetchone()[0]
        done = answer is not None or (lease or "") >= self._text(self.now + house.LEASE_FOR)
        return call.who if done else ""

    def _judge_token(self, call: Call, answer: Answer, *, alive: bool | None) -> None:
        if alive is None or answer.replayed:
            return
        if answer.code is None and not alive:
            raise Wrong(f"lease: {call.name} of {call.who} was accepted under a dead token: {call.body!r} {call.path}")
        if answer.code == "lease_lost" and alive:
            raise Wrong(f"lease: {call.name} of {call.who} was refused under a living token: {call.path}")

    def _note_tokens(self, who: str, answer: Answer) -> None:
        lease = answer.json.get("lease") if answer.code is None else None
        if lease and who in self.tokens and (task := answer.json.get("task")):
            self.tokens[who] = [*self.tokens[who], (task["id"], lease["token"])][-8:]

    def _note_acts(self) -> None:
        for id_, by, at, undoes in self.raw.execute(
            "select id, by, at, inverse ->> 'op' from act order by rowid desc limit 3"
        ):
            self.acts.setdefault(id_, Undoable(id_, by, instant_of(at), undoes))

    # ── workers ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _worker(self, name: str, generation: int) -> Worker:
        db = self.memory.database(house.load, ring=self._hear)
        return Worker(name, db, handlers(self.post), random.Random(f"{self.seed} {name} {generation}"))

    def _hear(self, rung: Any) -> None:
        self.heard = [*self.heard, *rung][-20:] if self.chance.random() < 0.7 else self.heard

    def _meanwhile(self, notice: str) -> None:
        """Outside work is under way: others act, time passes, or the other side refuses."""
        if self.finishing:
            return
        fate = self.chance.random()
        if fate < 0.15:
            raise refused()
        if fate < 0.5 and self.between is not None:
            self.between()

    @contextmanager
    def mortal(self, worker: Worker) -> Iterator[None]:
        """The worker may die in here, or the work fail; a new process takes its place."""
        fate = 1.0 if self.finishing else self.chance.random()
        if fate < DEATHS:
            self.fate.strike(self.chance.randint(1, 60), Died())
        elif fate < DEATHS + FAULTS:
            self.fate.strike(self.chance.randint(2, 40), Failure())
        try:
            yield
        except Died:
            self.say(f"{worker.name} dies")
            self.replace(worker)
        except Failure:
            pass
        finally:
            self.fate.spare()

    def replace(self, worker: Worker) -> None:
        """The process is gone, and with it what it held in hand."""
        self._restarts += 1
        self.workers[self.workers.index(worker)] = self._worker(worker.name, self._restarts)

    def beat(self, worker: Worker) -> None:
        """A worker notes that it looks."""
        (at,) = self.raw.execute("select at from sweep").fetchone() or (None,)
        gap = at is not None and self.now - instant_of(at) > GAP
        tokens = frozenset(worker.tokens)
        with self.mortal(worker):
            worker.beat(self.now)
        (then,) = self.raw.execute("select at from sweep").fetchone() or (None,)
        self.after(Deed("beat", tokens), Doing(self.now, grace=gap and then == self._text(self.now)))

    def look(self, worker: Worker) -> str:
        """A worker takes what is due."""
        if not worker.fresh(self.now):
            self.beat(worker)
            return "beat"
        found: list[Any] = []
        with self.mortal(worker):
            found = worker.look(self.chance, self.heard)
        self.heard = []
        self.after(Deed(TAKE, frozenset(worker.tokens)), Doing(self.now))
        return " ".join(f"{row.id}:{row.handler}" for row in found)

    def run(self, worker: Worker, index: int) -> str:
        """A worker runs a row it took."""
        row = worker.waiting[index]
        died = True
        with self.mortal(worker):
            worker.run(index)
            died = False
        # The same worker may have taken the row again meanwhile: this try may settle under its own token only.
        self.after(Deed(RUN, frozenset({row.token}), row.id, died=died), Doing(self.now, handler=row.handler))
        return f"{row.id}:{row.handler}:{row.key[-6:]}"

    def after(self, deed: Deed, doing: Doing) -> None:
        self.memory.bury()
        self.ledger.after(deed, self._text(self.now))
        self.tasks.after(doing)
