"""The strategies and models installed in this process, looked up once."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint
from typing import Any

from taskhub.assignment.foreign.answers import said
from taskhub.assignment.foreign.process import Failed, Process
from taskhub.assignment.foreign.wrappers import AskedStrategy, ForeignModel, RestingStrategy
from taskhub.assignment.registry import MODELS, Plugins, load

_process = Process()


@cache
def plugins() -> Plugins:
    """Everything the entry points name. What others wrote is described by a child process and at rest here."""
    try:
        return load(opened=_described)
    finally:
        _process.close()


def asked() -> Plugins:
    """The same for one pass, or one re-run at the command line: strategies of others are asked."""
    known = plugins()
    if not any(isinstance(one, RestingStrategy) for one in known.strategies.values()):
        return known
    strategies = {
        key: AskedStrategy(one.said, _process) if isinstance(one, RestingStrategy) else one
        for key, one in known.strategies.items()
    }
    return Plugins(strategies, known.models, known.broken)


def _described(point: EntryPoint) -> Any:
    verb, kind = {MODELS: ("refused", ForeignModel)}.get(point.group, ("key", RestingStrategy))
    try:
        return kind(said(point.value, _process.ask("describe", point.value), point.name, verb), _process)
    except Failed as failed:
        raise ValueError(str(failed)) from None
