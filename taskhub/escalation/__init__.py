"""Late work finds somebody: ladders of steps, who is told instead of whom, notices and their delivery."""
