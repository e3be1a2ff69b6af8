"""What clients would write into their logs, for the checker of leases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from taskhub.testing.leases import ACCEPTED, END, GRANT, NEVER, REFUSED, UNKNOWN, USE, Call
from tests.simulation import desk
from tests.simulation.desk import Answer
from tests.simulation.task_watch import Lease

GIVING = ("claim_next", "claim_task", "start", "resume")
PROVING = {"renew": USE, **dict.fromkeys(("complete", "release", "skip", "pause", "hand_over"), END)}


@dataclass
class Log:
    """``calls`` in their order: each is over half an instant after it began, unless its server died."""

    calls: list[Call] = field(default_factory=list)

    def answered(self, call: desk.Call, answer: Answer | None) -> None:
        """A call and its answer; None: the server died. A reply of before is no news."""
        at, task = float(len(self.calls)), dict(call.path).get("id", "")
        lease = answer.json.get("lease") if answer is not None and answer.code is None else None
        if answer is not None and answer.replayed:
            return
        if call.name in GIVING and answer is not None and lease:
            given = answer.json["task"]["id"]
            self.calls.append(Call(given, GRANT, call.who, lease["token"], at, at + 0.5))
        token = call.json.get("lease_token") if call.name in PROVING else None
        if token is None or (answer is not None and answer.code not in (None, "lease_lost")):
            return
        outcome = UNKNOWN if answer is None else REFUSED if answer.code else ACCEPTED
        done = at + 0.5 if answer is not None else NEVER
        self.calls.append(Call(task, PROVING[call.name], call.who, token, at, done, outcome))

    def unheard(self, call: desk.Call, before: Iterable[Lease], after: Iterable[Lease]) -> None:
        """A lease whose reply died with the server: its person may read of it on a screen and use it."""
        at, known = float(len(self.calls)), {lease.token for lease in before}
        for lease in after:
            if lease.agent == call.who and lease.token not in known:
                self.calls.append(Call(lease.task, GRANT, call.who, lease.token, at, NEVER, UNKNOWN))
