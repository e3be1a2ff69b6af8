"""A small process that holds a server for its owner; it imports nothing of the project. See servers.py."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from typing import Any


def guard(command: list[str], stop_signal: int, user: int | None, home: str) -> None:
    """Runs the server until standard input ends, which is when the owner stops it or dies."""
    log = os.open(f"{home}/log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    rights: dict[str, Any] = {} if user is None else {"user": user, "extra_groups": []}
    server = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **rights
    )
    sys.stdout.write(f"{server.pid}\n")
    sys.stdout.flush()
    threading.Thread(target=server.wait, daemon=True).start()  # reaps it, so that its pid tells the truth
    sys.stdin.read()
    with contextlib.suppress(ProcessLookupError):
        server.send_signal(stop_signal)
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    guard(order["command"], order["signal"], order["user"], order["home"])
