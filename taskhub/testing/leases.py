"""Whether what people saw of leases can have happened: one holder at a time, tokens that grow, dead ones refused. Pure.

Each task is a register of its own: free, or held by one agent under one token. A log of calls holds when the calls on
each task can be put in one order that respects real time (what ended before another began comes first) and that such
a register would have answered in just this way. Histories of one task are short, so every order is tried.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

GRANT, USE, END, REVOKE = "grant", "use", "end", "revoke"
ACCEPTED, REFUSED, UNKNOWN = "accepted", "refused", "unknown"
GRANTS = ("claim", "start", "resume")
HELD = "in_progress"
NEVER = float("inf")
MOST = 200_000


@dataclass(frozen=True, slots=True)
class Call:
    """One call on a task between ``begun`` and ``done``, instants of one clock all clients share.

    ``what``: GRANT gives a lease (``token`` is what the reply says), USE and END are sent with ``token`` and keep or
    end it, REVOKE ends whatever there is without a token (a manager, the workers). ``outcome``: REFUSED because the
    token is dead; UNKNOWN when no reply came: it happened at any time after ``begun``, or not at all.
    """

    task: str
    what: str
    agent: str
    token: int | None
    begun: float
    done: float = NEVER
    outcome: str = ACCEPTED

    @property
    def must(self) -> bool:
        """Whether it has happened for sure."""
        return self.outcome != UNKNOWN

    def __str__(self) -> str:
        return f"{self.what} by {self.agent or 'others'} under {self.token}, {self.outcome}"


class Register(NamedTuple):
    """What one task is: held by ``agent`` under ``token`` (None: one nobody was told), or free; the newest token."""

    agent: str | None = None
    token: int | None = None
    newest: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One row of a task's history: ``state`` where it changed, ``agent`` who has it from then on where that changed."""

    task: str
    seq: int
    act: str
    state: str | None = None
    agent: str | None = None
    row: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which one agent held a task, by history: from row ``since`` to row ``until`` (None: still)."""

    task: str
    agent: str
    since: int
    until: int | None
    ended: str | None


def check(
    calls: Iterable[Call],
    steps: Iterable[Step] = (),
    live: Mapping[str, tuple[str, int]] | None = None,
    *,
    whole: bool = True,
) -> list[str]:
    """Everything that cannot have been. ``steps`` is the stored history, ``live`` the stored leases: task -> holder.

    With a history the calls must also agree with it: every lease somebody was given stands there, in order. What ended
    there without a call of its holder may have ended at any time. ``whole``: every lease that was given is in the log;
    otherwise somebody may hold what only history knows.
    """
    by_task: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        by_task[call.task].append(call)
    held, wrong = stretches(steps)
    for task, of_task in sorted(by_task.items()):
        stored = held.get(task, [])
        unseen = [*_revoked(task, of_task, stored), *([] if whole else _unlogged(task, of_task, stored))]
        wrong += _unexplained(task, [*of_task, *unseen])
        wrong += _disagree(task, [*of_task, *unseen], stored) if held else []
    return wrong + (_misplaced(held, live) if live is not None else [])


def _revoked(task: str, calls: Sequence[Call], held: Sequence[Stretch]) -> list[Call]:
    """The ends in history that no holder has called for."""
    ended = sum(one.until is not None for one in held)
    own = sum(call.what in (END, REVOKE) and call.outcome == ACCEPTED for call in calls)
    return [Call(task, REVOKE, "", None, -NEVER, NEVER, UNKNOWN)] * max(0, ended - own)


def _unlogged(task: str, calls: Sequence[Call], held: Sequence[Stretch]) -> list[Call]:
    """The leases in history that nobody has noted."""
    seen = {call.token: call.agent for call in calls if call.what == GRANT and call.outcome == ACCEPTED}
    left = Counter(one.agent for one in held) - Counter(seen.values())
    return [Call(task, GRANT, agent, None, -NEVER, NEVER, UNKNOWN) for agent in left.elements()]


# ── what clients saw ─────────────────────────────────────────────────────────────────────────────────────────────────
def _unexplained(task: str, calls: Sequence[Call]) -> list[str]:
    """Why no order of these calls explains their outcomes; nothing where one does."""
    ordered = sorted(calls, key=lambda one: (one.begun, one.done))
    everything = frozenset(range(len(ordered)))
    pending: list[tuple[frozenset[int], Register]] = [(everything, Register())]
    seen = set(pending)
    fewest = everything
    while pending:
        left, register = pending.pop()
        must = [index for index in left if ordered[index].must]
        if not must:
            return []
        fewest = min(fewest, left, key=len)
        for index in _next(ordered, left):
            after = _answered(register, ordered[index])
            if after is not None and (left - {index}, after) not in seen:
                seen.add((left - {index}, after))
                pending.append((left - {index}, after))
        if len(seen) > MOST:
            return [f"task {task}: {len(ordered)} calls at once are too many to order"]
    first = min((ordered[index] for index in fewest if ordered[index].must), key=lambda one: one.done)
    return [f"task {task}: no order of its {len(ordered)} calls explains {first}"]


def _next(calls: Sequence[Call], left: frozenset[int]) -> list[int]:
    """Those that may come next: none of the others ended before they began."""
    limit = min((calls[index].done for index in left if calls[index].must), default=NEVER)
    return sorted((index for index in left if calls[index].begun <= limit), reverse=True)


def _answered(register: Register, call: Call) -> Register | None:
    """The register after it has answered ``call`` as it was answered; None: it would have answered otherwise."""
    if call.what == REVOKE:
        return register._replace(agent=None, token=None)
    if call.what == GRANT:
        return _granted(register, call)
    holds = register.agent == call.agent and register.token in (call.token, None)
    alive = holds and call.token is not None and (register.token is not None or call.token > register.newest)
    if call.outcome == REFUSED:
        return register if not alive or register.token is None else None
    if not alive:
        return register if call.outcome == UNKNOWN else None
    newest = max(register.newest, call.token or 0)
    return Register(None, None, newest) if call.what == END else Register(call.agent, call.token, newest)


def _granted(register: Register, call: Call) -> Register | None:
    if register.agent is not None:
        same = (register.agent, register.token) == (call.agent, call.token)
        return register if same or not call.must else None  # whoever starts what they have gets the lease they have
    if call.token is None:
        return register._replace(agent=call.agent, token=None)
    return Register(call.agent, call.token, call.token) if call.token > register.newest else None


# ── what is stored ───────────────────────────────────────────────────────────────────────────────────────────────────
def stretches(steps: Iterable[Step]) -> tuple[dict[str, list[Stretch]], list[str]]:
    """Who held what by history, by task and in order; and what no history may say."""
    held: dict[str, list[Stretch]] = defaultdict(list)
    wrong: list[str] = []
    state: dict[str, tuple[str | None, str | None]] = {}
    for step in sorted(steps, key=lambda one: (one.task, one.seq)):
        was, agent = state.get(step.task, (None, None))
        now, holder = step.state or was, step.agent or agent
        if step.act in GRANTS and was == HELD:
            wrong.append(f"task {step.task}: {step.act} by {holder} while {agent} holds it")
        if step.act in GRANTS and was in ("completed", "cancelled"):
            wrong.append(f"task {step.task}: {step.act} by {holder}, but it is {was}")
        if was == HELD and (now != HELD or step.act in GRANTS):
            held[step.task][-1] = _ended(held[step.task][-1], step)
        if now == HELD and (was != HELD or step.act in GRANTS):
            held[step.task].append(Stretch(step.task, holder or "", step.row, None, None))
        state[step.task] = now, holder
    return held, wrong


def _ended(stretch: Stretch, step: Step) -> Stretch:
    return Stretch(stretch.task, stretch.agent, stretch.since, step.row, step.act)


def _disagree(task: str, calls: Sequence[Call], held: Sequence[Stretch]) -> list[str]:
    """Leases people were given that history does not know, and tokens that do not grow along it."""
    given = {call.token: call.agent for call in calls if call.what == GRANT and call.outcome == ACCEPTED}
    in_order = [given[token] for token in sorted(token for token in given if token is not None)]
    left = iter(held)
    unknown = [agent for agent in in_order if not any(one.agent == agent for one in left)]
    if unknown:
        had = ", ".join(one.agent for one in held)
        return [f"task {task}: leases were given to {', '.join(in_order)}; history knows {had or 'nobody'}"]
    asked = [call for call in calls if call.what == GRANT and call.outcome == UNKNOWN]
    if len(in_order) < len(held) - len(asked) and calls and not asked:
        return [f"task {task}: history knows {len(held)} leases, {len(in_order)} were given"]
    return []


def _misplaced(held: Mapping[str, Sequence[Stretch]], live: Mapping[str, tuple[str, int]]) -> list[str]:
    """Leases of what nobody holds by history, and the other way round."""
    wrong = []
    open_ = {task: found[-1].agent for task, found in held.items() if found and found[-1].until is None}
    for task in sorted(open_.keys() | live.keys()):
        agent = live[task][0] if task in live else None
        if agent != open_.get(task):
            wrong.append(f"task {task}: the lease is with {agent}, history says {open_.get(task)}")
    tokens = sorted(token for _, token in live.values())
    return wrong + [f"token {token} is there twice" for token, other in pairwise(tokens) if token == other]


def step_of(row: Mapping[str, Any]) -> Step:
    """One stored row of history (id, seq, act, change, row) as a step."""
    change = row["change"]
    return Step(row["id"], row["seq"], row["act"], change.get("state"), change.get("agent"), row.get("row", 0))
