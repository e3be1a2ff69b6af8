"""The only place that builds engine, bell, registries and policies, and hands them to each other."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from taskhub import settings
from taskhub.acts.activate import activate
from taskhub.agents import directory
from taskhub.assignment import serving
from taskhub.assignment.installed import plugins
from taskhub.assignment.registry import built_ins
from taskhub.bell.bell import Bell
from taskhub.clock import real_now
from taskhub.connectors.sending import telling
from taskhub.db import migrate, policy_set
from taskhub.db.database import Database, silent
from taskhub.db.tx import SYSTEM, Tx
from taskhub.errors import InvalidInput, PolicyError, Problem, TaskhubError
from taskhub.escalation import checks as escalation_checks
from taskhub.escalation import surroundings
from taskhub.flow import FLOW
from taskhub.policy.load import Known, load
from taskhub.policy.policies import Policies
from taskhub.policy.work import Queue
from taskhub.sales.duplicates import checks as duplicate_checks
from taskhub.sla import checks as sla_checks
from taskhub.tasks import timers
from taskhub.tasks.order import ORDERS

log = logging.getLogger(__name__)


def read_config(folder: Path) -> dict[str, str]:
    """The texts of a config folder by file name. Raises PolicyError for one that is missing or cannot be read."""
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    if not folder.is_dir():
        said = "this is a file; name the folder it is in" if folder.exists() else "there is no such folder"
        raise PolicyError([Problem(str(folder), 0, "", f"{said}: taskhub reads all .toml files of one folder")])
    for path in sorted(folder.glob("*.toml")):
        try:
            texts[path.name] = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            said = f"cannot be read ({error.strerror}); let whoever runs taskhub read it, or take it away"
            problems.append(Problem(path.name, 0, "", said))
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            problems.append(Problem(path.name, line, "", "this is not text in UTF-8; save the file as UTF-8"))
    if problems:
        raise PolicyError(problems)
    return texts


def example_config() -> Path:
    """The example organisation: beside the package in a checkout, inside it once installed."""
    beside = Path(__file__).resolve().parent.parent / "config"
    return beside if beside.is_dir() else Path(str(resources.files("taskhub") / "_config"))


def known(agents: frozenset[str] | None = None, *, gone: bool = False) -> Known:
    """The names a policy set may use beyond its own files; ``gone``: also what is no longer installed.

    ``agents`` None: nobody looked who there is.
    """
    installed = plugins()
    return Known(
        strategies=frozenset(installed.strategy_names),
        models=frozenset(installed.model_names),
        orders=frozenset(ORDERS),
        agents=agents,
        gone=gone,
    )


def policies(texts: Mapping[str, str], resolved: Mapping[str, Any] | None = None) -> Policies:
    """The set these texts make. Raises PolicyError with every problem at once."""
    return load(
        texts,
        known=known(),
        checks=(check_staffing, escalation_checks.check, duplicate_checks.check),
        resolved=resolved,
    )


def wanted(texts: Mapping[str, str], db: Database | None = None) -> Policies:
    """The set these texts make, asked whether it fits this house and this day: teams, people, variables, calendars.

    Without ``db`` teams and people are not looked for. Raises PolicyError with every problem at once.
    """
    teams, agents, now = _house(db) if db is not None else (None, None, real_now())
    here = partial(surroundings.check, teams=teams, environ=os.environ)
    today = partial(sla_checks.check, now=now)
    checks = check_staffing, escalation_checks.check, duplicate_checks.check, here, today
    return load(texts, known=known(agents), checks=checks)


def _house(db: Database) -> tuple[frozenset[str], frozenset[str], datetime]:
    with db.instead(Policies(hash="")), db.read() as tx:
        return *directory.keys(tx), tx.now


def accepted(texts: Mapping[str, str], resolved: Mapping[str, Any] | None = None) -> Policies:
    """A set that was accepted before: what plug-ins of others say today, or that they are gone, only warns."""
    return load(
        texts, known=known(gone=True), checks=(escalation_checks.check, check_own_staffing),
        doubting=(doubt_staffing,), resolved=resolved,
    )  # fmt: skip


def check_staffing(set_: Policies) -> list[Problem]:
    """What is wrong with the staffing of the queues, as the installed models judge it."""
    return [problem for queue in set_.queues.values() for problem in _staffing(set_, queue)]


def check_own_staffing(set_: Policies) -> list[Problem]:
    """The same of the queues that built-ins alone serve."""
    return [problem for queue in set_.queues.values() if _is_own(queue) for problem in _staffing(set_, queue)]


def doubt_staffing(set_: Policies) -> list[Problem]:
    """The same of the other queues, as warnings."""
    found = []
    for queue in set_.queues.values():
        gone = serving.missing(queue.staffing, plugins())
        if gone:
            message = f"{', '.join(gone)} is not installed: {serving.MODEL} or {serving.STRATEGY} stands in for it"
            found.append(Problem("queues.toml", 0, f"queue.{queue.key}.staffing", message))
        elif not _is_own(queue):
            found += _staffing(set_, queue)
    return found


def _is_own(queue: Queue) -> bool:
    own = built_ins()
    return queue.staffing.model in own.model_names and queue.staffing.strategy in own.strategy_names


def _staffing(set_: Policies, queue: Queue) -> list[Problem]:
    found = serving.complaints(queue, plugins(), set_.kinds.values())
    return [Problem("queues.toml", 0, f"queue.{queue.key}.{path}", message, hint) for path, message, hint in found]


def database(chosen: settings.Settings, bell: Bell | None = None) -> Database:
    """The database these settings name, wired to flow, policies and bell."""
    ring = bell.ring if bell is not None else silent
    db = Database(chosen.url, pool=chosen.pool, flow=FLOW, loader=accepted, ring=ring)
    db.heard = telling.of_history
    return db


def make_tables(chosen: settings.Settings) -> None:
    """Brings the tables to this version; makes the folder of a SQLite database."""
    if chosen.database_url is None:
        make_folder(chosen.data)
    migrate.upgrade(chosen.url)


def make_folder(folder: Path) -> None:
    """Makes the folder of a SQLite database, unless it is there. Raises InvalidInput when it cannot be one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"The folder {folder} cannot be made: {error.strerror}. Name another folder.") from error


