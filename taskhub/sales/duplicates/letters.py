"""Text in the one form in which it is compared: small letters without accents, words apart. Pure.

The same for every way of writing it: composed or not, large or small, with ß, dotted and dotless i, ligatures.
"""

from __future__ import annotations

import re
import unicodedata

# Letters that no decomposition takes apart.
_SPELT = str.maketrans(
    {
        "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h",
        "ŧ": "t", "ŋ": "n", "ĸ": "k", "ɑ": "a", "ə": "e", "&": " and ", "+": " and ",
    }
)  # fmt: skip
# Between letters these join (O'Brien, Dell’Orto); everything else that is neither letter nor digit parts words.
_JOINING = re.compile(r"['’‘ʼʻ`´·]")
_PLAIN = re.compile(r"[a-z0-9]+")
MOST = 200


def words(text: str) -> tuple[str, ...]:
    """The words of a text, folded; at most its first MOST characters are looked at.

    >>> words("Şükrü İÇLİ-Öztürk"), words("Große Ma\u0308rkte & Co")
    (('sukru', 'icli', 'ozturk'), ('grosse', 'markte', 'and', 'co'))
    """
    joined = _JOINING.sub("", fold(text[:MOST]))
    if joined.isascii():
        return tuple(_PLAIN.findall(joined))
    return tuple("".join(char if _spells(char) else " " for char in joined).split())


def fold(text: str) -> str:
    """The text in small letters without accents; folded once more it stays as it is."""
    if text.isascii():
        return text.lower().translate(_SPELT)
    folded = _once(text)
    while (again := _once(folded)) != folded:
        folded = again
    return folded


def _once(text: str) -> str:
    apart = _bare(unicodedata.normalize("NFKD", text)).casefold().translate(_SPELT)
    return unicodedata.normalize("NFC", _bare(unicodedata.normalize("NFKD", apart)))


def _bare(text: str) -> str:
    """Without the accents of Latin, Greek and Cyrillic; the signs of other scripts are letters of theirs and stay."""
    return "".join(char for char in text if not "\u0300" <= char <= "\u036f")


def _spells(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"
