"""kinds.toml: what sorts of task there are."""

from __future__ import annotations

from taskhub.policy.reading.conditions import wanted_values
from taskhub.policy.reading.table import Table, keyed
from taskhub.policy.reading.values import requirements, word
from taskhub.policy.reading.wording import check_template, local
from taskhub.policy.work import ChecklistItem, Kind

MOST_WEIGHT = 1_000
MOST_MINUTES = 10_000
MOST_A_DAY = 10_000
LEVELS = (1, 5)


def read(root: Table) -> dict[str, Kind]:
    """Every kind by its key."""
    found = keyed(root, "kind", "kind", _kind)
    root.done()
    return found


def _kind(entry: Table, key: str) -> Kind:
    return Kind(
        key=key,
        name=local(entry, "name"),
        queue=entry.ref("queue", "queue", required=True) or "",
        weight=entry.number("weight", 1.0, most=MOST_WEIGHT),
        expected_minutes=entry.number("expected_minutes", 15.0, most=MOST_MINUTES),
        level=entry.whole("level", LEVELS[0], least=LEVELS[0], most=LEVELS[1]),
        requires=requirements(entry),
        checklist=tuple(_item(item) for item in entry.tables("checklist")),
        sla=entry.ref("sla", "SLA policy"),
        skill=word(entry, "skill"),
        variety_ceiling=entry.opt_whole("variety_ceiling", least=1, most=MOST_A_DAY),
    )


def _item(entry: Table) -> ChecklistItem:
    item = ChecklistItem(
        text=local(entry, "text"),
        required=entry.flag("required"),
        when=wanted_values(entry),
        field=entry.opt_text("field", most=100),
        url=_address(entry),
    )
    entry.done()
    return item


def _address(entry: Table) -> str | None:
    """Only web addresses: what an event says must never become a script."""
    url = entry.opt_text("url")
    if url is None:
        return None
    if not url.startswith(("https://", "http://")) or url.partition("://")[2][:1] in ("", "{", "/"):
        entry.wrong("url", "a web address that begins with https:// and a host", url)
    check_template(entry, ("url",), url)
    return url
