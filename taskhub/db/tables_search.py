"""What records and tasks are found by: their folded words, and every end of a word by which a part of it is found."""

from __future__ import annotations

from sqlalchemy import Index, Integer, Text

from taskhub.db.columns import keys, may, must, table
from taskhub.db.types import Instant, Key

search_entry = table(  # text: the words in groups, " #1 atelier roux #2 ann "; at: since when it is known
    "search_entry", *keys("record"), *must(Key, "noun"), *may(Key, "owner"), *must(Text, "text"), *must(Instant, "at"),
    Index("ix_search_entry_owner", "owner"),
)  # fmt: skip
search_word = table("search_word", *keys("word", "record"), sqlite_with_rowid=False)
# No key: two who meet the same new word both write it, and nobody waits for the other.
search_part = table("search_part", *must(Key, "part", "word"), Index("ix_search_part_part", "part", "word"))
search_fill = table(  # how far records that were there before have been looked through
    "search_fill", *keys("noun"), *must(Key, "after"), *must(Integer, "passes"), *must(Instant, "at"),
)  # fmt: skip
