"""Figures of one person, theirs first; and of a team, without anybody's name."""
