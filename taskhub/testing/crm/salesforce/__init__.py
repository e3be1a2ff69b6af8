"""A fake Salesforce: records, queries, conversion by SOAP, outbound messages and relayed change events."""

from __future__ import annotations

from taskhub.testing.crm.salesforce.api import FakeSalesforce

__all__ = ["FakeSalesforce"]
