"""Questions about a task to whoever knows its customer: the task waits meanwhile, and the answer wakes it."""
