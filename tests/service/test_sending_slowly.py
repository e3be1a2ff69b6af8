"""Receivers that answer drop by drop."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from taskhub.connectors.sending.posting import TAKEN, Post, Poster
from taskhub.errors import Unavailable
from tests.service.receiver import KEY

DROPS = 300  # one in 50 ms


@contextlib.contextmanager
def dripping(begins: bytes) -> Iterator[tuple[Post, threading.Event]]:
    """What is sent to one that answers so and drips on, a letter at a time, and whether it came to its end."""
    over, heard_out = threading.Event(), threading.Event()

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            line, _ = listener.accept()
            with line:
                line.recv(65536)
                line.sendall(begins)
                for _ in range(DROPS):
                    line.sendall(b"a")
                    if over.wait(0.05):
                        return
                heard_out.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield Post("shop", f"http://127.0.0.1:{listener.getsockname()[1]}/", KEY, "id1", "{}"), heard_out
        over.set()
        thread.join(10)


def test_an_answer_has_its_time_in_all_not_from_letter_to_letter() -> None:
    with dripping(b"HTTP/1.1 200 OK\r\nx-a: ") as (post, heard_out):
        with pytest.raises(Unavailable, match="shop gave no answer within 1 s"):
            Poster(patience=1).post(post, datetime.now(UTC))
        assert not heard_out.is_set()


def test_a_body_that_never_ends_is_not_waited_for() -> None:
    with dripping(b"HTTP/1.1 200 OK\r\n\r\n") as (post, heard_out):
        assert Poster(patience=1).post(post, datetime.now(UTC)) == TAKEN
        assert not heard_out.is_set()
