"""A row becomes a lead or deal, or is refused with the reason: owner, stage, money and dates must make sense. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from taskhub.errors import InvalidInput
from taskhub.events.canonical import canonical
from taskhub.events.fields import BadField, read_id
from taskhub.events.model import RecordRef
from taskhub.ids import digest
from taskhub.importing.cells import typed
from taskhub.importing.currencies import meant
from taskhub.importing.house import ENDS, House, lost_reason, status
from taskhub.importing.mapping import FieldMap
from taskhub.importing.model import DEAL, LEAD, NewRecord, Party, Way
from taskhub.importing.values import currency_mark
from taskhub.policy.policies import Pipeline
from taskhub.sales import fields, path
from taskhub.sales.fields import invalid
from taskhub.sales.model import LOST, OPEN

DAY = timedelta(days=1)
LINKS = {LEAD: ("account", "contact"), DEAL: ("lead",)}
PARTY = {"account": ("name", "email", "phone"), "contact": ("name", "email", "phone")}


def record_of(line: int, said: Mapping[str, str], map_: FieldMap, house: House) -> NewRecord:
    """The lead or deal a row says. Raises InvalidInput."""
    noun = map_.noun
    good, own = typed(map_, said)
    if "merged_into" in good:
        raise invalid([("merged_into", f"is {good['merged_into'][:60]}: bring in that one")], "not_open")
    on, stage, state = _path(noun, good, house)
    good |= {name: read_record_id(name, good[name]) for name in ("account", "contact", "lead") if name in good}
    plain = {n: value for n, value in good.items() if n in fields.FIELDS[noun] and n not in ("stage", "pipeline")}
    if "owner" in plain:
        plain["owner"] = house.person("owner", plain["owner"])
    pipeline = on or path.pipeline_of(noun, {}, house.policies)
    if "amount" in plain:
        usual = pipeline.currency if pipeline else None
        plain["currency"] = meant(said["amount"], currency_mark(said["amount"]), plain.get("currency"), usual)
    read = fields.read(noun, plain, own)
    placed = {**read, **({"pipeline": on.key} if on else {}), **({"stage": stage} if stage else {})}
    made = path.begun(noun, placed, house.policies)
    if stage is None and state != OPEN:
        made.pop("stage", None)  # where it stood when it ended, nobody has said
    if "deal" in good:
        made["deal"] = read_record_id("deal", good["deal"])
    ref = RecordRef(noun, id_of(noun, said, map_))
    way = _way(good, state, pipeline, house)
    links = tuple(RecordRef(one, made[one]) for one in LINKS[noun] if made.get(one) is not None)
    parties = _parties(good, read, map_) if noun == DEAL else ()
    made = {name: value for name, value in made.items() if noun != DEAL or name not in PARTY}
    return NewRecord(line, ref, made, way, parties, links)


def id_of(noun: str, said: Mapping[str, str], map_: FieldMap) -> str:
    """The id the row gives, else a name made of all it says: the same row is the same record however often it comes."""
    told = {name: text for name, text in said.items() if map_.constants.get(name) != text}
    if not told:
        raise InvalidInput("the row says nothing", code="empty_row")
    given = said.get("id")
    return digest("imported", noun, canonical(told)) if given is None else read_record_id("id", given)


def read_record_id(name: str, text: str) -> str:
    """An id of 1 to 200 characters. Raises InvalidInput."""
    try:
        return read_id(name, text)
    except BadField as error:
        raise invalid([(name, str(error).partition(f" {name} ")[2] or "cannot be an id")], "bad_value") from error


def _path(noun: str, good: dict[str, Any], house: House) -> tuple[Pipeline | None, str | None, str]:
    """Pipeline, stage and status. Where a file has one column for both, the words for an end stand in the stage's."""
    on = house.line(noun, good["pipeline"]) if "pipeline" in good else None
    told = good.get("status")
    state = OPEN if told is None else status(noun, told)
    if state is None:
        raise path.unknown("status", told, sorted(ENDS[noun]), "unknown_status")
    if "stage" not in good:
        return on, None, state
    try:
        return *house.stage(noun, on, good["stage"]), state
    except InvalidInput:
        ended = status(noun, good["stage"]) if not good["stage"].isdigit() else None
        if ended in (None, OPEN) or told is not None:
            raise
        return on, None, ended


def _way(good: Mapping[str, Any], state: str, pipeline: Pipeline | None, house: House) -> Way:
    created = good.get("created_at", house.now)
    closed = good.get("closed_at", created) if state != OPEN else None
    since = good.get("stage_at")
    for name, at in (("created_at", created), ("stage_at", since), ("closed_at", closed)):
        if at is not None and at > house.now + DAY:
            raise invalid([(name, f"{at.date()} has not come yet")], "time_in_future")
    if (closed is not None and closed < created) or (since is not None and since < created):
        name = "closed_at" if closed is not None and closed < created else "stage_at"
        raise invalid([(name, f"lies before created_at ({created.date()})")], "dates_reversed")
    why = lost_reason(pipeline, good["lost_reason"]) if state == LOST and "lost_reason" in good else None
    return Way(state, created, since if since != created else None, closed, why)


def _parties(good: Mapping[str, Any], read: Mapping[str, Any], map_: FieldMap) -> tuple[Party, ...]:
    """Its account and contact: as columns of their own say, else as the deal's own company and person."""
    found = []
    for noun, names in PARTY.items():
        told = {name: good[f"{noun}.{name}"] for name in names if f"{noun}.{name}" in good}
        if not told and not any(one == noun or one.startswith(f"{noun}.") for one in map_.targets):
            told = _own_party(noun, read)
        if noun == "contact" and told and "company" not in told:
            company = good.get("account.name") or read.get("company")
            told |= {"company": company} if company else {}
        checked = fields.read(noun, told)
        if read.get(noun) is not None or any(checked.get(name) for name in ("name", "email")):
            found.append(Party(noun, read.get(noun), checked))
    return tuple(found)


def _own_party(noun: str, read: Mapping[str, Any]) -> dict[str, Any]:
    if noun == "account":
        return {"name": read["company"]} if read.get("company") else {}
    return {name: read[name] for name in ("name", "email", "phone") if read.get(name)}
