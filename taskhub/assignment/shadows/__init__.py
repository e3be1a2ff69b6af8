"""Shadows over a long time: worked off in pieces outside of any call, with progress to look at."""
