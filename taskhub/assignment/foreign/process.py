"""The child process as its parent sees it: one question at a time, an answer in time or an end."""

from __future__ import annotations

import atexit
import json
import os
import pickle
import selectors
import subprocess
import sys
import threading
import time
from typing import IO, Any

from taskhub.assignment.foreign.frames import body_of, framed

DEADLINE_S = 1.0
START_S = 20.0
MEMORY = 1024 * 1024 * 1024
_RUN = "from taskhub.assignment.foreign.child import main; main()"


class Failed(Exception):
    """No sound answer: it raised, hung, ended or spoke nonsense; the message says which."""


class Process:
    """One child, begun when it is first asked and again after it has ended. Thread-safe.

    ``deadline`` seconds for a question, ``start`` for the child to come up or a plug-in to load, ``memory`` bytes of
    address space.
    """

    def __init__(self, *, deadline: float = DEADLINE_S, start: float = START_S, memory: int = MEMORY) -> None:
        self._deadline = deadline
        self._start = start
        self._memory = memory
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._loaded: set[str] = set()

    def ask(self, verb: str, value: str, *args: Any) -> Any:
        """What the plug-in at ``value`` answers. Raises Failed."""
        with self._lock:
            if value not in self._loaded:
                described = self._exchange("describe", value, (), self._start)
                self._loaded.add(value)
                if verb == "describe":
                    return described
            return self._exchange(verb, value, args, self._deadline)

    def close(self) -> None:
        """Ends the child."""
        with self._lock:
            self._end()

    def _exchange(self, verb: str, value: str, args: tuple[Any, ...], within: float) -> Any:
        if self._child is None or self._child.poll() is not None:
            self._begin()
        kind, answer = self._said(pickle.dumps((verb, value, args)), within)
        if kind != "ok":
            raise Failed(str(answer))
        return answer

    def _begin(self) -> None:
        self._end()
        path = os.pathsep.join(place for place in sys.path if place)
        # What opens the database is no business of a plug-in.
        known = {name: value for name, value in os.environ.items() if not name.startswith("TASKHUB_")}
        self._child = subprocess.Popen(  # noqa: S603  our own interpreter, our own words
            [sys.executable, "-P", "-c", _RUN, str(self._memory)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**known, "PYTHONPATH": path}, bufsize=0,
        )  # fmt: skip
        for pipe in (self._child.stdin, self._child.stdout):
            os.set_blocking(_fd(pipe), False)
        atexit.register(self._child.kill)
        self._said(pickle.dumps(("hello", "", ())), self._start)

    def _said(self, ask: bytes, within: float) -> tuple[str, Any]:
        try:
            answer = json.loads(self._pumped(framed(ask), within))
            kind, value = answer
        except TimeoutError:
            self._end()
            raise Failed(f"did not answer within {within:g} s") from None
        except (EOFError, OSError):
            raise Failed(f"ended with {self._end()}") from None
        except (ValueError, TypeError) as error:
            self._end()
            raise Failed(f"spoke nonsense: {error}") from None
        return str(kind), value

    def _pumped(self, ask: bytes, within: float) -> bytes:
        """Writes and reads side by side: a child that reads nothing must not hold its parent up."""
        child = self._child
        if child is None:
            raise EOFError
        until, left, got = time.monotonic() + within, memoryview(ask), bytearray()
        with selectors.DefaultSelector() as ready:
            ready.register(_fd(child.stdin), selectors.EVENT_WRITE)
            ready.register(_fd(child.stdout), selectors.EVENT_READ)
            while (body := body_of(got)) is None:
                events = ready.select(max(0.0, until - time.monotonic()))
                if not events:
                    raise TimeoutError
                for fd in [key.fd for key, _ in events]:
                    left = _moved(ready, fd, left, got)
        return body

    def _end(self) -> int | None:
        """Kills the child; its exit code, negative for a signal."""
        child, self._child = self._child, None
        self._loaded.clear()
        if child is None:
            return None
        code = child.poll()
        child.kill()
        atexit.unregister(child.kill)
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        return child.returncode if code is None else code


def _fd(pipe: IO[bytes] | None) -> int:
    if pipe is None:
        raise EOFError
    return pipe.fileno()


def _moved(ready: selectors.BaseSelector, fd: int, left: memoryview, got: bytearray) -> memoryview:
    """Reads a piece into ``got`` or writes a piece of ``left``; what is left after it."""
    if ready.get_key(fd).events == selectors.EVENT_READ:
        got += _read(fd)
        return left
    left = left[os.write(fd, left[:65_536]) :]
    if not left:
        ready.unregister(fd)
    return left


def _read(fd: int) -> bytes:
    chunk = os.read(fd, 65_536)
    if not chunk:
        raise EOFError
    return chunk
