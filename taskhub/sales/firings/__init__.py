"""What rules fired for on the strength of a state, so that the event that tells of the move does not act again."""
