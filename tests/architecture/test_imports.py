"""The rooms import upstream only, and each library stays in its rooms: contracts in pyproject.toml."""

import re
import subprocess
import sys

from tests.architecture.source import ROOT, modules, report

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"


def test_every_import_contract_is_kept() -> None:
    done = subprocess.run([sys.executable, "-c", LINT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"\n{done.stdout}{done.stderr}"


def test_calendars_and_policy_are_pure() -> None:
    impure = re.compile(r"^(asyncio|httpx|io|logging|os|random|socket|sqlite3|subprocess|time)(\.|$)")
    offences = [
        f"{module.at(line)} {module.room} is pure, but imports {name}"
        for module in modules()
        if module.room in {"calendars", "policy"}
        for name, line in module.imports()
        if impure.match(name)
    ]
    assert not offences, report(offences)
