"""Long answers are written to a file first: a slow reader keeps no transaction open, and what fails is told as such."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any

from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

IN_MEMORY = 4 * 1024 * 1024
PART = 256 * 1024


def spooled(write: Callable[[IO[bytes]], Any], name: str, media: str) -> StreamingResponse:
    """What ``write`` writes, as a download of that name."""
    file: Any = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  closed once it was sent
    try:
        write(file)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    plain = "".join(char if char.isascii() and (char.isalnum() or char in ".-") else "_" for char in name)
    head = {"content-disposition": f'attachment; filename="{plain}"'}
    return StreamingResponse(_parts(file), 200, head, media, background=BackgroundTask(file.close))


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    while part := file.read(PART):
        yield part
