"""The live view on a terminal, drawn from one picture. Pure: picture in, rich renderable out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from taskhub.demo.queries import Person, Picture
from taskhub.demo.watch import Moment

STATES = ("queued", "assigned", "in_progress", "paused", "blocked")
SLA = (("on_track", "blue"), ("at_risk", "yellow"), ("breached", "red"), ("paused", "magenta"))
ALARM_STYLE, DONE_STYLE = "yellow", "green"


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything one drawing needs."""

    picture: Picture
    address: str
    speed: float
    events_a_minute: float
    failures: int
    zone: str
    words: Mapping[str, str]
    queues: Mapping[str, str]
    moments: Sequence[Moment] = field(default_factory=tuple)
    alarms: Sequence[Moment] = field(default_factory=tuple)
    crm: str = ""


def draw(frame: Frame) -> RenderableType:
    """The whole view."""
    words = frame.words
    tables = Columns([_queues(frame), _people(frame)], padding=(0, 3))
    return Group(
        Panel(_headline(frame), subtitle=words["stop"]),
        tables,
        Panel(_lines(frame, frame.moments), title=words["decisions"]),
        Panel(_lines(frame, frame.alarms), title=words["alarms"]),
    )


def clock_time(at: datetime, zone: str) -> str:
    """Hours and minutes in the organisation's zone."""
    return at.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def _headline(frame: Frame) -> Text:
    words, now = frame.words, frame.picture.at.astimezone(ZoneInfo(frame.zone))
    text = Text(f"{now:%Y-%m-%d %H:%M}  ", style="bold")
    text.append(f"{words['speed'].format(frame.speed)} · {frame.address} · ", style="none")
    text.append(f"{frame.events_a_minute:.0f} {words['events']} · {frame.picture.completed} {words['completed']} · ")
    for state, colour in SLA:
        name = words["sla_paused" if state == "paused" else state]
        text.append(f"{frame.picture.sla.get(state, 0)} {name}  ", style=colour)
    if frame.failures:
        text.append(f"{frame.failures} {words['problems']}", style="red")
    if frame.crm:
        text.append(f"\n{frame.crm}", style="cyan")
    return text


def _queues(frame: Frame) -> Table:
    words = frame.words
    table = Table(title=words["open"], title_justify="left")
    table.add_column(words["queue"])
    for state in STATES:
        table.add_column(words["waiting_" if state == "queued" else state], justify="right")
    table.add_column(words["oldest"], justify="right")
    for key, name in frame.queues.items():
        counts = [str(frame.picture.counts.get((key, state), 0) or "·") for state in STATES]
        table.add_row(escape(name), *counts, _wait(frame.picture, key))
    return table


def _wait(picture: Picture, queue: str) -> str:
    since = picture.oldest.get(queue)
    return "·" if since is None else str(timedelta(minutes=int((picture.at - since) / timedelta(minutes=1))))[:-3]


def _people(frame: Frame) -> Table:
    words = frame.words
    table = Table(title_justify="left")
    table.add_column(words["person"])
    table.add_column(words["presence"])
    table.add_column(words["holds"], overflow="ellipsis", no_wrap=True, max_width=46)
    for person in frame.picture.people:
        table.add_row(escape(person.name), _presence(person, frame), escape(", ".join(person.holds) or "·"))
    return table


def _presence(person: Person, frame: Frame) -> Text:
    back = person.presence != "available" and person.until is not None and person.until <= frame.picture.at
    state = "available" if back else person.presence
    if not person.on_shift:
        return Text(frame.words["off_shift"], style="dim")
    return Text(frame.words[state], style="green" if state == "available" else "yellow")


def _lines(frame: Frame, moments: Iterable[Moment]) -> Group:
    return Group(*(_line(frame, one) for one in moments))


def _line(frame: Frame, one: Moment) -> Text:
    style = ALARM_STYLE if one.alarm else DONE_STYLE if one.act == "complete" else ""
    text = Text(f"{clock_time(one.at, frame.zone)} ", style="dim", no_wrap=True, overflow="ellipsis")
    return text.append(one.text, style=style)
