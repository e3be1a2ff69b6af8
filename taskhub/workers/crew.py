"""The threads that run rows."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable

from taskhub.workers.pieces import Piece


class Crew:
    """``size`` threads, and what waits for them. ``relieved`` is called whenever a thread has nothing to do."""

    def __init__(self, name: str, size: int, run: Callable[[Piece], None], relieved: Callable[[], None]) -> None:
        self.size = size
        self._run = run
        self._relieved = relieved
        self._waiting: queue.SimpleQueue[Piece | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._unfinished = 0
        self._threads = [threading.Thread(target=self._work, name=f"{name}-{n}", daemon=True) for n in range(size)]

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, pieces: Iterable[Piece]) -> None:
        """Pieces to run, in this order."""
        for piece in pieces:
            with self._lock:
                self._unfinished += len(piece)
            self._waiting.put(piece)

    @property
    def unfinished(self) -> int:
        """How many rows run or wait, in their pieces."""
        return self._unfinished

    def stop(self, deadline: Callable[[], float]) -> bool:
        """Ends the threads after the rows they run; whether all ended before ``deadline`` said 0 s were left."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while (piece := self._waiting.get()) is not None:
            try:
                self._run(piece)
            finally:
                with self._lock:
                    self._unfinished -= len(piece)
                if self._unfinished < self.size:
                    self._relieved()
