"""The child process: loads plug-ins of others, asks them and says what they answered. Run by process.py only.

It may be killed at any moment, and ends by itself when its parent is gone or a question takes far too long.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint
from typing import Any, BinaryIO

from taskhub.assignment.foreign.frames import LENGTH, framed
from taskhub.assignment.seams import PlainStrategy

# The parent kills sooner; this is for a parent that is gone.
LAST_RESORT_S = 60


def main() -> None:
    """Answers until the parent closes the pipe. First argument: bytes of address space, 0 = no limit."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a plug-in prints is no answer
    asks = os.fdopen(os.dup(0), "rb")
    os.close(0)
    limit = int(sys.argv[1])
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    while (raw := _read(asks)) is not None:
        signal.alarm(LAST_RESORT_S)
        answers.write(framed(_answer(raw)))
        answers.flush()
        signal.alarm(0)


def _read(asks: BinaryIO) -> bytes | None:
    head = asks.read(LENGTH.size)
    return asks.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else None


def _answer(raw: bytes) -> bytes:
    try:
        verb, value, args = pickle.loads(raw)  # noqa: S301  the parent wrote it
        return json.dumps(["ok", VERBS[verb](value, *args)]).encode()
    except BaseException as error:  # noqa: BLE001  whatever a plug-in raises, SystemExit included, is an answer
        return json.dumps(["error", f"raised {type(error).__name__}: {error}"[:500]]).encode()


_loaded: dict[str, Any] = {}


def _plugin(value: str) -> Any:
    if value not in _loaded:
        _loaded[value] = EntryPoint("", value, "").load()
    return _loaded[value]


def hello(value: str) -> bool:
    """Whether anybody is there."""
    return True


def describe(value: str) -> dict[str, Any]:
    """What a plug-in says of itself."""
    plugin = _plugin(value)
    needs, parts = getattr(plugin, "needs", None), getattr(plugin, "parts", None)
    return {
        "name": plugin.name,
        "version": plugin.version,
        "parts": None if parts is None else list(parts),
        "needs": None if needs is None else list(needs),
        "can": [verb for verb in ("key", "refused") if callable(getattr(plugin, verb, None))],
        "favourites": _own(plugin, "favourite"),
        "turns": _own(plugin, "next_turn"),
    }


def _own(plugin: Any, name: str) -> bool:
    """Whether it does this its own way: what most strategies share needs no question."""
    return getattr(type(plugin), name, None) is not getattr(PlainStrategy, name)


def keys(value: str, people: list[Any], shape: Any, queue: Any) -> list[list[Any]]:
    """The key of each of these people."""
    plugin = _plugin(value)
    return [list(plugin.key(who, shape, queue)) for who in people]


def favourite(value: str, task: Any, queue: Any) -> Any:
    """Who goes before all others."""
    return _plugin(value).favourite(task, queue)


def next_turn(value: str, own: int, end: int, who: Any, queue: Any) -> Any:
    """The turn after a gift."""
    return _plugin(value).next_turn(own, end, who, queue)


def refused(value: str, ask: Any) -> dict[str, Any]:
    """Who is not in the pool."""
    found: Mapping[str, str] = _plugin(value).refused(ask)
    return dict(found)


def check(value: str, *args: Any) -> list[list[str]]:
    """What is wrong with parameters."""
    judge = getattr(_plugin(value), "check", None)
    return [] if judge is None else [[str(name), str(message)] for name, message in judge(*args)]


VERBS: Mapping[str, Callable[..., Any]] = {
    each.__name__: each for each in (hello, describe, keys, favourite, next_turn, refused, check)
}
