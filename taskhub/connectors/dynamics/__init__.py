"""Dynamics 365 and Dataverse: what a webhook step posts."""
