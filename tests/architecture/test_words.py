"""No file carries what belongs to one machine: its paths, its package index, a secret, half a merge."""

import re
import tomllib
from pathlib import Path

import pytest

import taskhub
from tests.architecture.source import ROOT, project_files, report

UNWANTED = {
    "a path of one machine": r"(?<![\w.:/-])/(work|root|mnt|home/\w+|Users/\w+)/",
    "the address of a package index": r"(?i)(pypi\.org|pythonhosted\.org|--(extra-)?index-url|--find-links|file:///\w)",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "the mark of an unfinished merge": r"^(<{7} |>{7} |={7}$)",
}
HERE = Path(__file__).resolve()


@pytest.mark.parametrize("what", UNWANTED)
def test_no_file_carries(what: str) -> None:
    pattern = re.compile(UNWANTED[what])
    offences = [
        f"{path.relative_to(ROOT)}:{number} {what}: {line.strip()[:100]}"
        for path in project_files()
        if path != HERE
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not offences, report(offences)


def test_every_pinned_library_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(line for extra in extras for line in extra)]
    reasons = (ROOT / "docs/adr/0002-dependencies.md").read_text().lower()
    names = [re.match(r"[\w-]+", line)[0] for line in wanted]  # type: ignore[index]
    assert [name for name in names if f"`{name.lower()}`" not in reasons] == []


def test_the_version_stands_the_same_in_both_places() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert taskhub.__version__ == project["version"]
