"""A pass over queues that plug-ins of others serve: they are asked behind a wall, and stood in for when they fail.

A strategy that fails is stood in for by ``least_loaded`` in that very pass: nobody waits for it. A model that fails
leaves the pool it found last, or everybody of the queue's teams when it never found one. After FAILURES in a row the
queue is served without it, by ``least_loaded`` and all its teams, and its managers are told. A new version, or
``taskhub plugin reset``, ends that. Other queues of the pass never notice.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from taskhub.assignment.decide import decide
from taskhub.assignment.foreign import store
from taskhub.assignment.foreign.wrappers import AskedStrategy, ForeignModel, PluginFailed, RestingStrategy
from taskhub.assignment.installed import asked, plugins
from taskhub.assignment.model import AgentFacts, PassResult, PoolState, QueueFacts, Snapshot
from taskhub.assignment.registry import Plugins
from taskhub.assignment.seams import PoolAsk
from taskhub.assignment.serving import MODEL, STRATEGY
from taskhub.db.tx import Tx

log = logging.getLogger(__name__)

FAILURES = 3
NOT_INSTALLED = 0  # failures of a plug-in that could not even be asked


@dataclass(frozen=True, slots=True)
class Failing:
    """A plug-in that failed in a queue, ``failures`` times in a row; ``out``: the queue is served without it.

    Without any failure it is not installed.
    """

    queue: str
    name: str
    failures: int
    error: str
    at: datetime

    @property
    def out(self) -> bool:
        """Whether it is no longer asked."""
        return self.failures >= FAILURES or self.failures == NOT_INSTALLED


@dataclass(slots=True)
class Wall:
    """What stands between one pass and the plug-ins it asks. ``plugins`` are those to decide and record with."""

    tx: Tx
    plugins: Plugins
    served: dict[str, QueueFacts]
    _failing: dict[tuple[str, str], int] = field(default_factory=dict)
    _failed: dict[tuple[str, str], str] = field(default_factory=dict)
    _answered: set[tuple[str, str]] = field(default_factory=set)
    _pools: dict[str, tuple[int, list[str] | None, dict[str, Any]]] = field(default_factory=dict)

    def decided(self, snapshot: Snapshot) -> tuple[Snapshot, PassResult]:
        """The pass decided, each queue whose strategy fails by the one that stands in; the snapshot as it was then.

        Nothing is written while plug-ins think: other writers need not wait for them.
        """
        asks = any(isinstance(one, AskedStrategy) for one in self.plugins.strategies.values())
        while True:
            seen = replace(snapshot, queues=dict(self.served))
            try:
                with self.tx.aside() if asks else nullcontext():
                    return seen, decide(seen, self.plugins)
            except PluginFailed as failure:
                self._note(failure)
                self.served[failure.queue] = _without_strategy(self.served[failure.queue])

    def settle(self) -> None:
        """Writes what was found. What failed before and answered now starts from nothing, what was not asked stays."""
        for queue, (version_, members, facts) in sorted(self._pools.items()):
            store.save_pool(self.tx, queue, version_, members, facts)
        for (queue, name), why in sorted(self._failed.items()):
            self._write_failure(queue, name, why)
        for (name, version), strategy in self.plugins.strategies.items():
            asked_: Any = strategy
            if isinstance(asked_, AskedStrategy):
                self._answered |= {(queue, _named(name, version)) for queue in asked_.answered}
        for queue, name in (self._answered & self._failing.keys()) - self._failed.keys():
            store.forget(self.tx, queue, name)

    def find_pools(self, people: Sequence[AgentFacts]) -> None:
        """Asks every model of others who is in its pool now, and keeps the answer where claims find it."""
        wanted = {key: queue for key, queue in self.served.items() if self._model(queue) is not None}
        known = store.pools(self.tx, wanted) if wanted else {}
        for key, queue in wanted.items():
            model = self._model(queue)
            own = [one for one in people if one.team in queue.teams]
            if model is not None:
                with self.tx.aside():
                    state = self._pool(queue, model, own, known.get(key))
                self.served[key] = replace(queue, pool_state=state)

    def _pool(self, queue: QueueFacts, model: ForeignModel, own: list[AgentFacts], last: Any) -> PoolState:
        name = _named(model.name, model.version)
        mine = last is not None and last.facts.get("plugin") == name
        try:
            members: list[str] | None = sorted(model.found(PoolAsk(queue, own, self.tx.now)))
            self._answered.add((queue.key, name))
        except PluginFailed as failure:
            self._note(failure)
            members = last.members if mine else None
        version = last.version if last is not None else 0
        if not mine or last.members != members or not last.open:
            version += 1
            self._pools[queue.key] = version, members, {"model": queue.model, "plugin": name}
        return PoolState(version, open=True, members=None if members is None else frozenset(members))

    def stood_in(self, queue: QueueFacts, out: set[tuple[str, str]]) -> QueueFacts:
        """The queue without those of its plug-ins that are no longer asked."""
        model = (queue.key, _named(queue.model, queue.model_version))
        if model in out:
            last = store.pools(self.tx, [queue.key]).get(queue.key)
            if last is None or last.members is not None:
                # Claims read this: everybody of the teams.
                version = last.version + 1 if last is not None else 1
                self._pools[queue.key] = version, None, {"model": queue.model, "plugin": model[1]}
            version_ = plugins().model(MODEL).version
            queue = replace(queue, model=MODEL, model_version=version_, params={}, pool_state=None)
        return _without_strategy(queue) if (queue.key, _strategy_of(queue)) in out else queue

    def _model(self, queue: QueueFacts) -> ForeignModel | None:
        model: Any = self.plugins.model(queue.model, queue.model_version)
        return model if isinstance(model, ForeignModel) else None

    def _note(self, failure: PluginFailed) -> None:
        self._failed.setdefault((failure.queue, _named(failure.name, failure.version)), failure.why[:500])

    def _write_failure(self, queue: str, name: str, why: str) -> None:
        count = self._failing.get((queue, name), 0) + 1
        store.fail(self.tx, queue, name, count, why)
        log.error("plug-in %s failed in queue %s, %d in a row: %s", name, queue, count, why)
        if count == FAILURES:
            self.tx.emit("plugin.failed", queue, {"plugin": name, "error": why})


def wall(tx: Tx, served: Mapping[str, QueueFacts]) -> Wall:
    """The wall of one pass over these queues; where no plug-in of others serves there is nothing behind it."""
    foreign = [key for key, queue in served.items() if _is_foreign(queue)]
    if not foreign:
        return Wall(tx, plugins(), dict(served))
    known = {(row.queue, row.name): row.failures for row in store.states(tx, foreign)}
    out = {place for place, failures in known.items() if failures >= FAILURES}
    made = Wall(tx, asked(), {}, known)
    made.served = {key: made.stood_in(queue, out) for key, queue in served.items()}
    return made


def failing(tx: Tx, queue: str | None = None) -> list[Failing]:
    """Plug-ins that failed the last time they were asked, in one queue or in all."""
    return [Failing(*row) for row in store.states(tx, None if queue is None else [queue])]


def note_missing(tx: Tx, served: Mapping[str, QueueFacts]) -> None:
    """Plug-ins that queues ask for and this installation lacks: noted once, managers told; forgotten when back."""
    known = {(row.queue, row.name) for row in store.states(tx) if row.failures == NOT_INSTALLED}
    now = {(key, name) for key, facts in served.items() for name in facts.missing}
    for queue, name in sorted(now - known):
        store.fail(tx, queue, name, NOT_INSTALLED, "is not installed")
        log.error("plug-in %s is not installed, %s and %s stand in for it in queue %s", name, MODEL, STRATEGY, queue)
        tx.emit("plugin.failed", queue, {"plugin": name, "missing": True})
    for queue, name in sorted(known - now):
        store.forget(tx, queue, name)


def reset(tx: Tx, queue: str) -> int:
    """Plug-ins of the queue are asked again. How many had failed."""
    count = store.forget(tx, queue)
    if count:
        tx.record("queue", queue, "plugin_reset", {"plugins": count})
        found = tx.policies.queues.get(queue)
        if found is not None:
            tx.emit("rotation.wake", found.turn_key)
    return count


def _is_foreign(queue: QueueFacts) -> bool:
    model: Any = plugins().model(queue.model, queue.model_version)
    strategy: Any = plugins().strategy(queue.strategy, queue.strategy_version)
    return isinstance(model, ForeignModel) or isinstance(strategy, RestingStrategy)


def _without_strategy(queue: QueueFacts) -> QueueFacts:
    version = plugins().strategy(STRATEGY).version
    return replace(queue, strategy=STRATEGY, strategy_version=version, strategy_params={})


def _strategy_of(queue: QueueFacts) -> str:
    return _named(queue.strategy, queue.strategy_version)


def _named(name: str, version: str) -> str:
    return f"{name} {version}"
