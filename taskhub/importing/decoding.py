"""From bytes to lines of text: the encoding by its mark or by what fits, the delimiter by what divides evenly. Pure.

Nothing is held but the piece that is being read. Bytes that mean nothing become the replacement character, and a row
that shows one is refused: nothing is altered in silence.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from taskhub.errors import InvalidInput
from taskhub.policy.reading.nearest import nearest

AT_ONCE = 256 * 1024
LOOKED_AT = 64 * 1024
LONGEST_LINE = 1024 * 1024
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8-sig", "windows-1252", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "iso-8859-15")
UNREADABLE = "\ufffd"
Open = Callable[[], Iterator[bytes]]
"""The bytes of the file once more, from the start."""


def encoding_of(open_: Open) -> str:
    """The mark's; UTF-16 by its zero bytes; UTF-8 when all of the file is; else Windows-1252."""
    head = b""
    for chunk in open_():
        head += chunk[:LOOKED_AT]
        if len(head) >= LOOKED_AT:
            break
    marked = next((name for mark, name in MARKS if head.startswith(mark)), None)
    if marked is not None:
        return marked
    half = len(head) // 2
    if half and head[1::2].count(0) > half * 0.6:
        return "utf-16-le"
    if half and head[0::2].count(0) > half * 0.6:
        return "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in open_():
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8"


def known_encoding(name: str) -> str:
    """The encoding of that name, one of ENCODINGS. Raises InvalidInput."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        found = ""
    ours = {codecs.lookup(one).name: one for one in ENCODINGS}
    if found not in ours:
        hint = nearest(name, ENCODINGS)
        raise InvalidInput(
            f"{name[:40]!r} is no encoding taskhub reads" + (f"; did you mean {hint}?" if hint else "."),
            code="unknown_encoding", known=list(ENCODINGS),
        )  # fmt: skip
    return ours[found]


def known_delimiter(name: str) -> str:
    """The delimiter by its name, or itself. Raises InvalidInput."""
    if name in DELIMITERS.values():
        return name
    if name in DELIMITERS:
        return DELIMITERS[name]
    raise InvalidInput(
        f"{name[:20]!r} is no delimiter: name one of {', '.join(DELIMITERS)}.", code="unknown_delimiter",
    )  # fmt: skip


def lines(chunks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Physical lines with their ends, whichever of the three ends they have."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    rest = ""
    for part in _parts(chunks):
        rest += decoder.decode(part)
        *whole, rest = _cut(rest)
        yield from whole
        rest = rest[:LONGEST_LINE]  # what is cut off belongs to a row that is too long to be taken in
    rest += decoder.decode(b"", final=True)
    *whole, last = _cut(rest, final=True)
    yield from whole
    if last:
        yield last


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Parts of one size, whatever the sizes in which the bytes come: a long line is looked through a few times only."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= AT_ONCE:
            yield bytes(held[:AT_ONCE])
            del held[:AT_ONCE]
    yield bytes(held)


def _cut(text: str, *, final: bool = False) -> list[str]:
    """Whole lines, and what is left. A carriage return at the end may still belong to a line feed."""
    held = "\r" if text.endswith("\r") and not final else ""
    found = io.StringIO(text[: len(text) - len(held)], newline="").readlines()
    if found and (found[-1].endswith(("\n", "\r"))):
        found.append("")
    if not found:
        found = [""]
    found[-1] += held
    return found


def delimiter_of(first: Sequence[str]) -> str:
    """Of the delimiters the one that divides the first lines most evenly; a comma where none divides anything.

    >>> delimiter_of(["name;amount", "Ann;1,5", "Bob;2,5"])
    ';'
    """
    scored = [(_evenness(first, one), -at, one) for at, one in enumerate(DELIMITERS.values())]
    return max(scored)[2]


def _evenness(first: Sequence[str], delimiter: str) -> tuple[float, int]:
    try:
        widths = [len(row) for row in csv.reader(first, delimiter=delimiter) if row]
    except csv.Error:
        return 0.0, 0
    if not widths or widths[0] < 2:
        return 0.0, 0
    return Counter(width == widths[0] for width in widths)[True] / len(widths), widths[0]
