"""The baseline: a plain `def` route that takes a row in one statement and commits. No caller, no history, no lease."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine, text

from taskhub.db import engine

TAKE = text("""
WITH picked AS MATERIALIZED (
  SELECT id FROM plain WHERE queue = :queue AND state = 'queued'
  ORDER BY start_by, created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
UPDATE plain p SET state = 'in_progress', agent = :agent, given_at = now() FROM picked
WHERE p.id = picked.id RETURNING p.id, p.queue, p.title, p.start_by, p.created_at, p.given_at""")
DONE = text("UPDATE plain SET state = 'completed' WHERE id = :id AND state = 'in_progress'")
QUEUES = 6


def take(made: Engine, turn: int) -> dict[str, Any]:
    """One claim: the statement and its commit."""
    with made.begin() as conn:
        row = conn.execute(TAKE, {"queue": f"queue_{turn % QUEUES}", "agent": "anybody"}).one()
        return dict(row._mapping)


def app_of(url: str, pool: int) -> FastAPI:
    """The whole application."""
    made = engine.writer(url, pool)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = pool
        yield
        made.dispose()

    app, turns = FastAPI(lifespan=lifespan), itertools.count()

    @app.post("/claim")
    def claim() -> Any:
        return take(made, next(turns))

    @app.post("/complete/{id}")
    def complete(id: str) -> Any:
        with made.begin() as conn:
            return {"done": conn.execute(DONE, {"id": id}).rowcount}

    return app


def serve(url: str, pool: int, door: socket.socket) -> None:
    """Served as taskhub's own server is."""
    config = uvicorn.Config(app_of(url, pool), access_log=False, log_config=None, server_header=False, lifespan="on")
    uvicorn.Server(config).run(sockets=[door])


def rate(url: str, threads: int, seconds: float) -> float:
    """The statement alone, without HTTP: claims a second from ``threads`` threads of this process."""
    made = engine.writer(url, threads)
    counts = [0] * threads
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        while time.perf_counter() < end:
            take(made, number + counts[number])
            counts[number] += 1

    hands = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    made.dispose()
    return sum(counts) / seconds
