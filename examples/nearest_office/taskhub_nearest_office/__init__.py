"""A taskhub plug-in: one strategy, one staffing model."""
