"""Errors leave as one clear sentence on stderr and exit code 1; a traceback is for the log of a server."""

from __future__ import annotations

from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from taskhub.errors import PolicyError, TaskhubError

FRAMEWORK = ("typer", "click")


class Guarded(TyperGroup):
    """The outermost group of commands."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; what it raises is told, not shown."""
        try:
            return super().invoke(ctx)
        except PolicyError as error:
            fail(*map(str, error.problems))
        except TaskhubError as error:
            fail(error.message)
        except BrokenPipeError:  # the reader has seen enough (`| head`): the framework ends in silence
            raise
        except Exception as error:
            # Wrong usage and wanted exits: the framework shows them itself, with code 2 or the one that was asked for.
            if type(error).__module__.partition(".")[0] in FRAMEWORK:
                raise
            fail(_sentence(error), *_next_step(error))


def fail(*lines: str) -> NoReturn:
    """Says what is wrong and ends with 1."""
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(1)


def _next_step(error: Exception) -> tuple[str, ...]:
    from taskhub.db.interruption import interruption

    if interruption(error) is None:
        return ()
    return (
        "Is the database running and reachable from here, and is its address right? Then run the same command again.",
    )


def _sentence(error: Exception) -> str:
    """The first line of what a library says; SQLAlchemy hides the driver's words in ``orig``."""
    said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