def accept(db: Database, folder: Path) -> tuple[Policies, bool]:
    """Checks and activates the config in ``folder``. Returns the set and whether it is a new one.

    Files that are active already stay so, whatever has been uninstalled since. Where those that are can no longer be
    read, a set that can be takes their place.
    """
    texts = read_config(folder)
    try:
        new = wanted(texts, db)
    except PolicyError:
        same = active_already(db, texts)
        if same is None:
            raise
        return same, False
    with db.instead(new), db.begin(SYSTEM) as tx:
        return new, activate(tx, new, texts)


def active_already(db: Database, texts: Mapping[str, str]) -> Policies | None:
    """The active set, if these are its texts."""
    with db.instead(Policies(hash="")), db.read() as tx:
        stored = policy_set.texts(tx.conn, tx.policies.hash)[0] if tx.policies.hash else None
        return tx.policies if stored is not None and _plain(stored) == _plain(texts) else None


def _plain(texts: Mapping[str, str]) -> dict[str, str]:
    return {file: text.replace("\r\n", "\n") for file, text in texts.items()}


def make_policies(db: Database, folder: Path | None) -> None:
    """Activates ``folder``; without one the example organisation, but only where nothing is active yet.

    A set that is refused stops the first start; later the old one stays, and the log says why.
    """
    if folder is None and _active(db):
        return
    try:
        accept(db, folder or example_config())
    except PolicyError as error:
        with db.instead(Policies(hash="")):
            stays = _active(db)
        if not stays:
            raise
        log.error("%s is refused, the policies stay as they were: %s", folder, "; ".join(map(str, error.problems)))  # noqa: TRY400
    except TaskhubError:
        raise
    except Exception:
        # Two processes that start at the same moment activate the same set; the slower one finds it active.
        if not _active(db):
            raise


def _active(db: Database) -> bool:
    with db.read() as tx:
        return bool(tx.policies.hash)


def new_terms(tx: Tx, _gap: timedelta) -> None:
    """Workers had stopped looking: every live lease and offer gets one full new term before any ends."""
    timers.grace(tx)
