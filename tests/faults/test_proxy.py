"""The proxy does to a line what it says it does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.faults.proxy import Proxy


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer(end: socket.socket) -> None:
            with end:
                while piece := end.recv(1024):
                    end.sendall(piece)

        def serve() -> None:
            while True:
                try:
                    end, _ = door.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(end,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield door.getsockname()


@pytest.fixture
def line(echo: tuple[str, int]) -> Iterator[Proxy]:
    with Proxy(echo) as proxy:
        yield proxy


def connect(line: Proxy) -> socket.socket:
    end = socket.create_connection(("127.0.0.1", line.port), timeout=10)
    end.sendall(b"hello")
    assert end.recv(16) == b"hello"
    return end


def gone(end: socket.socket) -> bool:
    try:
        return end.recv(16) == b""
    except ConnectionError:
        return True


def test_it_passes_everything_on(line: Proxy) -> None:
    with connect(line) as end:
        end.sendall(b"more")
        assert end.recv(16) == b"more"


def test_a_cut_ends_every_connection(line: Proxy) -> None:
    with connect(line) as one, connect(line) as other:
        assert line.cut() == 2
        assert gone(one)
        assert gone(other)


def test_an_answer_is_lost_and_the_connection_with_it(line: Proxy) -> None:
    with connect(line) as end, line.behaving(swallow=b"COMMIT", left=1):
        end.sendall(b"COMMIT")
        assert gone(end)
    assert line.swallowed == 1
    with connect(line) as end:
        end.sendall(b"COMMIT")
        assert end.recv(16) == b"COMMIT"


def test_a_hung_line_answers_nothing_and_ends_afterwards(line: Proxy) -> None:
    with connect(line) as end:
        with line.behaving(hung=True):
            end.sendall(b"anybody?")
            end.settimeout(0.2)
            with pytest.raises(TimeoutError):
                end.recv(16)
        end.settimeout(10)
        assert gone(end)


def test_a_refused_connection_is_closed(line: Proxy) -> None:
    with line.behaving(refuses=True), socket.create_connection(("127.0.0.1", line.port), timeout=10) as end:
        assert gone(end)
