"""What has just happened, in sentences: read from the history, so it is what happened and not what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskhub.assignment.why import why
from taskhub.db.tx import Tx
from taskhub.demo import queries
from taskhub.demo.words import WORDS
from taskhub.errors import TaskhubError

GIVEN = ("offer", "claim", "assign", "hand_over")
ALARMS = ("sla.warned", "sla.breached", "set_aside", "expire")
OTHERS = ("complete", "pause", "resume", "skip", "release", "withdraw", "cancel", "close")
SEEN = (*GIVEN, *ALARMS, *OTHERS)
AT_ONCE = 40


@dataclass(frozen=True, slots=True)
class Moment:
    """One sentence and when; ``alarm`` for what somebody should look at, ``act`` names the move."""

    at: datetime
    text: str
    act: str
    alarm: bool = False


class Watch:
    """Reads on from where it stopped; of very much at once only the newest."""

    def __init__(self, tx: Tx, language: str, names: Mapping[str, str], *, row: int) -> None:
        self._language = language
        self._words = WORDS[language]
        self._names = names
        self._row = row
        self._notice = queries.newest_notice(tx)

    def look(self, tx: Tx, most: int = AT_ONCE) -> list[Moment]:
        """What happened since the last look, oldest first."""
        moves = queries.moves_since(tx, self._row, SEEN, most)
        self._row = max(queries.newest_row(tx) if len(moves) == most else 0, self._row, *(one.row for one in moves))
        notices = queries.notices_since(tx, self._notice, most)
        self._notice = notices[-1].id if notices else self._notice
        told = [*(self._move(tx, one) for one in moves), *self._notices(notices)]
        return sorted(told, key=lambda one: one.at)

    def _move(self, tx: Tx, move: Any) -> Moment:
        who = self._name(move.change.get("agent") or move.change.get("by_whom") or _by(move) or move.agent)
        facts = {"title": self._words["quote"].format(move.title), "who": who}
        if move.act in GIVEN:
            text = self._words["given"].format(kind=self._kind(tx, move.kind), why=self._why(tx, move.task), **facts)
        else:
            text = self._words[move.act].format(kind=self._kind(tx, move.kind), **facts)
        return Moment(move.at, text, move.act, alarm=move.act in ALARMS)

    def _notices(self, rows: list[Any]) -> Iterator[Moment]:
        for row in rows:
            text = self._words["notice"].format(who=self._name(row.agent), what=row.subject)
            yield Moment(row.at, text, "notice", alarm=True)

    def _name(self, key: str | None) -> str:
        return self._names.get(key or "", key or self._words["nobody"])

    def _kind(self, tx: Tx, key: str) -> str:
        kind = tx.policies.kinds.get(key)
        return kind.name.in_(self._language) if kind else key

    def _why(self, tx: Tx, task: str) -> str:
        try:
            return str(why(tx, task, self._language)["reason"])
        except TaskhubError:
            return "…"


def _by(move: Any) -> str | None:
    noun, _, key = str(move.by).partition(":")
    return key if noun == "agent" else None
