"""Built-in staffing models, one file each: which of a queue's people serve it, when."""
