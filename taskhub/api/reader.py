"""In which language a caller reads: what the call says, then the browser, then the person."""

from __future__ import annotations

from starlette.requests import Request

from taskhub.api import queries
from taskhub.db.tx import Tx
from taskhub.http.languages import LANGUAGES, preferred


def language(tx: Tx, request: Request, said: str | None = None) -> str:
    """One of LANGUAGES."""
    found = said or preferred(request.headers.get("accept-language"))
    if found is None and tx.by.agent is not None:
        found = (queries.language_of(tx, tx.by.agent) or "")[:2].lower()
    return found if found in LANGUAGES else LANGUAGES[0]
