"""Leads, deals, accounts and contacts: what is known of each record, built from events."""
