"""Everything the house knows, as files that other programs read and that can be brought in again."""
