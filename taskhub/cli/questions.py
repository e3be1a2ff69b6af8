"""``questions list``, ``answer``, ``pass``: what agents ask about tasks, answered from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json

if TYPE_CHECKING:
    from taskhub.db.tx import Tx

app = typer.Typer(help="What agents ask about tasks.", no_args_is_help=True, rich_markup_mode=None)
Question = Annotated[str, typer.Argument(metavar="QUESTION", help="The id of a question.")]
By = Annotated[str, typer.Option("--by", metavar="AGENT", help="Whose question it is, by key; they answer for it.")]


@app.command("list")
def list_(
    agent: Annotated[str | None, typer.Option(help="Asked of this person.")] = None,
    state: Annotated[str, typer.Option(help="open, answered, withdrawn, lapsed or any.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 100,
    data: Data = None,
    json: Json = False,
) -> None:
    """List questions, the longest waiting first."""
    from taskhub.api import shown_questions
    from taskhub.cli.output import as_json, as_table
    from taskhub.errors import InvalidInput
    from taskhub.tasks.questions import service
    from taskhub.tasks.questions.model import STATES

    if state not in (*STATES, "any"):
        raise InvalidInput(f"--state: {state[:40]!r} is none of {', '.join(STATES)}, any.")
    wanted = {"asked_of": agent, "state": None if state == "any" else state}
    with place.existing(data) as db, db.read() as tx:
        found, _ = service.find(tx, {n: v for n, v in wanted.items() if v is not None}, None, None, limit)
        items = shown_questions.questions(tx, found)
    if json:
        as_json({"items": items})
    elif items:
        head = ("id", "asked of", "since", "state", "about", "question")
        as_table(head, map(_row, items))
    else:
        typer.echo("Nothing is asked.")


@app.command()
def answer(
    question: Question,
    text: Annotated[str, typer.Argument(metavar="TEXT", help='The answer; "-" reads it from standard input.')],
    by: By,
    data: Data = None,
    json: Json = False,
) -> None:
    """Answer a question: the answer hangs on task and record, and wakes the task."""
    from taskhub.acts import asking
    from taskhub.api import shown_questions
    from taskhub.cli.output import as_json

    said = typer.get_text_stream("stdin").read() if text == "-" else text
    with _acting(data, "question.answer", question, by) as tx:
        task, done = asking.answer(tx, question, said)
        shown = shown_questions.question(tx, done, task)
    if json:
        as_json({"question": shown})
        return
    typer.echo(f"{task.title!r} has its answer; it is {task.state}.")


@app.command("pass")
def pass_(
    question: Question,
    to: Annotated[str, typer.Argument(metavar="AGENT", help="Who knows better, by key.")],
    by: By,
    note: Annotated[str | None, typer.Option(help="What they should know.")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Pass a question on to a colleague."""
    from taskhub.acts import asking
    from taskhub.api import shown_questions
    from taskhub.cli.output import as_json

    with _acting(data, "question.pass", question, by) as tx:
        done = asking.pass_on(tx, question, to, note)
        shown = shown_questions.question(tx, done)
    if json:
        as_json({"question": shown})
        return
    typer.echo(f"{to} is asked from now on.")


@contextmanager
def _acting(data: Path | None, act: str, question: str, by: str) -> Iterator[Tx]:
    """As the person whose question it is: what they are told and what history says is as by the API."""
    from taskhub.agents import service as agents
    from taskhub.db.tx import By as Caller
    from taskhub.errors import Forbidden
    from taskhub.tasks.questions import service

    with place.existing(data) as db:
        with db.read() as tx:
            person, one = agents.get_agent(tx, by), service.get(tx, question)
        if one.asked_of != by:
            raise Forbidden(f"This question is with {one.asked_of or 'nobody'}, not with {by}.", asked_of=one.asked_of)
        caller = Caller(f"agent:{by}", "rep", by, person.team, tuple(person.roles))
        with db.begin(caller, act=act) as tx:
            yield tx


def _row(one: dict[str, Any]) -> tuple[Any, ...]:
    said = " ".join(one["question"].split())
    return one["id"], one["asked_of"], one["asked_at"], one["state"], one["task"].get("title"), said[:80]
