"""The endpoint that takes notices misbehaves: hangs, answers 500, drips, sends a huge body. The rest goes on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

from sqlalchemy import func, select

from taskhub.db.tables import letter, message
from tests.faults import day
from tests.faults.fault import Fault
from tests.faults.ground import Ground
from tests.faults.house import Fittings, House
from tests.faults.result import Result

WAYS = ("hang", "500", "drip", "huge", "cut")
HANGS_FOR = 8.0
INSIDE_WITHIN = 10.0


class _Endpoint(ThreadingHTTPServer):
    """Treats the first delivery of each notice badly and every other well."""

    daemon_threads = True

    def __init__(self, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.chance = Random(seed)
        self.lock = threading.Lock()
        self.seen: Counter[bytes] = Counter()
        self.good: Counter[bytes] = Counter()
        self.ways: Counter[str] = Counter()

    def way(self, body: bytes) -> str:
        with self.lock:
            self.seen[body] += 1
            way = self.chance.choice(WAYS) if self.seen[body] == 1 else "good"
            self.ways[way] += 1
            if way in ("good", "huge", "drip"):
                self.good[body] += 1
            return way


class _Answer(BaseHTTPRequestHandler):
    server: _Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        way = self.server.way(body)
        with contextlib.suppress(OSError):
            getattr(self, f"_{way}")()

    def _good(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def _500(self) -> None:
        self.send_error(500)

    def _hang(self) -> None:
        time.sleep(HANGS_FOR)

    def _cut(self) -> None:
        self.connection.close()

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("content-length", str(int(HANGS_FOR)))
        self.end_headers()
        for _ in range(int(HANGS_FOR)):
            self.wfile.write(b".")
            self.wfile.flush()
            time.sleep(1)

    def _huge(self) -> None:
        self.send_response(200)
        self.send_header("content-length", str(64 << 20))
        self.end_headers()
        for _ in range(64):
            self.wfile.write(b"x" * (1 << 20))

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def blow(_house: House, _chance: Random) -> None:
    """The endpoint does it all."""


def run(ground: Ground, seed: int) -> Result:
    """The day with that endpoint as the one channel."""
    endpoint = _Endpoint(seed)
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    env = {"TASKHUB_NOTIFY_URL": f"json://127.0.0.1:{endpoint.server_address[1]}/"}
    try:
        under = day.Under(blow, strikes=1, fittings=Fittings(env=env), judge=lambda house: _judge(house, endpoint))
        return day.run(FAULT.name, ground, seed, under)
    finally:
        endpoint.shutdown()
        endpoint.server_close()


def _judge(house: House, endpoint: _Endpoint) -> None:
    result = house.result
    late = func.max(func.extract("epoch", message.c.done_at - message.c.due_at))
    with house.shop.db.read() as tx:
        # Notices that wait for the end of their window have no letter yet.
        left = tx.conn.execute(select(func.count()).where(letter.c.delivered_at.is_(None))).scalar_one()
        made = tx.conn.execute(select(func.count()).select_from(letter)).scalar_one()
        slowest = float(tx.conn.execute(select(late).where(message.c.mode != "outside")).scalar() or 0)
    result.figures |= {"letters": made, "inside rows at most late s": round(slowest, 2), **endpoint.ways}
    if left or endpoint.good.total() < made:
        result.wrong.append(f"{left} of {made} letters were not delivered, {endpoint.good.total()} were taken")
    if not made:
        result.wrong.append("there were no letters: the fault did nothing")
    if slowest > INSIDE_WITHIN:
        result.wrong.append(f"an inside row waited {slowest:.0f} s beside slow deliveries")


FAULT = Fault("endpoint", "the outgoing endpoint hangs, answers 500, drips, sends a huge body, cuts", run)
