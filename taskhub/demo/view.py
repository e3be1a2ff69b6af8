"""The live view on a terminal, drawn from one picture: picture in, lines of that terminal's size out.

The story comes first: what happened just now and what is late have their lines on every terminal. Tables follow as
there is room: queues, then people beside or below them, fewer of them or none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from taskhub.demo.queries import Person, Picture
from taskhub.demo.watch import Moment

STATES = ("queued", "assigned", "in_progress", "paused", "blocked")
SLA = (("on_track", "blue"), ("at_risk", "yellow"), ("breached", "red"), ("paused", "magenta"))
ALARM_STYLE, DONE_STYLE = "yellow", "green"
# Lines of sentences no table may take, each part with one more for its title; of the rest, alarms get one in four.
MOMENT_LINES, ALARM_LINES, TITLES, ALARM_SHARE = 7, 3, 2, 4
STORY = MOMENT_LINES + ALARM_LINES + TITLES
FEWEST_PEOPLE, PEOPLE_WIDTH, GAP = 3, 54, 3
STAMP = len("00:00 ")


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


class Sheet(NamedTuple):
    """What is drawn on: how wide sentences may be, how many lines there are."""

    console: Console
    options: ConsoleOptions

    @property
    def width(self) -> int:
        return self.options.max_width

    def lines(self, drawn: RenderableType) -> int:
        """How many lines it takes."""
        return len(self.console.render_lines(drawn, self.options, pad=False))


@dataclass(frozen=True, slots=True)
class Screen:
    """The whole view, fitted to the terminal when it is drawn."""

    frame: Frame

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        sheet = Sheet(console, options.reset_height())
        headline = _headline(self.frame)
        room = options.size.height - sheet.lines(headline)
        tables = _tables(self.frame, sheet, room - STORY)
        yield headline
        yield from _story(self.frame, sheet, room - sum(map(sheet.lines, tables)))
        yield from tables


def draw(frame: Frame) -> RenderableType:
    """The whole view."""
    return Screen(frame)


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
        text.append(f"{frame.failures} {words['problem' if frame.failures == 1 else 'problems']}  ", style="red")
    text.append(words["stop"], style="dim")
    if frame.crm:
        text.append(f"\n{frame.crm}", style="cyan")
    return text


def _tables(frame: Frame, sheet: Sheet, room: int) -> list[RenderableType]:
    """As much of the tables as ``room`` lines hold."""
    queues, people = _queues(frame), frame.picture.people
    beside = sheet.width - sheet.console.measure(queues, options=sheet.options).maximum - GAP
    if beside >= PEOPLE_WIDTH and room > max(len(frame.queues), len(people)):
        both = Table.grid(padding=(0, GAP, 0, 0))
        both.add_row(queues, _people(frame, people, beside))
        return [both]
    left = room - sheet.lines(queues)
    if left < 0:
        return []
    if left > len(people):
        return [queues, _people(frame, people, sheet.width)]
    fewer = left - 2
    if fewer < FEWEST_PEOPLE:
        return [queues]
    there = sorted(people, key=lambda one: (not one.on_shift, not one.holds))[:fewer]
    more = Text(frame.words["more"].format(len(people) - len(there)), style="dim")
    return [queues, _people(frame, there, sheet.width), more]


def _queues(frame: Frame) -> Table:
    words = frame.words
    table = Table(box=None, pad_edge=False)
    table.add_column(words["open"], no_wrap=True)
    for state in STATES:
        table.add_column(words["waiting_" if state == "queued" else state], justify="right")
    table.add_column(words["oldest"], justify="right")
    for key, name in frame.queues.items():
        counts = [str(frame.picture.counts.get((key, state), 0) or "·") for state in STATES]
        table.add_row(escape(name), *counts, _wait(frame.picture, key))
    return table


def _wait(picture: Picture, queue: str) -> str:
    """Hours and minutes."""
    since = picture.oldest.get(queue)
    if since is None:
        return "·"
    hours, minutes = divmod(int((picture.at - since) / timedelta(minutes=1)), 60)
    return f"{hours}:{minutes:02}"


def _people(frame: Frame, people: Sequence[Person], width: int) -> Table:
    words = frame.words
    table = Table(box=None, pad_edge=False, width=width)
    table.add_column(words["person"], no_wrap=True)
    table.add_column(words["presence"], no_wrap=True)
    table.add_column(words["holds"], overflow="ellipsis", no_wrap=True, ratio=1)
    for person in people:
        table.add_row(escape(person.name), _presence(person, frame), escape(", ".join(person.holds) or "·"))
    return table


def _presence(person: Person, frame: Frame) -> Text:
    back = person.presence != "available" and person.until is not None and person.until <= frame.picture.at
    state = "available" if back else person.presence
    if not person.on_shift:
        return Text(frame.words["off_shift"], style="dim")
    return Text(frame.words[state], style="green" if state == "available" else "yellow")


def _story(frame: Frame, sheet: Sheet, room: int) -> Iterator[RenderableType]:
    """Both parts fill their lines, so that nothing below them jumps."""
    alarms = max(ALARM_LINES, (room - TITLES) // ALARM_SHARE)
    for title, moments, lines in (
        ("decisions", frame.moments, room - TITLES - alarms), ("alarms", frame.alarms, alarms),
    ):  # fmt: skip
        yield Rule(frame.words[title], align="left", style="dim")
        yield from _newest(frame, sheet, moments, lines)


def _newest(frame: Frame, sheet: Sheet, moments: Sequence[Moment], room: int) -> list[Text]:
    """The newest sentences that fit whole, oldest first; the very newest is shown in any case."""
    shown: list[Text] = []
    for one in reversed(moments):
        told = _sentence(frame, sheet, one)
        if shown and len(shown) + len(told) > room:
            break
        shown = [*told, *shown]
    return [*shown, *[Text("")] * (room - len(shown))][: max(room, 0)]


def _sentence(frame: Frame, sheet: Sheet, one: Moment) -> list[Text]:
    style = ALARM_STYLE if one.alarm else DONE_STYLE if one.act == "complete" else ""
    lines = Text(one.text, style=style).wrap(sheet.console, max(1, sheet.width - STAMP))
    stamps = [f"{clock_time(one.at, frame.zone)} ", *[" " * STAMP] * len(lines)]
    return [Text(stamp, style="dim").append_text(line) for stamp, line in zip(stamps, lines, strict=False)]
