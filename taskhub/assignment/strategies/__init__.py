"""Built-in strategies, one file each: which one of the pool gets the task."""
