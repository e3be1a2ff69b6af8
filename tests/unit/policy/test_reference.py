"""The reference page names every key that is read, and its examples are read without a typo."""

import re
from pathlib import Path

import pytest

from taskhub.policy.load import FILES
from tests.unit.policy.small import SMALL, refused

PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/config.md").read_text(encoding="utf-8")
SECTIONS = {
    found[1]: found[2] for found in re.finditer(r"^## (\w+\.toml)(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
}
# A key that nobody knows, in every table there is.
ODD = {
    "kinds.toml": "[[kind]]\nzz1 = 1\n[[kind.checklist]]\nzz2 = 1\n",
    "queues.toml": "[[queue]]\nzz1 = 1\nstaffing = { zz2 = 1 }\nmax_wait = { zz3 = 1 }\n",
    "rules.toml": "[[rule]]\nzz1 = 1\nbefore = { zz2 = 1 }\n[[rule.tasks]]\nzz3 = 1\nraises = [{ zz4 = 1 }]\n",
    "sla.toml": "zz1 = 1\n[[sla]]\nzz2 = 1\n[[pause_reason]]\nzz3 = 1\nremind = { zz5 = 1 }\n"
    "[[skip_reasons]]\nzz4 = 1\n",
    "calendars.toml": "[[calendar]]\nzz1 = 1\n",
    "escalation.toml": "[[escalation]]\nzz1 = 1\n[[escalation.steps]]\nzz2 = 1\n"
    "[notifications]\nzz3 = 1\nquiet_hours = { zz4 = 1 }\n",
    "pipelines.toml": "[[pipeline]]\nzz1 = 1\n[[pipeline.stages]]\nzz2 = 1\n",
    "connections.toml": "[[connection]]\nzz1 = 1\n",
    "duplicates.toml": "zz1 = 1\n",
}  # fmt: skip


def test_every_file_has_its_section() -> None:
    assert SECTIONS.keys() == FILES.keys() == ODD.keys()


@pytest.mark.parametrize("file", sorted(FILES))
def test_every_key_that_is_read_is_explained(file) -> None:
    said = [p.message for p in refused({**SMALL, file: ODD[file]}) if "unknown key" in p.message]
    assert len(said) == len(set(re.findall(r"zz\d", ODD[file])))
    known = {key for message in said for key in message.partition("known here: ")[2].rstrip(".").split(", ")}
    missing = [key for key in sorted(known) if f"`{key}`" not in PAGE and f"[[{key}]]" not in PAGE.replace("rule.", "")]
    assert [key for key in missing if f".{key}]]" not in PAGE] == []


@pytest.mark.parametrize("file", [file for file in sorted(SECTIONS) if "```toml" in SECTIONS[file]])
def test_every_example_is_read(file) -> None:
    examples = re.findall(r"```toml\n(.*?)```", SECTIONS[file], re.DOTALL)
    texts = {**SMALL, file: SMALL[file] + "\n".join(examples)}
    names = {"no queue", "no calendar", "no kind", "no SLA policy"}
    try:
        problems = refused(texts)
    except pytest.fail.Exception:
        return
    assert [p for p in problems if not any(name in p.message for name in names)] == []
