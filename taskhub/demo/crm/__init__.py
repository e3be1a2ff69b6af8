"""The demo with a CRM: a fake of one of three systems, in which sales works, connected to taskhub."""

from __future__ import annotations

from taskhub.demo.crm.fakes import SYSTEMS
from taskhub.demo.crm.opening import Crm, open_crm

__all__ = ["SYSTEMS", "Crm", "open_crm"]
