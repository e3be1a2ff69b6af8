"""Names to strategies and models: built-ins and foreign ones come in by the same entry points.

Built-ins are found even where the package's metadata is stale (a checkout newer than its installation), and a foreign
plug-in cannot take a built-in's name: what a released built-in decided must stay re-runnable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from taskhub.assignment.models.chain import chain
from taskhub.assignment.models.dedicated import dedicated
from taskhub.assignment.models.duty_rota import duty_rota
from taskhub.assignment.models.overflow import overflow
from taskhub.assignment.models.rotating import rotating
from taskhub.assignment.models.share import share
from taskhub.assignment.seams import StaffingModel, Strategy
from taskhub.assignment.strategies.best_skill import best_skill
from taskhub.assignment.strategies.expected_work import expected_work
from taskhub.assignment.strategies.fairness import fairness
from taskhub.assignment.strategies.least_loaded import least_loaded
from taskhub.assignment.strategies.longest_idle import longest_idle
from taskhub.assignment.strategies.round_robin import round_robin
from taskhub.assignment.strategies.sticky import sticky
from taskhub.assignment.strategies.weighted_round_robin import weighted_round_robin
from taskhub.errors import InvalidInput

STRATEGIES = "taskhub.strategies"
MODELS = "taskhub.staffing_models"

# Every released version of a built-in stays here, so that its decisions can be run again for ever.
BUILT_IN_STRATEGIES: tuple[Strategy, ...] = (
    least_loaded,
    round_robin,
    weighted_round_robin,
    expected_work,
    longest_idle,
    best_skill,
    sticky,
    fairness,
)
BUILT_IN_MODELS: tuple[StaffingModel, ...] = (dedicated, rotating, duty_rota, overflow, chain, share)

Versioned = tuple[str, str]


class NotInstalled(InvalidInput):
    """No plug-in of that name, or not in the version asked for."""

    code = "plugin_not_installed"


@dataclass(frozen=True)
class Plugins:
    """What is installed. Of each name the version listed last is in force; ``broken`` says what could not be loaded."""

    strategies: Mapping[Versioned, Strategy] = field(default_factory=dict)
    models: Mapping[Versioned, StaffingModel] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    def strategy(self, name: str, version: str = "") -> Strategy:
        """The strategy of that name, in that version or the one in force; NotInstalled otherwise."""
        found: Strategy = _find("strategy", self.strategies, name, version)
        return found

    def model(self, name: str, version: str = "") -> StaffingModel:
        """The staffing model of that name, in that version or the one in force; NotInstalled otherwise."""
        found: StaffingModel = _find("staffing model", self.models, name, version)
        return found

    @property
    def strategy_names(self) -> tuple[str, ...]:
        """What a queue's file may name, built-ins first."""
        return tuple(dict.fromkeys(name for name, _ in self.strategies))

    @property
    def model_names(self) -> tuple[str, ...]:
        """What a queue's file may name, built-ins first."""
        return tuple(dict.fromkeys(name for name, _ in self.models))


def _find(what: str, known: Mapping[Versioned, Any], name: str, version: str) -> Any:
    found = known.get((name, version)) if version else None
    if found is not None:
        return found
    versions = [held for key, held in known if key == name]
    if not versions:
        names = sorted({key for key, _ in known})
        near = get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else f" Installed: {', '.join(names)}."
        raise NotInstalled(f"there is no {what} {name!r}.{hint}", name=name, suggestion=near[0] if near else None)
    if version and version not in versions:
        raise NotInstalled(f"{what} {name} {version} is not installed", name=name, version=version)
    return known[name, version or versions[-1]]


@cache
def built_ins() -> Plugins:
    """The built-ins alone."""
    return Plugins(_table(BUILT_IN_STRATEGIES), _table(BUILT_IN_MODELS))


def load(
    found: Callable[[str], Iterable[EntryPoint]] = lambda group: entry_points(group=group),
    opened: Callable[[EntryPoint], Any] = lambda point: point.load(),
) -> Plugins:
    """Everything installed. A plug-in that cannot be loaded, or takes a built-in's name, is reported, never fatal.

    ``opened`` makes a plug-in of a foreign entry point: here it is loaded into this very process.
    """
    broken: dict[str, str] = {}
    own = built_ins()
    strategies = _foreign(found(STRATEGIES), {name for name, _ in own.strategies}, "key", broken, opened)
    models = _foreign(found(MODELS), {name for name, _ in own.models}, "refused", broken, opened)
    return Plugins({**own.strategies, **_table(strategies)}, {**own.models, **_table(models)}, broken)


def _foreign(
    points: Iterable[EntryPoint],
    taken: set[str],
    verb: str,
    broken: dict[str, str],
    opened: Callable[[EntryPoint], Any],
) -> list[Any]:
    plugins = []
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        if point.name in taken:
            if not point.value.startswith("taskhub.assignment."):
                broken[point.name] = f"{point.value} takes the name of a built-in"
            continue
        try:
            plugins.append(_sound(opened(point), point.name, verb))
        except Exception as error:  # noqa: BLE001  foreign code may fail in any way
            broken[point.name] = f"{point.value}: {type(error).__name__}: {error}"
    return plugins


def _sound(plugin: Any, name: str, verb: str) -> Any:
    if plugin.name != name:
        raise ValueError(f"calls itself {plugin.name!r}")
    if not (isinstance(plugin.version, str) and plugin.version):
        raise ValueError("has no version")
    if not callable(getattr(plugin, verb)):
        raise TypeError(f"{verb} cannot be called")
    return plugin


def _table(plugins: Iterable[Any]) -> dict[Versioned, Any]:
    return {(plugin.name, plugin.version): plugin for plugin in plugins}
