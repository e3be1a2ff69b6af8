"""``sales``: how leads and deals get on."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from taskhub.cli import place
from taskhub.cli.options import Data, Json

app = typer.Typer(help="How leads and deals get on, and which customers nobody has work for.", no_args_is_help=True)


@app.command()
def progress(
    agent: Annotated[str | None, typer.Option(help="Of one person.")] = None,
    team: Annotated[str | None, typer.Option(help="Of one team.")] = None,
    since: Annotated[str, typer.Option(help="How far to look back, such as 30d.")] = "30d",
    data: Data = None,
    json: Json = False,
) -> None:
    """Funnel, rates, amounts and time per stage of a person, a team, or everybody."""
    from taskhub.agents import service as agents
    from taskhub.calendars import parse_duration
    from taskhub.cli import queries
    from taskhub.cli.output import as_json
    from taskhub.errors import InvalidInput
    from taskhub.sales import queries as sales

    try:
        span = parse_duration(since)
    except ValueError as error:
        raise InvalidInput(f"--since: {error}") from error
    with place.existing(data) as db, db.read() as tx:
        owners = [agents.get_agent(tx, agent).key] if agent else None
        if team and not agent:
            owners = queries.members(tx, agents.get_team(tx, team).key)
        begin = tx.now - span
        items = sales.of_owners(tx, owners, begin, tx.now, list(tx.policies.pipelines.values()))
        owing = sales.conversions(tx, owners, None, 10_000, owing=True)
        said = {"from": begin, "until": tx.now, "agent": agent, "team": team, "items": items, "owing": owing}
    if json:
        as_json(said)
        return
    for item in items:
        _show(item)
    typer.echo(f"Conversions without any work: {len(owing)}")


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
