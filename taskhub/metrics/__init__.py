"""What the work came to: each figure with its name, unit and formula; read from tasks and history, never written."""
