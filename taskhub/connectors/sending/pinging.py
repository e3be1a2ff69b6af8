"""One signed event that says nothing, to see what the other side makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from taskhub.connectors.sending.news import PING, Fact, envelope
from taskhub.connectors.sending.posting import GONE, Post, Poster
from taskhub.errors import InvalidInput, TaskhubError
from taskhub.ids import new_id
from taskhub.policy.policies import Connection
from taskhub.policy.reading.vocabulary import SEND_KEY


class Heard(NamedTuple):
    """``well``: it was taken; else ``todo`` says what to do."""

    well: bool
    said: str
    todo: str | None = None


def ping(connection: Connection, secrets: Mapping[str, str], at: datetime) -> Heard:
    """Sends ``taskhub.ping`` once to a connection that sends; ``secrets`` are resolved values."""
    if connection.send is None:
        raise RuntimeError("only connections that send are asked")
    id_ = new_id()
    body = envelope(Fact(PING, connection.key, {"connection": connection.key}, at), id_)
    poster = Poster()
    try:
        answer = poster.post(Post(connection.key, connection.send.address, secrets.get(SEND_KEY, ""), id_, body), at)
    except InvalidInput as error:
        return Heard(False, error.message, "set it where taskhub runs, or NAME_FILE to name a file")
    except TaskhubError as error:
        return Heard(False, error.message, "is send.address right, is the receiver up, does it know the key?")
    finally:
        poster.close()
    if answer == GONE:
        return Heard(False, "answered 410: it wants no events", "switch it on there, or take the section send away")
    return Heard(True, f"a signed {PING} was taken")
