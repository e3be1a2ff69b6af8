"""``serve``, ``demo``, ``api``, ``worker``: the long-running processes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from taskhub import logs
from taskhub.cli import place
from taskhub.cli.options import Data, Host, Port

if TYPE_CHECKING:
    from taskhub.db.database import Database
    from taskhub.settings import Settings

NO_KEY = "Nobody has a key yet. Make one:  taskhub key create --role admin --name me"


def serve(host: Host = "127.0.0.1", port: Port = 8000, data: Data = None) -> None:
    """API, worker and calendar jobs in one process, on SQLite unless TASKHUB_DATABASE_URL names a database."""
    from taskhub import server

    found = place.chosen(data)
    logs.set_up(found.log_format)
    server.serve(found, host, port, _tell, lambda db: _missing(db, found))


def demo(  # noqa: PLR0913, PLR0917 - each option is an argument
    host: Host = "127.0.0.1",
    port: Port = 8000,
    speed: Annotated[float, typer.Option(min=0.1, max=3600, help="Times as fast as real time.")] = 60,
    lang: Annotated[str, typer.Option(help="Language of the people and the view: en or fr.")] = "en",
    data: Data = None,
    seconds: Annotated[float | None, typer.Option(min=1, help="End after so many seconds.")] = None,
    seed: Annotated[int, typer.Option(help="Another number tells another story.")] = 1,
    crm: Annotated[
        str | None, typer.Option(help="Sales works in a fake CRM: pipedrive, salesforce or dynamics.")
    ] = None,
) -> None:
    """An example organisation at work: people, queues, a stream of sales events, on a clock that runs faster."""
    from taskhub.demo.crm import SYSTEMS
    from taskhub.demo.play import Wishes
    from taskhub.demo.run import run

    if lang not in ("en", "fr"):
        raise typer.BadParameter("must be en or fr", param_hint="--lang")
    if crm is not None and crm not in SYSTEMS:
        raise typer.BadParameter(f"must be one of {', '.join(SYSTEMS)}", param_hint="--crm")
    found = place.chosen(data)
    if data is None and found.database_url is None:
        found = replace(found, data=found.data / ("demo" if crm is None else f"demo-{crm}"))
    logs.set_up(found.log_format, level="WARNING")
    run(found, Wishes(host, port, speed, lang, seconds, seed, crm), _tell)


def api(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """The API alone, for production; needs TASKHUB_DATABASE_URL and TASKHUB_REDIS_URL."""
    from taskhub import server

    found = place.needed(place.chosen(None))
    logs.set_up(found.log_format)
    server.api(found, host, port, _tell)


def worker(
    processes: Annotated[int, typer.Option(min=1, max=256, help="Worker processes; one that dies is replaced.")] = 1,
    threads: Annotated[
        int | None, typer.Option(min=1, max=256, help="Threads of each; default TASKHUB_THREADS or 8.")
    ] = None,
) -> None:
    """Workers for production; needs TASKHUB_DATABASE_URL and TASKHUB_REDIS_URL."""
    from taskhub import server
    from taskhub.workers import supervise

    found = place.needed(place.chosen(None))
    logs.set_up(found.log_format)
    work = partial(server.work, replace(found, threads=threads or found.threads), _tell)
    raise typer.Exit(supervise(work, processes) if processes > 1 else work())


def _missing(db: Database, found: Settings) -> str | None:
    from taskhub.cli import queries

    with db.read() as tx:
        return None if queries.any_key(tx) else NO_KEY + place.aim(found)


def _tell(line: str) -> None:
    print(line, flush=True)
