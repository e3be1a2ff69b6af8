"""The example organisation with a night desk added: always open, leases of seconds, promises of a minute.

What the night desk does hangs on the clock, so it is judged by its own history, never compared with another day.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from taskhub import bootstrap

COUNTER, DRAWER = "counter", "drawer"  # on_idle return, on_idle hold
CALL, FILE = "counter_call", "drawer_file"
NIGHT_KINDS = (CALL, FILE)
NIGHT_TEAM = "night-desk"
LEASE_FOR = 3.0
QUICK = 'lease_for = "15m"'
FEW = "max_paused = 20"

_OPENINGS = "\n".join(f'{day} = ["00:00-24:00"]' for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
_QUEUE = """
[[queue]]
key = "{key}"
name = "{key}"
teams = ["night-desk"]
mode = "pull"
calendar = "always"
lease_for = "3s"
cool_down = "1s"
staffing = {{ model = "rotating", params = {{ teams = ["night-desk"] }} }}
on_idle = "{on_idle}"
hold_for = "{hold_for}"
pick = "free"
"""
_KIND = """
[[kind]]
key = "{key}"
name = "{key}"
queue = "{queue}"
expected_minutes = 0.01
sla = "brisk"
"""
_ADDED = {
    "calendars.toml": f'\n[[calendar]]\nkey = "always"\ntz = "UTC"\n[calendar.weekly]\n{_OPENINGS}\n',
    "queues.toml": _QUEUE.format(key=COUNTER, on_idle="return", hold_for="1h")
    + _QUEUE.format(key=DRAWER, on_idle="hold", hold_for="5s"),
    "kinds.toml": _KIND.format(key=CALL, queue=COUNTER) + _KIND.format(key=FILE, queue=DRAWER),
    "sla.toml": '\n[[sla]]\nkey = "brisk"\ncompletion = "20s"\nwarn_at = 0.5\nescalation = "bell"\n',
    "escalation.toml": '\n[[escalation]]\nkey = "bell"\n[[escalation.steps]]\nat_fraction = 0.5\nnotify = ["agent"]\n'
    '[[escalation.steps]]\noverdue_for = "0m"\nnotify = ["leader"]\nraise_priority = 1\nrepeat_every = "10m"\n',
}


def texts() -> dict[str, str]:
    """The files of the office by name."""
    example = bootstrap.read_config(bootstrap.example_config())
    assert QUICK in example["queues.toml"]
    # What people keep in hand through the day stays theirs, however far children let time jump.
    example["queues.toml"] = example["queues.toml"].replace(QUICK, 'lease_for = "12h"')
    assert FEW in example["sla.toml"]
    # Hundreds of children leave more paused than one person should.
    example["sla.toml"] = example["sla.toml"].replace(FEW, "max_paused = 1000")
    return {name: text + _ADDED.get(name, "") for name, text in example.items()}


def write(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """Puts the files into ``folder``, for whoever reads a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (files or texts()).items():
        (folder / name).write_text(text, "utf-8")
    return folder
