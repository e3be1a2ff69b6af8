"""Who may, who does, in which order, and why."""
