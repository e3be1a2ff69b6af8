"""Records that stand for the same person or company: found by what they have in common, judged in words."""
