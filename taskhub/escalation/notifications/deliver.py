"""Takes letters out of the house: mail to a person, a channel through Apprise, always the log."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from typing import Any

from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.escalation.notifications import channels, store
from taskhub.escalation.notifications.channels import Letter
from taskhub.escalation.notifications.model import HOUSE, MAIL, OWN
from taskhub.escalation.notifications.tell import LOG
from taskhub.failpoints import failpoint

logger = logging.getLogger("taskhub.notifications")


class Deliver:
    """Delivers one letter at least once; one delivered already is not sent again.

    The key of a row is ``ID:CHANNEL``. One without a channel was written by a version that knew no letters: it is the
    id of a notification, which leaves as it stands.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = environ

    def prepare(self, tx: Tx, row: Taken) -> functools.partial[None] | None:
        """What is to be sent; None when it has been, or when its person does not want it there any more."""
        letter = _letter(tx, row.key)
        return functools.partial(send, letter, self._environ) if letter else None

    def finish(self, tx: Tx, row: Taken, result: Any) -> None:
        """It has left the house."""
        id_, _, channel = row.key.partition(":")
        store.delivered(tx, id_, channel)


def send(letter: Letter, environ: Mapping[str, str] | None = None) -> None:
    """Sends the letter where it should go. Raises Unavailable when the other side does not take it."""
    where = channels.destination(letter, environ)
    if where is not None:
        channels.push(letter, where)
        failpoint("letter.sent")
    logger.info("notification %s to %s: %s", letter.id, letter.agent or "the log", letter.subject)


def _letter(tx: Tx, key: str) -> Letter | None:
    id_, _, channel = key.partition(":")
    if not channel:
        return _plain(tx, id_)
    row = store.letter_of(tx, id_, channel)
    if row is None:
        raise NotFound(f"There is no letter {key}.")
    address = _address(row)
    if row.delivered_at is not None or address is None:
        return None
    agent = row.addressee if channel in (MAIL, OWN) else None
    return Letter(row.id, agent, address, row.subject, row.body)


def _address(row: Any) -> str | None:
    """Where it goes as things are now; None: its person has taken the address away."""
    if row.channel == MAIL:
        return f"mailto:{row.email}" if row.email else LOG
    if row.channel == OWN:
        return f"{OWN}:{row.own_address}" if row.own_address else None
    return LOG if row.channel == HOUSE else str(row.addressee)


def _plain(tx: Tx, notice_id: str) -> Letter | None:
    row = store.notice(tx, notice_id)
    if row is None:
        raise NotFound(f"There is no notification {notice_id}.")
    return None if row.delivered_at else Letter(row.id, row.agent, row.address, row.subject, row.body)
