"""What clients send about notes and links; how long each may be is for the room to say."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from taskhub.http.inputs import Body, Version, kept

Text = Annotated[str, AfterValidator(kept)]


class NoteIn(Body):
    """What is to be known of it, kept exactly as typed; at most 20,000 characters."""

    text: Text


class LinkIn(Body):
    """An address of the web and what it is called."""

    url: Text
    title: Text


class NotePatch(Body):
    """``text`` of a note, ``title`` and ``url`` of a link; ``version`` is the one that was read."""

    version: Version
    text: Text | None = None
    title: Text | None = None
    url: Text | None = None
