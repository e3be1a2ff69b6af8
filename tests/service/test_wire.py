"""The head of a request has a size, on a real server over a real socket."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from taskhub.http import wire
from tests.api.house import House, open_house


@contextmanager
def serving(house: House) -> Iterator[int]:
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(house.app, http=wire.Guarded, log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield int(door.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10)


def said(port: int, *sent: bytes) -> list[bytes]:
    """What one connection answers to each piece it is sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        answers = []
        for piece in sent:
            line.sendall(piece)
            answers.append(line.recv(4096))
        return answers


def test_a_head_without_end_is_refused_and_others_are_served(sqlite_url: str) -> None:
    with open_house(sqlite_url) as house, serving(house) as port:
        (answer,) = said(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * (wire.LONGEST_HEAD + 10))
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert b'"code":"head_too_large"' in answer
        plain = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in said(port, plain, plain))


def test_a_body_after_a_whole_head_does_not_count(sqlite_url: str) -> None:
    with open_house(sqlite_url) as house, serving(house) as port:
        body = b" " * (wire.LONGEST_HEAD + 10)
        head = f"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        (answer,) = said(port, head.encode() + body)
        assert answer.startswith(b"HTTP/1.1 401 ")


def test_the_end_of_a_body_is_not_the_beginning_of_a_head(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LONGEST_HEAD", 1000)
    with open_house(sqlite_url) as house, serving(house) as port:
        body = b'{"kind": "contract", "title": "Alpha"' + b" " * 5000 + b"}"
        head = (
            f"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.keys['admin']}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        )
        go_on, answer = said(port, head.encode(), body)
        assert go_on.startswith(b"HTTP/1.1 100 ")
        assert answer.startswith(b"HTTP/1.1 201 ")
