"""Which addresses a link may have: the web's, complete, with no credentials, read alike by every program. Pure."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit

LONGEST = 2_000
SCHEMES = ("http", "https")
# Spaces, controls and marks nobody sees; a backslash is a slash to a browser and none to others.
_UNSEEN = ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp")


def checked(url: str) -> str | None:
    """What is wrong with an address; None where nothing is.

    >>> checked("https://crm.example/deal/17?tab=2#top"), checked("javascript:alert(1)")
    (None, 'must begin with http:// or https://')
    >>> checked("https://ann:secret@crm.example/")
    'carries credentials: everybody who sees the link would see them'
    """
    if len(url) > LONGEST:
        return f"has {len(url)} characters; {LONGEST} are the most"
    if any(char in '\\<>"`' or unicodedata.category(char) in _UNSEEN for char in url):
        return "holds a space, a quote, a backslash or a sign that nobody sees: write it percent-encoded"
    scheme, colon, rest = url.partition(":")
    if not colon or scheme.lower() not in SCHEMES or not rest.startswith("//"):
        return "must begin with http:// or https://"
    return _host(url)


def _host(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "names no host that can be read"
    if "@" in parts.netloc:
        return "carries credentials: everybody who sees the link would see them"
    if not host or host.strip(".") == "" or port == 0:
        return "names no host that can be read"
    return None
