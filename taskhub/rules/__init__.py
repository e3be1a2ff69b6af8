"""What a move of the pipeline makes people do: event + changes + rules -> drafts, closings, wakes."""
