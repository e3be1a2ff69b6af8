"""The threads that run rows."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable

from taskhub.db.ledger import Taken
from taskhub.failpoints import failpoint

log = logging.getLogger(__name__)


def gone(thread: threading.Thread) -> bool:
    """Whether a thread that was started has ended."""
    return thread.ident is not None and not thread.is_alive()


class Crew:
    """``size`` threads and the rows that wait for them. ``relieved`` is called whenever a thread has nothing to do.

    ``run`` is not to raise; whatever it raises all the same ends no thread, and ``lost`` lets go of the row.
    ``join`` says which rows run as one: what is unfinished is counted after it.
    """

    def __init__(
        self, name: str, size: int, run: Callable[[Taken], None], relieved: Callable[[], None],
        lost: Callable[[Taken], None], join: Callable[[Iterable[Taken]], Iterable[Taken]] = iter,
    ) -> None:  # fmt: skip
        self.name = name
        self.size = size
        self._join = join
        self._run = run
        self._relieved = relieved
        self._lost = lost
        self._waiting: queue.SimpleQueue[Taken | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._unfinished = 0
        self._threads = [self._thread(n) for n in range(size)]
        self._given_up: set[threading.Thread] = set()

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, rows: Iterable[Taken]) -> None:
        """Rows to run, in this order."""
        self.submit_each(self._join(rows))

    def submit_each(self, rows: Iterable[Taken]) -> None:
        """Rows to run, each by itself."""
        for row in rows:
            with self._lock:
                self._unfinished += 1
            self._waiting.put(row)

    @property
    def unfinished(self) -> int:
        """How many rows run or wait."""
        return self._unfinished

    @property
    def given_up(self) -> int:
        """How many threads were replaced and still have not ended."""
        return sum(thread.is_alive() for thread in self._given_up)

    @property
    def ended(self) -> list[str]:
        """The names of threads that are gone, though nobody stopped or replaced them."""
        return [thread.name for thread in list(self._threads) if gone(thread)]

    def replace(self, ident: int) -> bool:
        """Another thread takes the place of thread ``ident``, which does not end its row. False: it is not of ours."""
        with self._lock:
            old = next((thread for thread in self._threads if thread.ident == ident), None)
            if old is None:
                return False
            self._given_up.add(old)
            self._unfinished -= 1
            new = self._thread(len(self._given_up) + self.size)
            self._threads[self._threads.index(old)] = new
        new.start()
        self._relieved()
        return True

    def stop(self, deadline: Callable[[], float]) -> bool:
        """Ends the threads after the rows they run; whether all ended before ``deadline`` said 0 s were left."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline()))
        return not any(thread.is_alive() for thread in self._threads)

    def _thread(self, number: int) -> threading.Thread:
        return threading.Thread(target=self._work, name=f"{self.name}-{number}", daemon=True)

    def _work(self) -> None:
        while (row := self._waiting.get()) is not None:
            try:
                failpoint("crew.begins")
                self._run(row)
            except BaseException:
                log.exception("row %d (%s) broke out; it runs again when its hold ends", row.id, row.handler)
                self._lost(row)
            finally:
                with self._lock:
                    mine = threading.current_thread() not in self._given_up
                    self._unfinished -= mine
                if mine and self._unfinished < self.size:
                    self._relieved()
            if not mine:
                return
