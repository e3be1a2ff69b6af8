"""The environment, read once into a frozen value. Secrets may come from files (``TASKHUB_…_FILE``)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path

from taskhub.errors import InvalidInput

DATA = Path("data")
ADDRESSES = ("postgresql", "postgres://", "sqlite:///")  # how the address of a database begins


@dataclass(frozen=True, slots=True)
class Keep:
    """How long what is no longer worked with is kept. What figures and reasons are made of is never forgotten."""

    done: timedelta = timedelta(days=7)
    bodies: timedelta = timedelta(days=30)
    quarantined: timedelta = timedelta(days=90)
    notices: timedelta = timedelta(days=180)


SECRETS = ("TASKHUB_DATABASE_URL", "TASKHUB_REDIS_URL")
PLAIN = (
    "TASKHUB_DATA", "TASKHUB_CONFIG", "TASKHUB_LOG_FORMAT", "TASKHUB_LOG_LEVEL", "TASKHUB_POOL", "TASKHUB_THREADS",
    "TASKHUB_INBOX", "TASKHUB_INBOX_OF_SOURCE", "TASKHUB_METRICS_HOST", "TASKHUB_METRICS_PORT",
    *(f"TASKHUB_KEEP_{part.name.upper()}" for part in fields(Keep)),
)  # fmt: skip
RESERVED = ("TASKHUB_SECRET_KEY",)  # for signed sessions of screens to come: set already, it is no mistake


@dataclass(frozen=True, slots=True)
class Settings:
    """``database_url`` None means SQLite in ``data``; ``redis_url`` None means the embedded broker."""

    data: Path
    database_url: str | None = None
    redis_url: str | None = None
    config: Path | None = None
    log_format: str = "text"
    pool: int = 16
    threads: int = 8
    inbox: int = 100_000
    inbox_of_source: int = 50_000
    keep: Keep = Keep()
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None

    @property
    def url(self) -> str:
        """The database that is used."""
        return self.database_url or f"sqlite:///{self.data / 'taskhub.db'}"


def read(environ: Mapping[str, str] | None = None, *, data: Path | None = None) -> Settings:
    """Settings from ``environ`` (default: the process' own)."""
    env = os.environ if environ is None else environ
    config = env.get("TASKHUB_CONFIG")
    return Settings(
        data=data or Path(env.get("TASKHUB_DATA", DATA)),
        database_url=_secret(env, "TASKHUB_DATABASE_URL"),
        redis_url=_secret(env, "TASKHUB_REDIS_URL"),
        config=Path(config) if config else None,
        log_format=env.get("TASKHUB_LOG_FORMAT", "text"),
        pool=_whole(env, "TASKHUB_POOL", 16),
        threads=_whole(env, "TASKHUB_THREADS", 8),
        inbox=_whole(env, "TASKHUB_INBOX", 100_000, most=10_000_000),
        inbox_of_source=_whole(env, "TASKHUB_INBOX_OF_SOURCE", 50_000, most=10_000_000),
        keep=_keep(env),
        metrics_host=env.get("TASKHUB_METRICS_HOST") or "127.0.0.1",
        metrics_port=_whole(env, "TASKHUB_METRICS_PORT", 0, 0, 65_535) if "TASKHUB_METRICS_PORT" in env else None,
    )


def secret(name: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The secret called ``name``: the variable itself, or the text of the file named by ``<name>_FILE``."""
    return _secret(os.environ if environ is None else environ, name)


def _secret(env: Mapping[str, str], name: str) -> str | None:
    path = env.get(f"{name}_FILE")
    if path is None:
        return env.get(name) or None
    try:
        return Path(path).read_text(encoding="utf-8").strip() or None
    except OSError as error:
        raise InvalidInput(f"{name}_FILE names {path}, which cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name}_FILE names {path}, which is not text in UTF-8") from error


def _whole(env: Mapping[str, str], name: str, default: int, least: int = 1, most: int = 1000) -> int:
    text = env.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
        raise InvalidInput(f"{name} is {text[:40]!r}; it must be a whole number from {least} to {most}")
    return int(text)


def _keep(env: Mapping[str, str]) -> Keep:
    usual = Keep()
    named = {part.name: f"TASKHUB_KEEP_{part.name.upper()}" for part in fields(Keep)}
    return Keep(**{part: _days(env, name, getattr(usual, part)) for part, name in named.items()})


def _days(env: Mapping[str, str], name: str, default: timedelta) -> timedelta:
    text = env.get(name, f"{default.days}d")
    if not re.fullmatch(r"[1-9][0-9]{0,4}d", text):
        raise InvalidInput(f"{name} is {text[:40]!r}; it must be a number of days such as 30d, from 1d to 99999d")
    return timedelta(days=int(text[:-1]))
