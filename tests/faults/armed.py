"""Runs a real command of taskhub with armed failpoints: ``python -m tests.faults.armed tx.rung:3 worker --threads 4``.

Before the command stand any number of strikes (``NAME:nth[:action]``) and of ``poison=HANDLER:TEXT``: a row of that
handler whose payload holds the text ends its process each time it runs. The program itself knows nothing of this.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from taskhub import failpoints
from tests.faults.strikes import NOTES, Armed, Strike

POISON = "poison="


def main(arguments: list[str]) -> None:
    """Arms, then hands over to the command line."""
    given = next((place for place, word in enumerate(arguments) if not _is_for_us(word)), len(arguments))
    ours, command = arguments[:given], arguments[given:]
    notes = os.environ.get(NOTES)
    strikes = [Strike.parse(word) for word in ours if not word.startswith(POISON)]
    failpoints.arm(Armed(strikes, Path(notes) if notes else None))
    for word in ours:
        if word.startswith(POISON):
            _poison(*word.removeprefix(POISON).split(":", 1))
    sys.argv = ["taskhub", *command]
    from taskhub.cli import main as run

    run()


def _is_for_us(word: str) -> bool:
    return word.startswith(POISON) or (":" in word and "." in word.partition(":")[0])


def _poison(handler: str, text: str) -> None:
    from taskhub import flow

    real: Any = flow.HANDLERS[handler]

    def deadly(tx: Any, row: Any) -> None:
        if text in str(row.payload):
            os.kill(os.getpid(), signal.SIGKILL)
        real(tx, row)

    flow.HANDLERS[handler] = deadly  # type: ignore[index]


if __name__ == "__main__":
    main(sys.argv[1:])
