"""Plug-ins of others: they run in one child process per worker, and nothing they do reaches further."""
