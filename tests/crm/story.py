"""A lead that becomes a customer, over there and here, quietly or in a storm: its whole story, and what stands then.

taskhub is asked by its calendar and by people; everything else goes the way of the hook route and of the ledger.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from taskhub.acts import crm_asking
from taskhub.assignment import service as assignment
from taskhub.connectors.looking import service as looking
from taskhub.db import ledger
from taskhub.db.tables import event, message
from taskhub.db.tables import task as task_table
from taskhub.db.tables_crm import crm_act
from taskhub.events.model import RecordRef
from taskhub.policy.rule import Condition, Rule, TaskTemplate
from taskhub.sales import service as sales
from taskhub.sales.conversion import Asked
from taskhub.tasks import service as tasks
from taskhub.testing.crm.sender import Answer, Parcel
from tests.crm.floor import BOB, SECRETS, SUE, Floor, senders
from tests.crm.hands import FIELDS, IMAGE, STAGES, hands
from tests.crm.plot import CLOSED, Plot
from tests.crm.storm import Storm

RULES = (
    Rule("first", ("lead.created",), tasks=(TaskTemplate("qualify", "Qualify {lead.title}"),)),
    Rule("warm", ("lead.stage_changed",), (Condition("lead.stage", "eq", "met"),), tasks=(TaskTemplate("call"),)),
    Rule("over", ("lead.converted", "lead.deleted"), complete=("qualify", "call")),
    Rule("convert", ("lead.converted",), tasks=(TaskTemplate("onboard", "Onboard"),)),
    Rule("begin", ("deal.created",), tasks=(TaskTemplate("welcome", "Welcome {deal.title}"),)),
    Rule("moved", ("deal.stage_changed",), (Condition("deal.stage", "eq", "offered"),), tasks=(TaskTemplate("offer"),)),
    Rule("won", ("deal.won",), tasks=(TaskTemplate("billing", "Bill it"),)),
    Rule("end", ("deal.lost",), close=("welcome", "offer"), close_reason="lost"),
    Rule("after", ("deal.lost",), tasks=(TaskTemplate("survey", "Ask why"),)),
    Rule("again", ("activity.completed",), tasks=(TaskTemplate("loop", "Look at {activity.title}"),)),
)  # fmt: skip
OPEN = ("queued", "offered", "assigned", "in_progress", "waiting")
WAITS = (1, 20, 400, 1500)  # seconds between two things that people do
PATIENCE = 40


class Story(Floor):
    """One lead of a house that looks by itself, too."""

    def __init__(self, url: str, system: str, plot: Plot, storm: random.Random | None) -> None:
        maps = {"stages": STAGES[system], "fields": FIELDS.get(system, {})}
        self.storm = Storm(system, storm)
        super().__init__(url, system, own_user=plot.seed % 5 > 0, rules=RULES, maps=maps)
        self.plot, self.hands = plot, hands(self.fake, system)
        self.handlers["connection.look"] = looking.Look(self.clients.reaching)
        self.handlers["record.reread"] = looking.Reread(self.clients.reaching)
        if system == "dynamics" and plot.image:
            for step in self.fake.steps.steps.values():
                step["image"] = IMAGE
        self.waits = random.Random(f"waits {plot.seed}")
        self.there = ""  # their id of the lead
        self.held: list[Parcel] = []
        self.handed: set[str] = set()  # tasks that somebody has had for longer than an undo takes

    # ── the story ────────────────────────────────────────────────────────────────────────────────────────────────────
    def tell(self) -> None:
        """From the first look to the end of all work."""
        self.look()
        self.settle()
        self.clock.forward(hours=1)
        self.there = self.hands.lead("Acme")
        self.later()
        self.work()
        self.hands.warm(self.there)
        self.later()
        self.work()
        self._convert()
        deal = self.hands.deals()[0]
        for stage in ("met", "offered"):
            self.later()
            self.work()
            self.hands.moved(deal, stage)
        self.later()
        self._end(deal)
        self.later()
        self.settle()
        self.work()
        self.finish()
        self.calm()
        self.finish()

    def _convert(self) -> None:
        # Of a ban nobody tells later, and that a lead is gone is listed nowhere: it is not converted during one.
        self.later(ban=False)
        if not self.plot.asks:
            self.hands.convert(self.there)
            return
        ref = RecordRef("lead", f"crm:{self.there}")
        self.until(lambda: self._is_known(ref))
        self.desk.do("sue", crm_asking.convert, ref, Asked(deal={}))
        self.until(lambda: bool(self.hands.deals()))

    def _end(self, deal: str) -> None:
        if self.plot.end != "asked":
            (self.hands.won if self.plot.end == "won" else self.hands.lost)(deal)
            return
        ref = RecordRef("deal", f"crm:{deal}")
        self.until(lambda: self._is_known(ref))
        self.desk.do("bob", crm_asking.lose, ref, "no_need")

    def _is_known(self, ref: RecordRef) -> bool:
        with self.desk.db.read() as tx:
            return bool(sales.known_of(tx, ref))

    # ── what people do here ──────────────────────────────────────────────────────────────────────────────────────────
    def open(self) -> list[Any]:
        with self.desk.db.read() as tx:
            wanted = select(task_table).where(task_table.c.state.in_(OPEN))
            return list(tx.conn.execute(wanted.order_by(task_table.c.kind, task_table.c.id)))

    def work(self) -> None:
        """What nobody has is given to somebody; some of it is done at once."""
        new = [one for one in self.open() if one.agent is None]
        for one in new:
            self.desk.do("admin", assignment.assign, one.id, self.plot.of(one.kind)[0])
        self.clock.forward(seconds=11)
        self.run()
        self.handed |= {one.id for one in new if not self._ended(one.id)}
        for one in new:
            if self.plot.of(one.kind)[2]:
                self.do(one)

    def finish(self) -> None:
        """All that is left is done."""
        while found := self.open():
            self.work()
            for one in found:
                self.do(one)
            self.settle()

    def do(self, one: Any) -> None:
        """It is done, here or there, unless it has ended meanwhile."""
        who, where, _ = self.plot.of(one.kind)
        if where == "there":
            self.until(lambda: bool(self.shown_of(one.id)) or self._ended(one.id))
        if self._ended(one.id):
            return
        if where == "there":
            self.finish_there(self.shown_of(one.id)[0].id)
            self.until(lambda: self._ended(one.id))
            return
        lease = self.desk.do(who, tasks.start, one.id)[1]
        self.desk.do(who, tasks.complete, one.id, lease.token)

    def _ended(self, id_: str) -> bool:
        return self.desk.task(id_).state not in OPEN

    def shown_of(self, id_: str) -> list[Any]:
        return [one for one in self.shown() if f"/tasks/{id_}" in one.text]

    # ── time, and what it brings ─────────────────────────────────────────────────────────────────────────────────────
    @property
    def clock(self) -> Any:
        return self.fake.clock

    def later(self, *, ban: bool = True) -> None:
        """A while passes. On a quiet day everything is heard of at once; in a storm perhaps, and perhaps looked for."""
        self.clock.forward(seconds=self.waits.choice(WAITS))
        chance = self.storm.chance
        self.storm.blow(self.fake, ban=ban)
        if chance is None:
            self.settle()
            return
        if chance.random() < 0.3:
            self.look()
        if chance.random() < 0.6:
            self.run()

    def until(self, held: Callable[[], bool]) -> None:
        """Time passes and the weather changes, and taskhub looks by itself, until it is so."""
        for rounds in range(PATIENCE):
            self.settle()
            if held():
                return
            # What has failed often is tried again a day later.
            self.clock.forward(minutes=16 * (1 + rounds // 4))
            self.storm.blow(self.fake, ban=True)
            self.look()
        raise AssertionError(f"seed {self.plot.seed}: it never came to that")

    def look(self) -> None:
        """The calendar job, once what may leave has arrived, unless words are slow."""
        if not self.storm.slow:
            self._sent()
        with self.desk.db.begin() as tx:
            looking.ask(tx, SECRETS.get)

    def calm(self) -> None:
        """The storm is over: whatever waits arrives, and taskhub looks twice more."""
        self.storm.calm(self.fake)
        for _ in range(2):
            self.clock.forward(minutes=16)
            self.look()
            self.settle()

    def settle(self) -> None:
        """Time passes until nothing waits, in a storm no longer than an hour; what was given up is tried again."""
        self.revive()
        self.pass_time(timedelta(hours=1) if self.storm.chance else timedelta(days=5))

    def revive(self) -> None:
        """As somebody on call would."""
        dead = [row.id for row in self.dead()]
        with self.desk.db.begin() as tx:
            for id_ in dead:
                ledger.revive(tx.conn, id_, tx.now)

    def dead(self) -> list[Any]:
        """All that was given up, of whatever kind."""
        with self.desk.db.read() as tx:
            return list(tx.conn.execute(select(message).where(message.c.dead_at.is_not(None))))

    def _sent(self) -> int:
        """What they tell leaves, unless the storm holds it up: then it is on its way for longer than taskhub waits."""
        [sender] = senders(self.fake, self.system)
        here, there = (sender.waiting, self.held) if self.storm.stalled else (self.held, sender.waiting)
        if here and self.storm.stalled:
            self.storm.struck.add("stalled")
        there.extend(here)
        here.clear()
        return super()._sent()

    def post(self, parcel: Parcel) -> Answer:
        return self.storm.takes(parcel) or super().post(parcel)

    # ── what stands at the end ───────────────────────────────────────────────────────────────────────────────────────
    def made(self) -> Counter[tuple[str, str, str]]:
        """All work: kind, noun of its record, state. There is one lead and one deal, so the noun says which."""
        return Counter((row.kind, str(row.record).partition(":")[0], row.state) for row in self.tasks())

    def tasks(self) -> list[Any]:
        return self.desk.rows(task_table)

    def unclosed(self) -> set[str]:
        """Kinds whose work outlived the loss: done before that was heard of here, or made by a look that showed it too.

        All that one look shows is one change, and a loss closes older work only.
        """
        looks = {row.id for row in self.desk.rows(event) if row.normalised and row.normalised.get("look")}
        done = [row for row in self.tasks() if row.kind in CLOSED and row.state == "completed"]
        losses = [row for row in self.tasks() if row.kind == "survey"]
        return {one.kind for one in done for loss in losses if _outlived(one, loss, one.event in looks)}

    @property
    def sees_all(self) -> bool:
        """Whether no look comes before words, and each of those says what has moved, so that order is nothing."""
        return self.hears_all and not self.storm.slow

    @property
    def hears_all(self) -> bool:
        """Whether each move is told by a word of its own that arrives, however late."""
        return not self.storm.hides and (self.system != "dynamics" or self.plot.image)

    def acts(self) -> list[str]:
        return [row.state for row in self.desk.rows(crm_act)]

    def owner_of(self, kind: str) -> str:
        return {"sue": SUE, "bob": BOB}[self.plot.of(kind)[0]][self.system]


def _outlived(one: Any, loss: Any, of_a_look: bool) -> bool:
    made, lost = ((task.version_at, task.version_tie) for task in (one, loss))
    return one.completed_at <= loss.created_at or (of_a_look and made >= lost)
