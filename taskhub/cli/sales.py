"""``sales``: how leads and deals get on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json

if TYPE_CHECKING:
    from taskhub.db.tx import Tx

app = typer.Typer(help="How leads and deals get on, and which customers nobody has work for.", no_args_is_help=True)


@app.command()
def progress(
    agent: Annotated[str | None, typer.Option(help="Of one person.")] = None,
    team: Annotated[str | None, typer.Option(help="Of one team.")] = None,
    department: Annotated[str | None, typer.Option(help="Of all teams of one department.")] = None,
    since: Annotated[str, typer.Option(help="How far to look back, such as 30d.")] = "30d",
    until: Annotated[str | None, typer.Option(help="How long ago the period ends, such as 7d; default: now.")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Funnel, rates, amounts and time per stage of a person, a team, a department, or everybody."""
    from taskhub.cli.output import as_json
    from taskhub.errors import InvalidInput
    from taskhub.sales import queries as sales

    back, ended = _span("--since", since), timedelta() if until is None else _span("--until", until)
    if back <= ended:
        raise InvalidInput("--since must lie before --until.")
    if sum(one is not None for one in (agent, team, department)) > 1:
        raise InvalidInput("Name one of --agent, --team and --department.")
    with place.existing(data) as db, db.read() as tx:
        owners = _owners(tx, agent, team, department)
        begin, end = tx.now - back, tx.now - ended
        items = sales.of_owners(tx, owners, begin, end, list(tx.policies.pipelines.values()))
        owing = sales.conversions(tx, owners, None, 10_000, owing=True, since=begin, until=end)
        of = {"agent": agent, "team": team, "department": department}
        said = {"from": begin, "until": end, **of, "items": items, "owing": owing}
    if json:
        as_json(said)
        return
    for item in items:
        _show(item)
    typer.echo(f"Conversions without any work: {len(owing)}")


def _span(name: str, text: str) -> timedelta:
    from taskhub.calendars import parse_duration
    from taskhub.errors import InvalidInput

    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidInput(f"{name}: {error}") from error


def _owners(tx: Tx, agent: str | None, team: str | None, department: str | None) -> list[str] | None:
    """Whose records count; None: everybody's. Raises NotFound, or InvalidInput for a department without teams."""
    from taskhub.agents import service as agents
    from taskhub.cli import queries
    from taskhub.errors import InvalidInput
    from taskhub.policy.reading.nearest import nearest

    if agent:
        return [agents.get_agent(tx, agent).key]
    if team:
        return queries.members(tx, agents.get_team(tx, team).key)
    if department is None:
        return None
    teams = agents.list_teams(tx, limit=10_000)
    chosen = [one.key for one in teams if one.department == department]
    if not chosen:
        hint = nearest(department, {one.department for one in teams if one.department})
        said = f"--department: no team belongs to {department[:40]!r}"
        raise InvalidInput(f"{said}; did you mean {hint}?" if hint else f"{said}.")
    return [key for one in chosen for key in queries.members(tx, one)]


def _show(item: dict[str, Any]) -> None:
    from taskhub.cli.output import as_table

    gained = "converted" if item["noun"] == "lead" else "won"
    rate = "-" if item["rate"] is None else f"{item['rate']:.0%}"
    typer.echo(
        f"{item['pipeline']}: {item['created']} created, {item[gained]} {gained}, {item['lost']} lost ({rate}), "
        f"{item['open']} open" + "".join(f", {amount} {code}" for code, amount in item["amounts"].items())
    )
    names = ("stage", "entered", "left", "mean_hours", "median_hours", "now")
    as_table(names, [[stage[name] for name in names] for stage in item["stages"]])
    typer.echo("")
