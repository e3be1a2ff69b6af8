"""Names to plug-ins: built-ins always, foreign ones when they are sound, an unknown name with the nearest valid one."""

from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest

from taskhub.assignment import registry
from taskhub.assignment.registry import NotInstalled, built_ins, load
from taskhub.assignment.strategies.least_loaded import LeastLoaded
from taskhub.errors import InvalidInput


class Lucky(LeastLoaded):
    name = "lucky"
    version = "2.1"


lucky = Lucky()
nameless = SimpleNamespace(name="other", version="1", key=lambda: ())
versionless = SimpleNamespace(name="versionless", version="", key=lambda: ())
keyless = SimpleNamespace(name="keyless", version="1", key=None)


def found(**names: str) -> Any:
    points = {registry.STRATEGIES: [EntryPoint(name, value, registry.STRATEGIES) for name, value in names.items()]}
    return lambda group: points.get(group, [])


def test_built_ins_are_there_whatever_the_metadata_says() -> None:
    plugins = load(lambda group: [])
    assert plugins == built_ins()
    assert set(plugins.strategy_names) >= {"least_loaded", "round_robin"}
    assert set(plugins.model_names) >= {"dedicated", "rotating"}


def test_what_is_installed_holds_the_built_ins_and_nothing_broken() -> None:
    plugins = load()
    assert plugins.broken == {}
    assert plugins.strategy("least_loaded") is built_ins().strategy("least_loaded")


def test_a_foreign_strategy_comes_in_by_the_same_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lucky_plugin", SimpleNamespace(lucky=lucky))
    plugins = load(found(lucky="lucky_plugin:lucky", least_loaded="taskhub.assignment.strategies.least_loaded:x"))
    assert plugins.strategy("lucky", "2.1") is lucky
    assert plugins.strategy("lucky") is lucky
    assert plugins.broken == {}
    with pytest.raises(NotInstalled, match=r"strategy lucky 1\.2 is not installed"):
        plugins.strategy("lucky", "1.2")


def test_unsound_plugins_are_reported_and_never_fatal(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(nameless=nameless, versionless=versionless, keyless=keyless)
    monkeypatch.setitem(__import__("sys").modules, "odd_plugin", module)
    plugins = load(
        found(
            nameless="odd_plugin:nameless",
            versionless="odd_plugin:versionless",
            keyless="odd_plugin:keyless",
            missing="no_such_module:x",
            round_robin="odd_plugin:keyless",
        )
    )
    assert plugins.strategy_names == built_ins().strategy_names
    assert set(plugins.broken) == {"nameless", "versionless", "keyless", "missing", "round_robin"}
    assert "takes the name of a built-in" in plugins.broken["round_robin"]
    assert "calls itself 'other'" in plugins.broken["nameless"]


def test_an_unknown_name_gets_the_nearest_valid_one() -> None:
    with pytest.raises(InvalidInput, match=r"no strategy 'least_loded'\. Did you mean 'least_loaded'\?") as error:
        built_ins().strategy("least_loded")
    assert error.value.fields["suggestion"] == "least_loaded"
    assert error.value.stable_code == "plugin_not_installed"
    with pytest.raises(NotInstalled, match=r"no staffing model 'xyz'\. Installed: chain, dedicated, duty_rota"):
        built_ins().model("xyz")
