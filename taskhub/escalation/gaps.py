"""Once a day: managers are told of planned absences that will leave a kind with nobody, or only one."""

from __future__ import annotations

import logging
from datetime import timedelta

from taskhub.assignment import cover
from taskhub.assignment.coverage import Gap
from taskhub.assignment.coverage_words import sentence
from taskhub.db.tx import Tx
from taskhub.escalation import store
from taskhub.escalation.notifications.model import INFO, Notice
from taskhub.escalation.notifications.tell import tell as tell_
from taskhub.escalation.notifications.tell import told_since
from taskhub.policy.work import Kind

AHEAD = timedelta(days=7)

log = logging.getLogger(__name__)


def tell(tx: Tx) -> None:
    """Tells leaders and managers of a kind's teams of each gap that begins within AHEAD, once for each gap.

    A house in which there has never been anybody misses nobody.
    """
    if not store.anybody(tx):
        log.info("there are no people yet: who will be missed is not looked at")
        return
    for one in cover.covers(tx, None, tx.now, tx.now + AHEAD):
        for gap in one.gaps:
            _tell(tx, one.kind, gap)


def _tell(tx: Tx, kind: Kind, gap: Gap) -> None:
    log.warning("%s", sentence(kind.name, gap))
    teams = store.teams(tx, tx.policies.queues[kind.queue].teams)
    wanted = {key for team in teams for key in (team.leader, *team.managers) if key}
    for person in store.people(tx, wanted):
        about = f"{kind.key} {_about(gap)}"
        if person.active and not told_since(tx, person.key, about, tx.now - 2 * AHEAD):
            subject = sentence(kind.name, gap, person.language)
            tell_(tx, Notice("gap", INFO, subject, f"{subject}\n\n{about}", person.key, email=person.email))


def _about(gap: Gap) -> str:
    """Names a gap by its end and by who is left: a gap that has begun keeps its name."""
    return f"{gap.until:%Y-%m-%dT%H:%M}/{','.join(gap.left)}" if gap.until else f"-/{','.join(gap.left)}"
