"""The only SQL that writes the tables of duplicates."""
