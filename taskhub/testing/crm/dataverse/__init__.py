"""A fake Dataverse (Dynamics 365): tables, change tracking, QualifyLead, webhook steps."""

from __future__ import annotations

from taskhub.testing.crm.dataverse.api import FakeDataverse

__all__ = ["FakeDataverse"]
