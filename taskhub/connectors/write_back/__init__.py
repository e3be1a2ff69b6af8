"""Our work as a CRM shows it: what is to stand there, how it gets there once, what comes back from there."""
