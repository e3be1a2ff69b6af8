"""Pipedrive: webhooks version 2 and version 1."""
