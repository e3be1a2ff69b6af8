"""What a message of several notices says, in the reader's language. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from taskhub.escalation.notifications.model import URGENT

SHOWN = 50
TEXTS = {
    "en": {
        "subject": "{count} notices", "urgent": ", {count} of them urgent", "since": "Since {at} ({zone}):",
        "more": "and {count} more; all of them stand in your list of notices.",
    },
    "fr": {
        "subject": "{count} avis", "urgent": ", dont {count} urgents", "since": "Depuis {at} ({zone})\u00a0:",
        "more": "et {count} autres ; tous sont dans votre liste d’avis.",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One notice of several."""

    at: datetime
    severity: str
    subject: str
    task: str | None


def digest(notices: Sequence[Said], language: str, time_zone: str) -> tuple[str, str]:
    """Subject and body of one message for all of ``notices``, oldest first; what is urgent stands above the rest."""
    words = TEXTS.get(language.split("-", maxsplit=1)[0].lower(), TEXTS["en"])
    zone = ZoneInfo(time_zone)
    urgent = [one for one in notices if one.severity == URGENT]
    ordered = [*urgent, *(one for one in notices if one.severity != URGENT)]
    subject = words["subject"].format(count=len(notices))
    if urgent:
        subject += words["urgent"].format(count=len(urgent))
    first = min(one.at for one in notices).astimezone(zone)
    lines = [words["since"].format(at=f"{first:%Y-%m-%d %H:%M}", zone=time_zone), ""]
    lines += [_line(one, zone) for one in ordered[:SHOWN]]
    if len(ordered) > SHOWN:
        lines += ["", words["more"].format(count=len(ordered) - SHOWN)]
    return subject, "\n".join(lines)


def _line(one: Said, zone: ZoneInfo) -> str:
    about = f" [{one.task}]" if one.task else ""
    return f"- {one.at.astimezone(zone):%H:%M} {one.subject}{about}"
