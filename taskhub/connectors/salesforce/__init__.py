"""Salesforce: outbound messages, and change events and platform events that somebody relays as JSON."""
