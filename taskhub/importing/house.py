"""What names in a file may mean here: people, pipelines and stages, kinds and queues, words for a status. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from taskhub.errors import InvalidInput
from taskhub.importing.values import flag
from taskhub.policy.policies import Pipeline, Policies
from taskhub.policy.text import LocalText
from taskhub.policy.work import PRIORITIES, Kind
from taskhub.sales.model import CONVERTED, LOST, OPEN, WON
from taskhub.sales.path import unknown

_STATUS: Mapping[str, str] = {
    OPEN: "open, new, active, in progress, working, ouvert, ouverte, en cours, nouveau",
    WON: "won, closed won, win, gagne, gagnee, signed, signe",
    LOST: "lost, closed lost, loss, perdu, perdue, unqualified, disqualified, dead, abandonne",
    CONVERTED: "converted, customer, converti, convertie, client",
}
STATUS = {word.strip(): status for status, words in _STATUS.items() for word in words.split(",")}
ENDS = {"lead": {OPEN, LOST, CONVERTED}, "deal": {OPEN, WON, LOST}}
GAINED = {"lead": CONVERTED, "deal": WON}
_PRIORITY: Mapping[str, str] = {
    "low": "low, basse, faible", "normal": "normal, medium, moyenne, normale", "high": "high, haute, elevee",
    "urgent": "urgent, critical, critique, urgente",
}  # fmt: skip
PRIORITY = {word.strip(): name for name, words in _PRIORITY.items() for word in words.split(",")}


@dataclass(frozen=True, slots=True)
class House:
    """``people``: every name somebody goes by, compared without case and accents → keys; ``active``: who gets work.

    ``names``: what is told to who has misspelt one: keys and names, no addresses.
    ``now`` is when the file was handed in: what has no date of its own counts as of then. ``gives``: the queues whose
    work the importer may hand to people; None: all.
    """

    policies: Policies
    people: Mapping[str, frozenset[str]]
    active: frozenset[str]
    now: datetime
    names: tuple[str, ...] = ()
    gives: frozenset[str] | None = None

    def person(self, path: str, name: str) -> str:
        """The key of the one person meant. Raises InvalidInput."""
        found = self.people.get(plain(name), frozenset())
        if len(found) == 1:
            return next(iter(found))
        if found:
            raise InvalidInput(
                f"{path} {name[:60]!r} may be {' or '.join(sorted(found))}: name the key.", code="unknown_owner"
            )
        raise _nobody(path, name, self.names)

    def line(self, noun: str, name: str) -> Pipeline:
        """The pipeline of that key or name. Raises InvalidInput."""
        mine = [line for line in self.policies.pipelines.values() if line.noun == noun]
        found = next((line for line in mine if is_called(name, line.key, line.name)), None)
        if found is None:
            raise unknown("pipeline", name, [line.key for line in mine], "unknown_pipeline")
        return found

    def stage(self, noun: str, line: Pipeline | None, name: str) -> tuple[Pipeline, str]:
        """The stage of that key or name, of this pipeline or the first that has it. Raises InvalidInput."""
        lines = [line] if line else [one for one in self.policies.pipelines.values() if one.noun == noun]
        for one in lines:
            for stage in one.stages:
                if is_called(name, stage.key, stage.name):
                    return one, stage.key
        raise unknown("stage", name, [stage.key for one in lines for stage in one.stages], "unknown_stage")

    def kind(self, name: str) -> Kind:
        """The kind of that key or name. Raises InvalidInput."""
        kinds = self.policies.kinds
        found = kinds.get(name) or next((one for one in kinds.values() if is_called(name, one.key, one.name)), None)
        if found is None:
            raise unknown("kind", name, sorted(kinds), "unknown_kind")
        return found


@lru_cache(maxsize=1_024)
def _nobody(path: str, name: str, names: tuple[str, ...]) -> Exception:
    """Looked up once for each name: a file has many rows of few people."""
    return unknown(path, name, names, "unknown_owner")


def status(noun: str, text: str) -> str | None:
    """The status a word stands for, where records of the noun can have it; yes is its good end, no is open."""
    said = flag(text)
    if said is not None:
        return GAINED[noun] if said else OPEN
    found = STATUS.get(plain(text))
    found = CONVERTED if found == WON and noun == "lead" else found
    return found if found in ENDS[noun] else None


def lost_reason(line: Pipeline | None, text: str) -> str:
    """The reason from the pipeline's list, by key or name; any text where there is no list. Raises InvalidInput."""
    if line is None or not line.lost_reasons:
        return text
    names = line.lost_reason_names
    named = (key for key in line.lost_reasons if is_called(text, key, names.get(key)))
    found = next(named, None)
    if found is None:
        raise unknown("lost_reason", text, line.lost_reasons, "unknown_reason")
    return found


def priority(text: str) -> int:
    """The rank of a priority by its word. Raises InvalidInput."""
    found = PRIORITY.get(plain(text))
    if found is None:
        raise unknown("priority", text, PRIORITIES, "unknown_priority")
    return PRIORITIES.index(found)


def pause_reason(policies: Policies, text: str) -> str:
    """The reason to wait, by key or name. Raises InvalidInput."""
    known = policies.pause_reasons
    found = next((one.key for one in known.values() if is_called(text, one.key, one.name)), None)
    if found is None:
        raise unknown("waiting_reason", text, sorted(known), "unknown_reason")
    return found


def is_called(text: str, key: str, name: LocalText | None) -> bool:
    """Whether a text is the key, or the name in any language."""
    names = [name.default, *name.by_language.values()] if name else []
    return plain(text) in {plain(one) for one in (key, *names)}


def plain(text: str) -> str:
    """As names are compared: without case, accents and doubled spaces."""
    apart = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in apart if not unicodedata.combining(c)).casefold().split())


def aliases(rows: Iterable[tuple[str, Iterable[str]]]) -> dict[str, frozenset[str]]:
    """Name as it is compared → keys, from (key, every name) of people; a key always means its own person."""
    meant: dict[str, set[str]] = {}
    own: dict[str, str] = {}
    for key, names in rows:
        own[plain(key)] = key
        for name in names:
            meant.setdefault(plain(name), set()).add(key)
    meant.pop("", None)
    return {name: frozenset(keys) for name, keys in meant.items()} | {n: frozenset({k}) for n, k in own.items()}
