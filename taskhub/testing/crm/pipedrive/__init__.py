"""A fake Pipedrive: leads, deals, activities, notes, webhooks, conversions."""

from __future__ import annotations

from taskhub.testing.crm.pipedrive.api import FakePipedrive

__all__ = ["FakePipedrive"]
